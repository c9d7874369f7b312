/*
 * route/route - how a mail leaves: by a relay, by the sandbox (which is the
 * relay that keeps everything), or directly to the recipient's mail servers.
 *
 * Rules stand in the store, the first one that matches counts; without one, it
 * is the setting `relay` that says it. They are read at start and whenever they
 * change, together with the relays and addresses that they name, as of one
 * moment.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "base/config.h"
#include "route/relay.h"
#include "route/rule.h"
#include "route/sources.h"
#include <uv.h>

struct route;

enum route_kind { ROUTE_RELAY, ROUTE_DIRECT };

struct route_way {
    int64_t rule; /* its id; 0: there is none, and the setting counts */
    enum route_kind kind;
    struct relay *relay;    /* never NULL unless direct; the route's; stays */
    struct relay *fallback; /* direct: where no server is reached, or NULL */
    /* Where it leaves from, one of these; NULL: as the system chooses. The
     * route's; it stays. */
    const struct source_pool *pool;
};

/* config must live; conninfo is copied. err names the setting. changed is
 * called when mail may have to go another way than before. */
MUST_USE enum status route_new(uv_loop_t *loop, const struct config *config,
                               const char *conninfo,
                               void (*changed)(void *owner), void *owner,
                               struct route **out, struct error *err);
void route_free(struct route *r);

/* Until then no mail should be on its way. */
bool route_is_known(const struct route *r);

/* The recipient's domain may be in U-labels, too. */
struct route_way route_of(const struct route *r,
                          const struct rule_question *question);

/* The way that a rule would say by "direct", "sandbox" or a relay's name; false
 * if there is no such relay. */
bool route_named(const struct route *r, const char *via, struct route_way *way);

/* Does any route, or the setting, lead to the relay of that name? */
bool route_names(const struct route *r, const char *relay);

/* The one way that all mail takes; false if it depends on the mail. */
bool route_is_one(const struct route *r, struct route_way *way);

/* The addresses of the pools that routes name, into names, max at most; ""
 * where a route names none. Returns how many; they live until the routes
 * change. */
size_t route_sources(const struct route *r, const char **names, size_t max);

/* Is the sender's domain asked for by any rule? */
bool route_wants_sender(const struct route *r);
#endif
