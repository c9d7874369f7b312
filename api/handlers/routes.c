/* /routes: which mail leaves by which way. They concern the whole
 * installation, so only the operator's project may ask. Workers hear of each
 * change from the table's triggers. */
#include "api/fields.h"
#include "api/handlers/operator.h"
#include "api/handlers/outward.h"
#include "api/handlers/routes.sql.h"
#include "api/json.h"
#include "egress/route.h"
#include "engine/egress/egress.sql.h"
#include <stdio.h>
#include <string.h>

enum { NUMBER_MAX = 24 };

static const char *const known[] = {"place", "project", "class",    "from",
                                    "to",    "via",     "fallback", "pool"};
enum { KNOWN = sizeof known / sizeof *known };

static void show(struct request *request, struct reply *reply, int status,
                 const char *id)
{
    outward_show(request, reply, status, SQL_ROUTES_SHOWN, id, "Route");
}

/* ---- Read ---- */

static bool read_place(const json_t *body, int64_t *place, struct reply *reply)
{
    const json_t *value = field_member(body, "place");

    *place = value ? json_integer_value(value) : EGRESS_PLACE_STANDARD;
    if (value && !json_is_integer(value))
        reply_error(reply, API_VALIDATION_ERROR,
                    "Invalid `place` field: it is to be a number.");
    return reply->status == 0;
}

/* Its texts are the body's. */
static bool read_route(const json_t *body, struct egress_route *out,
                       struct reply *reply)
{
    struct egress_fault fault;

    *out = (struct egress_route){0};
    if (!read_place(body, &out->place, reply) ||
        !outward_text(body, "project", &out->project, reply) ||
        !outward_text(body, "class", &out->class, reply) ||
        !outward_text(body, "from", &out->from, reply) ||
        !outward_text(body, "to", &out->to, reply) ||
        !outward_text(body, "via", &out->via, reply) ||
        !outward_text(body, "fallback", &out->fallback, reply) ||
        !outward_text(body, "pool", &out->pool, reply))
        return false;
    return egress_route_check(out, &fault) || outward_wrong(reply, &fault);
}

/* What it names has to be there. most: of routes; NULL: none is added. */
static bool check_names(struct request *request, struct reply *reply,
                        const struct egress_route *route, const char *most)
{
    const char *params[] = {route->via, route->fallback, route->pool,
                            route->project, most};

    return outward_allowed(request, reply, SQL_EGRESS_ROUTE_FAULT, params, 5);
}

/* ---- Made, changed ---- */

/* id NULL: it is added. Its id into made. */
static bool store(struct request *request, struct reply *reply,
                  const struct egress_route *r, const char *id,
                  char made[NUMBER_MAX])
{
    char place[NUMBER_MAX], most[NUMBER_MAX];
    const char *params[] = {place,  r->project,  r->class, r->from, r->to,
                            r->via, r->fallback, r->pool,  id};
    DB_RESULT *row = NULL;

    snprintf(place, sizeof place, "%lld", (long long)r->place);
    snprintf(most, sizeof most, "%d", EGRESS_ROUTES_MAX);
    if (!check_names(request, reply, r, id ? NULL : most) ||
        !outward_run(request, reply,
                     id ? SQL_EGRESS_ROUTE_CHANGE : SQL_EGRESS_ROUTE_ADD,
                     params, id ? 9 : 8, &row))
        return false;
    snprintf(made, NUMBER_MAX, "%s", PQgetvalue(row, 0, 0));
    return true;
}

void routes_create_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = outward_body(request, reply, NULL, known, KNOWN);
    struct egress_route route;
    char id[NUMBER_MAX];

    if (!body || !read_route(body, &route, reply) ||
        !outward_begin(request, reply))
        return;
    if (store(request, reply, &route, NULL, id))
        show(request, reply, 201, id);
    outward_end(request, reply);
}

/* What is there and what the body has instead, as one body. */
static json_t *merge(struct request *request, struct reply *reply, json_t *body)
{
    const char *params[] = {request->args[0]};
    json_t *route;

    if (!outward_run(request, reply, SQL_ROUTES_LOCK, params, 1, NULL))
        return NULL;
    route = outward_stored(request, reply, SQL_ROUTES_SHOWN, request->args[0],
                           "Route");
    json_object_del(body, "id"); /* echoed, perhaps */
    if (route)
        json_object_update(route, body);
    return route;
}

static void update(struct request *request, struct reply *reply, json_t *body)
{
    JSON_DECREF json_t *whole = merge(request, reply, body);
    struct egress_route route;
    char id[NUMBER_MAX];

    if (whole && read_route(whole, &route, reply) &&
        store(request, reply, &route,
              json_string_value(json_object_get(whole, "id")), id))
        show(request, reply, 200, id);
}

void routes_update_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = outward_body(request, reply, NULL, known, KNOWN);

    if (!body || !outward_begin(request, reply))
        return;
    update(request, reply, body);
    outward_end(request, reply);
}

static void set_default(struct request *request, struct reply *reply,
                        const struct egress_route *route)
{
    const char *params[] = {route->via, route->fallback, route->pool};
    DB_RESULT *row = NULL;

    if (check_names(request, reply, route, NULL) &&
        outward_run(request, reply, SQL_EGRESS_ROUTE_DEFAULT, params, 3, &row))
        show(request, reply, 200, PQgetvalue(row, 0, 0));
}

/* The one call that makes mail leave: for all that no other route takes. */
void routes_default_handle(struct request *request, struct reply *reply)
{
    static const char *const conditions[] = {"place", "project", "class",
                                             "from", "to"};
    JSON_DECREF json_t *body = outward_body(request, reply, NULL, known, KNOWN);
    struct egress_route route;

    if (!body)
        return;
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        if (field_member(body, conditions[i])) {
            reply_error(reply, API_VALIDATION_ERROR,
                        "Invalid `%s` field: the default route is for all "
                        "mail, and looked at last.",
                        conditions[i]);
            return;
        }
    if (!read_route(body, &route, reply) || !outward_begin(request, reply))
        return;
    set_default(request, reply, &route);
    outward_end(request, reply);
}

/* ---- The others ---- */

void routes_list_handle(struct request *request, struct reply *reply)
{
    outward_list(request, reply, SQL_ROUTES_SHOWN, outward_add_first);
}

void routes_show_handle(struct request *request, struct reply *reply)
{
    if (!operator_asks(request, reply))
        return;
    show(request, reply, 200, request->args[0]);
    if (reply->status == 404 && strcmp(request->args[0], "default") == 0)
        reply_error(reply, API_NOT_FOUND,
                    "There is no default route: mail goes where the setting "
                    "`relay` says (on this machine %.200s).",
                    request->config->relay);
}

static void remove_it(struct request *request, struct reply *reply)
{
    const char *params[] = {request->args[0]};
    DB_RESULT *row = NULL;

    if (!outward_run(request, reply, SQL_EGRESS_ROUTE_REMOVE, params, 1, &row))
        return;
    if (PQntuples(row) == 0) {
        reply_error(reply, API_NOT_FOUND, "Route not found");
        return;
    }
    reply->status = 200;
    buf_addf(&reply->body,
             "{\"object\":\"route\",\"id\":\"%s\",\"deleted\":true}",
             PQgetvalue(row, 0, 0));
}

void routes_delete_handle(struct request *request, struct reply *reply)
{
    if (!operator_asks(request, reply) || !outward_begin(request, reply))
        return;
    remove_it(request, reply);
    outward_end(request, reply);
}
