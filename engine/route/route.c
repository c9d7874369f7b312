#include "route/route.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTE_AGAIN_MS = 60 * 1000, ROUTE_RETRY_MS = 1000 };

struct route {
    uv_loop_t *loop;
    struct net_address relay;
    char port[8];
    uv_timer_t *again;
    uv_getaddrinfo_t *asking; /* NULL if none; outlives a freed route */
    struct sockaddr_storage address;
    socklen_t address_len; /* 0: not known yet */
};

static void ask(uv_timer_t *timer);

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void on_answer(uv_getaddrinfo_t *asked, int status,
                      struct addrinfo *answer)
{
    struct route *r = asked->data;

    free(asked);
    if (!r) { /* freed meanwhile */
        uv_freeaddrinfo(answer);
        return;
    }
    r->asking = NULL;
    if (status != 0) {
        log_event(LOG_WARN, "relay_unknown", "host=%s why=\"%s\"",
                  r->relay.host, uv_strerror(status));
        uv_timer_start(r->again, ask, ROUTE_RETRY_MS, 0);
        return;
    }
    memcpy(&r->address, answer->ai_addr, answer->ai_addrlen);
    r->address_len = answer->ai_addrlen;
    uv_freeaddrinfo(answer);
    uv_timer_start(r->again, ask, ROUTE_AGAIN_MS, 0);
}

static void ask(uv_timer_t *timer)
{
    struct route *r = timer->data;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    if (r->asking)
        return;
    r->asking = memory_new(1, sizeof *r->asking);
    r->asking->data = r;
    if (uv_getaddrinfo(r->loop, r->asking, on_answer, r->relay.host, r->port,
                       &hints) != 0) {
        free(r->asking);
        r->asking = NULL;
        uv_timer_start(r->again, ask, ROUTE_RETRY_MS, 0);
    }
}

enum status route_new(uv_loop_t *loop, const struct config *config,
                      struct route **out, struct error *err)
{
    bool sandbox = strcmp(config->relay, "sandbox") == 0;
    const char *relay = sandbox ? config->sandbox_listen : config->relay;
    struct route *r = memory_new(1, sizeof *r);
    struct error why;

    if (net_parse(relay, &r->relay, &why) != STATUS_OK) {
        free(r);
        return fail(err, STATUS_INVALID, "%s: %s",
                    sandbox ? "sandbox_listen" : "relay", why.text);
    }
    snprintf(r->port, sizeof r->port, "%u", r->relay.port);
    r->loop = loop;
    r->again = memory_new(1, sizeof *r->again);
    uv_timer_init(loop, r->again);
    r->again->data = r;
    uv_timer_start(r->again, ask, 0, 0);
    *out = r;
    return STATUS_OK;
}

void route_free(struct route *r)
{
    if (!r)
        return;
    if (r->asking)
        r->asking->data = NULL;
    uv_timer_stop(r->again);
    uv_close((uv_handle_t *)r->again, free_handle);
    free(r);
}

bool route_of_site(const struct route *r, const char *site,
                   struct sockaddr_storage *address, socklen_t *len)
{
    (void)site; /* one relay takes the mail of all */
    *address = r->address;
    *len = r->address_len;
    return r->address_len > 0;
}
