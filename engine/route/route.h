/*
 * route/route - how a mail leaves: by a relay, by the sandbox (which is the
 * relay that keeps everything), or directly to the recipient's MX.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "base/config.h"
#include "route/relay.h"
#include <uv.h>

struct route;

enum route_kind { ROUTE_RELAY, ROUTE_DIRECT };

struct route_way {
    enum route_kind kind;
    struct relay *relay; /* NULL if direct; the route's */
};

/* What a mail's way may depend on. */
struct route_question {
    int64_t project;
    bool transactional;
    const char *domain; /* of the recipient */
};

/* config must live. err names the setting. */
MUST_USE enum status route_new(uv_loop_t *loop, const struct config *config,
                               struct route **out, struct error *err);
void route_free(struct route *r);

struct route_way route_of(const struct route *r,
                          const struct route_question *question);

/* The one way that all mail takes; false if it depends on the mail. */
bool route_is_one(const struct route *r, struct route_way *way);
#endif
