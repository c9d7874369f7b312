/* /relays: the servers that routes may hand mail to. They concern the whole
 * installation, so only the operator's project may ask. Workers hear of each
 * change from the tables' triggers. */
#include "api/handlers/operator.h"
#include "api/handlers/outward.h"
#include "api/handlers/relay_wish.h"
#include "api/handlers/relays.sql.h"
#include "api/json.h"
#include "base/servers.h"
#include "engine/egress/egress.sql.h"
#include <stdio.h>
#include <string.h>

enum { NUMBER_MAX = 24 };
enum column { COLUMN_MEMBERS, COLUMN_SERVERS, COLUMN_SECRET };

static void add_relay(struct buf *out, const PGresult *rows, int row)
{
    relay_wish_show(out, PQgetvalue(rows, row, COLUMN_MEMBERS),
                    PQgetvalue(rows, row, COLUMN_SERVERS));
}

static void show(struct request *request, struct reply *reply, int status,
                 const char *name)
{
    DB_RESULT *row = NULL;

    if (!outward_find(request, reply, SQL_RELAYS_SHOWN, name, "Relay", &row))
        return;
    reply->status = status;
    add_relay(&reply->body, row, 0);
}

void relays_list_handle(struct request *request, struct reply *reply)
{
    outward_list(request, reply, SQL_RELAYS_SHOWN, add_relay);
}

void relays_show_handle(struct request *request, struct reply *reply)
{
    if (operator_asks(request, reply))
        show(request, reply, 200, request->args[0]);
}

/* ---- Made, changed ---- */

/* Those that are asked for; of a new one, else those of its provider. */
static bool put_limits(struct request *request, struct reply *reply,
                       const struct relay_wish *wish, bool made)
{
    const char *provider = egress_relay_limits(wish->relay.servers);
    const char *said[] = {wish->relay.name, wish->limits};
    const char *standard[] = {wish->relay.name, provider};

    if (wish->says_limits && *wish->limits)
        return outward_run(request, reply, SQL_EGRESS_RELAY_LIMITS, said, 2,
                           NULL);
    if (wish->says_limits)
        return outward_run(request, reply, SQL_EGRESS_RELAY_NO_LIMITS, said, 1,
                           NULL);
    if (!made || !provider)
        return true;
    return outward_run(request, reply, SQL_EGRESS_RELAY_STANDARD_LIMITS,
                       standard, 2, NULL);
}

/* Within a transaction; the reply is set if it is refused. */
static void put(struct request *request, struct reply *reply,
                const struct relay_wish *wish, bool made)
{
    const struct egress_relay *r = &wish->relay;
    char most[NUMBER_MAX];
    const char *room[] = {r->name, most};
    const char *params[] = {r->name,
                            r->servers,
                            r->tls,
                            r->login,
                            r->user,
                            r->secret,
                            made ? "false" : "true"};
    DB_RESULT *row = NULL;

    snprintf(most, sizeof most, "%d", EGRESS_RELAYS_MAX);
    if (!outward_allowed(request, reply, SQL_EGRESS_RELAY_FAULT, room, 2) ||
        !outward_run(request, reply, SQL_EGRESS_RELAY_PUT, params, 7, &row))
        return;
    if (PQntuples(row) == 0)
        reply_error_as(reply, 409, API_VALIDATION_ERROR,
                       "The relay %s is there already; PATCH changes it.",
                       r->name);
    else if (put_limits(request, reply, wish, made))
        show(request, reply, made ? 201 : 200, r->name);
}

static json_t *body_of(struct request *request, struct reply *reply)
{
    return outward_body(request, reply, relay_wish_polite, relay_wish_fields,
                        relay_wish_n_fields);
}

void relays_create_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = body_of(request, reply);
    struct relay_wish wish;

    if (!body ||
        !relay_wish_read(body, body, request->config->relay_secret_dir, NULL,
                         &wish, reply) ||
        !outward_begin(request, reply))
        return;
    put(request, reply, &wish, true);
    outward_end(request, reply);
}

/* Within a transaction: what is there stays as it is until the commit. */
static void update(struct request *request, struct reply *reply, json_t *body)
{
    const char *name = request->args[0], *params[] = {name};
    struct buf text = {0};
    DB_RESULT *row = NULL;
    JSON_DECREF json_t *whole = NULL;
    struct relay_wish wish;
    struct error err;

    if (!outward_run(request, reply, SQL_RELAYS_LOCK, params, 1, NULL) ||
        !outward_find(request, reply, SQL_RELAYS_SHOWN, name, "Relay", &row))
        return;
    const char *kept = PQgetisnull(row, 0, COLUMN_SECRET)
                           ? NULL
                           : PQgetvalue(row, 0, COLUMN_SECRET);

    add_relay(&text, row, 0);
    enum status status = json_parse(text.data, text.len, &whole, &err);

    buf_fini(&text);
    if (status != STATUS_OK) {
        reply_status(reply, STATUS_FAILED, &err);
        return;
    }
    if (outward_same(body, "name", name, reply)) {
        relay_wish_merge(whole, body);
        if (relay_wish_read(whole, body, request->config->relay_secret_dir,
                            kept, &wish, reply))
            put(request, reply, &wish, false);
    }
}

void relays_update_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = body_of(request, reply);

    if (!body || !outward_begin(request, reply))
        return;
    update(request, reply, body);
    outward_end(request, reply);
}

/* ---- The others ---- */

static void remove_it(struct request *request, struct reply *reply)
{
    const char *params[] = {request->args[0]};
    DB_RESULT *row = NULL;

    if (!outward_free(request, reply, SQL_EGRESS_RELAY_IN_USE, params, 1) ||
        !outward_run(request, reply, SQL_EGRESS_RELAY_REMOVE, params, 1, &row))
        return;
    if (PQntuples(row) == 0) {
        reply_error(reply, API_NOT_FOUND, "Relay not found");
        return;
    }
    reply->status = 200;
    buf_addf(&reply->body,
             "{\"object\":\"relay\",\"name\":\"%s\",\"deleted\":true}",
             PQgetvalue(row, 0, 0));
}

void relays_delete_handle(struct request *request, struct reply *reply)
{
    if (!operator_asks(request, reply) || !outward_begin(request, reply))
        return;
    remove_it(request, reply);
    outward_end(request, reply);
}

void relays_presets_handle(struct request *request, struct reply *reply)
{
    size_t n;
    const struct server_preset *presets = servers_presets(&n);

    (void)request;
    reply->status = 200;
    buf_add_text(&reply->body,
                 "{\"object\":\"list\",\"has_more\":false,\"data\":[");
    for (size_t i = 0; i < n; i++) {
        buf_addf(&reply->body,
                 "%s{\"object\":\"relay_preset\",\"name\":", i ? "," : "");
        json_add_text(&reply->body, presets[i].name);
        buf_add_text(&reply->body, ",\"servers\":");
        relay_wish_add_servers(&reply->body, presets[i].name);
        buf_add_text(&reply->body, ",\"limits\":");
        json_add_text(&reply->body, egress_relay_limits(presets[i].name));
        buf_add_text(&reply->body, ",\"note\":");
        json_add_text(&reply->body, presets[i].note);
        buf_add_char(&reply->body, '}');
    }
    buf_add_text(&reply->body, "]}");
}
