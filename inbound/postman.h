/*
 * inbound/postman - fetches from the mailboxes of the store: a thread for each,
 * and one that keeps them as the store says. A message is put away only after
 * what it says is committed; one that was fetched again counts once.
 */
#ifndef INBOUND_POSTMAN_H
#define INBOUND_POSTMAN_H

#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

struct postman;

enum { POSTMAN_MAILBOXES_MAX = 64 };

/* conninfo is copied. poll_seconds: how often an empty mailbox is looked into.
 */
struct postman *postman_new(const char *conninfo, int64_t poll_seconds);

/* Breaks off what is under way, and waits for it. NULL is allowed. */
void postman_free(struct postman *p);

/* Logs into one mailbox and counts (up to a round) what would be fetched;
 * touches nothing. */
MUST_USE enum status postman_test(const char *conninfo, const char *name,
                                  size_t *n, struct error *err);
#endif
