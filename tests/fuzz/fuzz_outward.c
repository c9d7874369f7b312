/* Any bytes as the body of what leads outwards: of POST and PATCH /relays, of
 * a route and of a source address. What is accepted fits the store's columns,
 * names no secret outside of its place, and comes through a second time. */
#include "api/fields.h"
#include "api/handlers/relay_wish.h"
#include "api/json.h"
#include "base/bug.h"
#include "egress/route.h"
#include "egress/source.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static const char secrets[] = "/etc/presort/secrets";

static const char *text_of(const json_t *body, const char *field)
{
    return json_string_value(field_member(body, field));
}

static void check_relay(const struct relay_wish *wish)
{
    const struct egress_relay *r = &wish->relay;
    struct limits limits;

    if (!egress_is_name(r->name) || strlen(r->servers) > EGRESS_SERVERS_MAX)
        BUG("a name or servers that the store does not take");
    if ((strcmp(r->login, "none") == 0) != !r->user || !r->user != !r->secret)
        BUG("half a login");
    if (r->secret && strncmp(r->secret, "env:RELAY_", 10) != 0 &&
        (strncmp(r->secret, "file:", 5) != 0 || strstr(r->secret, "/../") ||
         strncmp(r->secret + 5, secrets, sizeof secrets - 1) != 0))
        BUG("a secret outside of its place");
    if (*wish->limits && limits_parse(wish->limits, &limits, NULL) != STATUS_OK)
        BUG("limits that nobody reads");
}

static void read_relay(json_t *whole, json_t *body)
{
    struct relay_wish wish;
    struct reply reply = {0};
    struct buf shown = {0};

    if (!relay_wish_polite(body, &reply) ||
        !relay_wish_read(whole, body, secrets, NULL, &wish, &reply)) {
        if (reply.status < 400 || reply.body.len == 0)
            BUG("an error without a text");
    } else {
        JSON_DECREF json_t *again = NULL;
        struct error err;

        check_relay(&wish);
        relay_wish_show(&shown, "{\"a\":1}", wish.relay.servers);
        if (json_parse(shown.data, shown.len, &again, &err) != STATUS_OK)
            BUG("a relay is shown as no JSON");
    }
    buf_fini(&shown);
    reply_fini(&reply);
}

static void try_relay(json_t *body)
{
    JSON_DECREF json_t *stored =
        json_pack("{s:s, s:[s], s:s, s:s, s:s, s:s}", "name", "corp", "servers",
                  "b.example:25", "tls", "required", "login", "auto", "user",
                  "jo", "password_file", "/etc/presort/secrets/corp");

    read_relay(body, body);
    relay_wish_merge(stored, body);
    read_relay(stored, body);
}

static void try_route(const json_t *body)
{
    struct egress_route r = {
        .place = json_integer_value(field_member(body, "place")),
        .project = text_of(body, "project"),
        .class = text_of(body, "class"),
        .from = text_of(body, "from"),
        .to = text_of(body, "to"),
        .via = text_of(body, "via"),
        .fallback = text_of(body, "fallback"),
        .pool = text_of(body, "pool")};
    struct egress_fault fault;

    if (!egress_route_check(&r, &fault)) {
        if (!fault.field || !*fault.error.text)
            BUG("a fault without a field or text");
        return;
    }
    /* As it is stored, it is read again. */
    struct egress_route again = r;

    if (!egress_route_check(&again, &fault) ||
        (r.to && strcmp(r.to, again.to) != 0) ||
        (r.from && strcmp(r.from, again.from) != 0))
        BUG("a route's domain has two forms");
}

static void try_source(const json_t *body)
{
    const struct egress_source s = {.address = text_of(body, "address"),
                                    .ehlo = text_of(body, "ehlo"),
                                    .pool = text_of(body, "pool"),
                                    .warm_up = text_of(body, "warm_up")};
    struct egress_fault fault;

    if (!egress_source_check(&s, &fault) &&
        (!fault.field || !*fault.error.text))
        BUG("a fault without a field or text");
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    JSON_DECREF json_t *body = NULL;
    struct error err;

    if (json_parse((const char *)bytes, n, &body, &err) != STATUS_OK ||
        !json_is_object(body))
        return 0;
    try_route(body);
    try_source(body);
    try_relay(body);
    return 0;
}
