#include "api/handlers/outward.h"
#include "api/fields.h"
#include "api/handlers/operator.h"
#include "api/handlers/outward.sql.h"
#include "api/json.h"
#include <string.h>

json_t *outward_body(struct request *request, struct reply *reply,
                     outward_polite *polite, const char *const *known, size_t n)
{
    json_t *body =
        operator_asks(request, reply) ? request_json(request, reply) : NULL;
    struct error err;

    if (!body)
        return NULL;
    if (!json_is_object(body))
        reply_error(reply, API_VALIDATION_ERROR,
                    "The body is to be a JSON object.");
    else if (polite && !polite(body, reply))
        ;
    else if (json_check_all_fields(body, known, n, &err) != STATUS_OK)
        reply_error(reply, API_VALIDATION_ERROR, "%s", err.text);
    else
        return body;
    json_decref(body);
    return NULL;
}

bool outward_text(const json_t *body, const char *field, const char **out,
                  struct reply *reply)
{
    const json_t *value = field_member(body, field);

    *out = json_string_value(value);
    if (!value || *out)
        return true;
    reply_error(reply, API_VALIDATION_ERROR,
                "Invalid `%s` field: it is to be a text.", field);
    return false;
}

bool outward_same(const json_t *body, const char *field, const char *name,
                  struct reply *reply)
{
    const char *said;

    if (!outward_text(body, field, &said, reply))
        return false;
    if (said && strcmp(said, name) != 0)
        reply_error(reply, API_VALIDATION_ERROR,
                    "Invalid `%s` field: it can't be changed.", field);
    return reply->status == 0;
}

bool outward_wrong(struct reply *reply, const struct egress_fault *fault)
{
    if (fault->missing)
        reply_error(reply, API_MISSING_REQUIRED_FIELD, "Missing `%s` field.",
                    fault->field);
    else
        reply_error(reply, API_VALIDATION_ERROR, "Invalid `%s` field: %s.",
                    fault->field, fault->error.text);
    return false;
}

bool outward_run(struct request *request, struct reply *reply, const char *sql,
                 const char *const *params, int n, PGresult **out)
{
    struct error err;
    enum status status =
        session_run(request->session, sql, params, n, out, &err);

    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    return status == STATUS_OK;
}

bool outward_allowed(struct request *request, struct reply *reply,
                     const char *sql, const char *const *params, int n)
{
    DB_RESULT *found = NULL;

    if (!outward_run(request, reply, sql, params, n, &found))
        return false;
    if (PQntuples(found) > 0)
        reply_error(reply, API_VALIDATION_ERROR, "Invalid `%s` field: %s.",
                    PQgetvalue(found, 0, 0), PQgetvalue(found, 0, 1));
    return PQntuples(found) == 0;
}

bool outward_free(struct request *request, struct reply *reply, const char *sql,
                  const char *const *params, int n)
{
    DB_RESULT *found = NULL;

    if (!outward_run(request, reply, sql, params, n, &found))
        return false;
    if (PQntuples(found) > 0)
        reply_error_as(reply, 409, API_VALIDATION_ERROR,
                       "It can't be deleted: %s.", PQgetvalue(found, 0, 1));
    return PQntuples(found) == 0;
}

bool outward_begin(struct request *request, struct reply *reply)
{
    struct error err;
    enum status status = session_begin(request->session, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return false;
    }
    if (outward_run(request, reply, SQL_OUTWARD_LOCK, NULL, 0, NULL))
        return true;
    session_rollback(request->session);
    return false;
}

void outward_end(struct request *request, struct reply *reply)
{
    struct error err;

    if (reply->status >= 300) {
        session_rollback(request->session);
        return;
    }
    enum status status = session_commit(request->session, &err);

    if (status != STATUS_OK)
        reply_status(reply, status, &err);
}

void outward_add_first(struct buf *out, const PGresult *rows, int row)
{
    buf_add_text(out, PQgetvalue(rows, row, 0));
}

void outward_list(struct request *request, struct reply *reply, const char *sql,
                  outward_add *add)
{
    const char *all[] = {NULL};
    DB_RESULT *rows = NULL;

    if (!operator_asks(request, reply) ||
        !outward_run(request, reply, sql, all, 1, &rows))
        return;
    reply->status = 200;
    buf_add_text(&reply->body,
                 "{\"object\":\"list\",\"has_more\":false,\"data\":[");
    for (int row = 0; row < PQntuples(rows); row++) {
        buf_add_text(&reply->body, row > 0 ? "," : "");
        add(&reply->body, rows, row);
    }
    buf_add_text(&reply->body, "]}");
}

bool outward_find(struct request *request, struct reply *reply, const char *sql,
                  const char *name, const char *what, PGresult **row)
{
    if (!outward_run(request, reply, sql, &name, 1, row))
        return false;
    if (PQntuples(*row) == 0)
        reply_error(reply, API_NOT_FOUND, "%s not found", what);
    return PQntuples(*row) > 0;
}

void outward_show(struct request *request, struct reply *reply, int status,
                  const char *sql, const char *name, const char *what)
{
    DB_RESULT *row = NULL;

    if (!outward_find(request, reply, sql, name, what, &row))
        return;
    reply->status = status;
    buf_add_text(&reply->body, PQgetvalue(row, 0, 0));
}

json_t *outward_stored(struct request *request, struct reply *reply,
                       const char *sql, const char *name, const char *what)
{
    DB_RESULT *row = NULL;
    json_t *object;
    struct error err;

    if (!outward_find(request, reply, sql, name, what, &row))
        return NULL;
    const char *text = PQgetvalue(row, 0, 0);
    enum status status = json_parse(text, strlen(text), &object, &err);

    if (status == STATUS_OK)
        return object;
    reply_status(reply, STATUS_FAILED, &err);
    return NULL;
}
