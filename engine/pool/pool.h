/*
 * pool/pool - the connections of one worker to one destination.
 *
 * Connections pull: one that can take a mail asks the owner for the next.
 * A few are kept free of campaigns, so that transactional mail never waits
 * behind one. They are opened as mail waits, reused, and closed when idle. A
 * destination that can't be reached is tried again with a growing pause; the
 * mail waits meanwhile, untouched.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "base/config.h"
#include "queue/batch.h"
#include "smtp/conn.h"

struct pool;

struct pool_events {
    /* The next mail of the class, or false. Its bytes live until settled. */
    bool (*next)(void *owner, enum batch_class class, struct smtp_message *m);
    /* Mails of the class that wait: how many connections are worth opening. */
    size_t (*waiting)(void *owner, enum batch_class class);
    void (*settled)(void *owner, const struct smtp_result *result,
                    const char *peer, const char *source);
    /* Where to connect to; false while it is not known. */
    bool (*address)(void *owner, struct sockaddr_storage *address,
                    socklen_t *len);
};

struct pool_state {
    unsigned connections, busy; /* busy: with a mail under way */
    unsigned failures;          /* in a row, to connect */
    int64_t down_until_ms;      /* mono clock; 0: up */
};

/* config must live and may change (reload). ehlo_name is copied. */
struct pool *pool_new(struct smtp_net *net, const struct config *config,
                      const char *ehlo_name, const struct pool_events *events,
                      void *owner);

/* After smtp_net_free. */
void pool_free(struct pool *p);

/* Each loop turn, before the flush: give mail to connections that take it,
 * open more where mail waits. */
void pool_turn(struct pool *p, int64_t now_ms);

/* Ask for no more mail; connections end when theirs is settled. */
void pool_drain(struct pool *p);

struct pool_state pool_state(const struct pool *p);
bool pool_is_down(const struct pool *p, int64_t now_ms);
#endif
