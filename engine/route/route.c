#include "route/route.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

struct route {
    struct route_way way;
};

enum status route_new(uv_loop_t *loop, const struct config *config,
                      struct route **out, struct error *err)
{
    bool direct = strcmp(config->relay, "direct") == 0;
    bool sandbox = strcmp(config->relay, "sandbox") == 0;
    const char *relay = sandbox ? config->sandbox_listen : config->relay;
    struct route *r = memory_new(1, sizeof *r);
    struct error why;

    r->way.kind = direct ? ROUTE_DIRECT : ROUTE_RELAY;
    if (!direct && relay_new(loop, sandbox ? "sandbox" : "relay", relay,
                             &r->way.relay, &why) != STATUS_OK) {
        free(r);
        return fail(err, STATUS_INVALID, "%s: %s",
                    sandbox ? "sandbox_listen" : "relay", why.text);
    }
    *out = r;
    return STATUS_OK;
}

void route_free(struct route *r)
{
    if (!r)
        return;
    relay_free(r->way.relay);
    free(r);
}

struct route_way route_of(const struct route *r,
                          const struct route_question *question)
{
    (void)question;
    return r->way;
}

bool route_is_one(const struct route *r, struct route_way *way)
{
    *way = r->way;
    return true;
}
