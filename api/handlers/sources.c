/* /sources: the addresses that mail leaves from, by pools, which routes name.
 * Only the operator's project may ask. Workers hear of each change from the
 * table's triggers. */
#include "api/handlers/operator.h"
#include "api/handlers/outward.h"
#include "api/handlers/sources.sql.h"
#include "api/json.h"
#include "egress/source.h"
#include "engine/egress/egress.sql.h"
#include <stdio.h>
#include <string.h>

enum { NUMBER_MAX = 24 };

/* The last two are what an answer shows, which may come back. */
static const char *const known[] = {"address",  "ehlo",    "pool",
                                    "warm_up",  "enabled", "warm_up_day",
                                    "blamed_by"};
enum { KNOWN = sizeof known / sizeof *known };

/* What is no address is none of ours. */
static bool names_source(struct request *request, struct reply *reply)
{
    if (!egress_is_address(request->args[0]))
        reply_error(reply, API_NOT_FOUND, "Source not found");
    return reply->status == 0;
}

static void show(struct request *request, struct reply *reply, int status,
                 const char *address)
{
    outward_show(request, reply, status, SQL_SOURCES_SHOWN, address, "Source");
}

/* ---- Read ---- */

/* Its texts are the body's. */
static bool read_source(const json_t *body, struct egress_source *out,
                        bool *enabled, struct reply *reply)
{
    const json_t *on = json_object_get(body, "enabled");
    struct egress_fault fault;

    *enabled = !on || json_is_true(on);
    if (on && !json_is_boolean(on)) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "Invalid `enabled` field: it is to be true or false.");
        return false;
    }
    if (!outward_text(body, "address", &out->address, reply) ||
        !outward_text(body, "ehlo", &out->ehlo, reply) ||
        !outward_text(body, "pool", &out->pool, reply) ||
        !outward_text(body, "warm_up", &out->warm_up, reply))
        return false;
    return egress_source_check(out, &fault) || outward_wrong(reply, &fault);
}

static bool has_room(struct request *request, struct reply *reply,
                     const struct egress_source *s)
{
    char in_pool[NUMBER_MAX], in_all[NUMBER_MAX];
    const char *params[] = {s->address, s->pool, in_pool, in_all};

    snprintf(in_pool, sizeof in_pool, "%d", EGRESS_POOL_MAX);
    snprintf(in_all, sizeof in_all, "%d", EGRESS_SOURCES_MAX);
    return outward_allowed(request, reply, SQL_EGRESS_SOURCE_FAULT, params, 4);
}

/* ---- Made, changed ---- */

static void create(struct request *request, struct reply *reply,
                   const struct egress_source *s, bool enabled)
{
    const char *put[] = {s->address, s->ehlo, s->pool, s->warm_up, "false"};
    const char *turn[] = {s->address, enabled ? "true" : "false"};
    DB_RESULT *row = NULL;

    if (!has_room(request, reply, s) ||
        !outward_run(request, reply, SQL_EGRESS_SOURCE_PUT, put, 5, &row))
        return;
    if (PQntuples(row) == 0)
        reply_error_as(reply, 409, API_VALIDATION_ERROR,
                       "The source %s is there already; PATCH changes it.",
                       s->address);
    else if (enabled || outward_run(request, reply, SQL_EGRESS_SOURCE_ENABLE,
                                    turn, 2, NULL))
        show(request, reply, 201, s->address);
}

void sources_create_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = outward_body(request, reply, NULL, known, KNOWN);
    struct egress_source source;
    bool enabled;

    if (!body || !read_source(body, &source, &enabled, reply) ||
        !outward_begin(request, reply))
        return;
    create(request, reply, &source, enabled);
    outward_end(request, reply);
}

/* What is there and what the body has instead, as one body. */
static json_t *merge(struct request *request, struct reply *reply, json_t *body)
{
    const char *params[] = {request->args[0]};
    json_t *source;

    if (!outward_run(request, reply, SQL_SOURCES_LOCK, params, 1, NULL))
        return NULL;
    source = outward_stored(request, reply, SQL_SOURCES_SHOWN, request->args[0],
                            "Source");
    if (!source)
        return NULL;
    const char *address = json_string_value(json_object_get(source, "address"));

    if (outward_same(body, "address", address, reply)) {
        json_object_update(source, body);
        return source;
    }
    json_decref(source);
    return NULL;
}

static void update(struct request *request, struct reply *reply, json_t *body)
{
    JSON_DECREF json_t *whole = merge(request, reply, body);
    struct egress_source s;
    bool enabled;

    if (!whole || !read_source(whole, &s, &enabled, reply) ||
        !has_room(request, reply, &s))
        return;
    const char *params[] = {s.address, s.ehlo, s.pool, s.warm_up,
                            enabled ? "true" : "false"};

    if (outward_run(request, reply, SQL_EGRESS_SOURCE_CHANGE, params, 5, NULL))
        show(request, reply, 200, s.address);
}

void sources_update_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = outward_body(request, reply, NULL, known, KNOWN);

    if (!body || !names_source(request, reply) ||
        !outward_begin(request, reply))
        return;
    update(request, reply, body);
    outward_end(request, reply);
}

/* ---- The others ---- */

void sources_list_handle(struct request *request, struct reply *reply)
{
    outward_list(request, reply, SQL_SOURCES_SHOWN, outward_add_first);
}

void sources_show_handle(struct request *request, struct reply *reply)
{
    if (operator_asks(request, reply) && names_source(request, reply))
        show(request, reply, 200, request->args[0]);
}

static void remove_it(struct request *request, struct reply *reply)
{
    const char *params[] = {request->args[0]};
    DB_RESULT *row = NULL;

    if (!outward_free(request, reply, SQL_EGRESS_SOURCE_IN_USE, params, 1) ||
        !outward_run(request, reply, SQL_EGRESS_SOURCE_REMOVE, params, 1, &row))
        return;
    if (PQntuples(row) == 0) {
        reply_error(reply, API_NOT_FOUND, "Source not found");
        return;
    }
    reply->status = 200;
    buf_addf(&reply->body,
             "{\"object\":\"source\",\"address\":\"%s\",\"deleted\":true}",
             PQgetvalue(row, 0, 0));
}

void sources_delete_handle(struct request *request, struct reply *reply)
{
    if (!operator_asks(request, reply) || !names_source(request, reply) ||
        !outward_begin(request, reply))
        return;
    remove_it(request, reply);
    outward_end(request, reply);
}
