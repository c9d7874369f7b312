/*
 * inbound/listener - the socket of inbound_listen and its connections, on
 * libuv: moves bytes between sockets, inbound/secure and inbound/talk, hands
 * messages to inbound/inbox, keeps time and limits. A client that does not
 * read its replies is not read either.
 */
#ifndef INBOUND_LISTENER_H
#define INBOUND_LISTENER_H

#include "base/config.h"
#include "inbound/inbox.h"
#include <uv.h>

struct listener;

/* Binds the port. NULL with err filled, which names the setting. config and
 * inbox outlive it. */
struct listener *listener_new(uv_loop_t *loop, const struct config *config,
                              struct inbox *inbox, struct error *err);

/* Limits and certificate as the configuration says now. An error leaves the
 * certificate as it was. */
MUST_USE enum status listener_reload(struct listener *l, struct error *err);

/* No new connections; those that wait for nothing are told 421. done once:
 * nothing is left. */
void listener_stop(struct listener *l, void (*done)(void *owner), void *owner);
#endif
