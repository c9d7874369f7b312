/*
 * sign/senders - the sending domains: makes the keys that were asked for,
 * writes down which DNS records the domain's owner is to publish, and looks up
 * what of it is there.
 *
 * The API asks in the table `domain` and says NOTIFY presort_control "domain";
 * it has neither keys nor DNS. One domain at a time, on a connection of its
 * own; several engines share the work. A domain that was verified once is
 * looked up again each day, one that is not yet, every five minutes for three
 * days. Keys are made in a thread, for it takes long.
 */
#ifndef SIGN_SENDERS_H
#define SIGN_SENDERS_H

#include "base/config.h"
#include <uv.h>

struct senders;

/* config must live; hostname is copied. Connects at once. */
struct senders *senders_new(uv_loop_t *loop, const struct config *config,
                            const char *conninfo, const char *hostname);
void senders_free(struct senders *s);
#endif
