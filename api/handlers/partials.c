/* /partials: what templates include by name, layouts among them. */
#include "api/handlers/partials.sql.h"
#include "api/json.h"
#include "api/request.h"
#include "base/utf8.h"
#include "templates/template.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_MAX = 24,
    NAME_MAX_BYTES = 100,
    SOURCE_MAX = 1024 * 1024, /* of one partial */
    PARTIALS_MAX = 1000,      /* of a project */
};

static const char *project_of(const struct request *request,
                              char out[static NUMBER_MAX])
{
    snprintf(out, NUMBER_MAX, "%lld", (long long)request->caller.project);
    return out;
}

/* "footer", "mail/footer"; no way up, as if these were files. */
static bool name_valid(const char *name)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789_-./";
    size_t len = strlen(name);

    return len > 0 && len <= NAME_MAX_BYTES && strspn(name, set) == len &&
           *name != '/' && *name != '.' && !strstr(name, "..");
}

static bool check_source(const json_t *source, struct reply *reply)
{
    const struct template_options options = {.strict_filters = true};
    const char *text = json_string_value(source);
    size_t len = json_string_length(source);
    struct template *t;
    struct error err;

    if (!text)
        reply_error(reply, API_MISSING_REQUIRED_FIELD,
                    "Missing `source` field.");
    else if (len > SOURCE_MAX)
        reply_error(reply, API_VALIDATION_ERROR,
                    "Invalid `source` field: it has %zu bytes, %d are allowed.",
                    len, SOURCE_MAX);
    else if (template_compile_with(text, len, &options, &t, &err) != STATUS_OK)
        reply_error(reply, API_VALIDATION_ERROR, "source: %s", err.text);
    else
        template_free(t);
    return reply->status == 0;
}

static bool has_room(struct request *request, struct reply *reply)
{
    char project[NUMBER_MAX];
    const char *params[] = {project_of(request, project), request->args[0]};
    DB_RESULT *count = NULL;
    struct error err;
    enum status status = session_run(request->session, SQL_PARTIALS_COUNT,
                                     params, 2, &count, &err);

    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (strtol(PQgetvalue(count, 0, 0), NULL, 10) >= PARTIALS_MAX)
        reply_error(reply, API_VALIDATION_ERROR,
                    "The project has %d partials, more are not allowed.",
                    PARTIALS_MAX);
    return reply->status == 0;
}

void partials_put_handle(struct request *request, struct reply *reply)
{
    static const char *const known[] = {"source"};
    JSON_DECREF json_t *body = request_json(request, reply);
    char project[NUMBER_MAX];
    const json_t *source = json_object_get(body, "source");
    DB_RESULT *row = NULL;
    struct error err;

    if (!body)
        return;
    if (!name_valid(request->args[0])) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "The name of a partial is to be of 1 to %d ASCII letters, "
                    "digits, dashes, underscores, dots and slashes.",
                    NAME_MAX_BYTES);
        return;
    }
    if (json_check_fields(body, known, 1, &err) != STATUS_OK) {
        reply_error(reply, API_VALIDATION_ERROR, "%s", err.text);
        return;
    }
    if (!check_source(source, reply) || !has_room(request, reply))
        return;
    const char *params[] = {project_of(request, project), request->args[0],
                            json_string_value(source)};
    enum status status =
        session_run(request->session, SQL_PARTIALS_PUT, params, 3, &row, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = *PQgetvalue(row, 0, 0) == 't' ? 201 : 200;
    buf_addf(&reply->body, "{\"object\":\"partial\",\"name\":\"%s\"}",
             request->args[0]);
}

static void add_partial(struct buf *out, const PGresult *rows, int row)
{
    buf_add_text(out, "{\"object\":\"partial\",\"name\":");
    json_add_text(out, PQgetvalue(rows, row, 0));
    buf_add_text(out, ",\"created_at\":");
    json_add_time(out, strtoll(PQgetvalue(rows, row, 1), NULL, 10));
    buf_add_text(out, ",\"updated_at\":");
    json_add_time(out, strtoll(PQgetvalue(rows, row, 2), NULL, 10));
    if (PQnfields(rows) > 3) {
        buf_add_text(out, ",\"source\":");
        json_add_text(out, PQgetvalue(rows, row, 3));
    }
    buf_add_char(out, '}');
}

/* A statement on the partial of the path: its row, or 404. */
static bool run_on(struct request *request, struct reply *reply,
                   const char *sql, PGresult **row)
{
    char project[NUMBER_MAX];
    const char *params[] = {project_of(request, project), request->args[0]};
    struct error err;
    enum status status =
        session_run(request->session, sql, params, 2, row, &err);

    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (PQntuples(*row) == 0)
        reply_error(reply, API_NOT_FOUND, "Partial not found");
    else
        reply->status = 200;
    return reply->status == 200;
}

void partials_get_handle(struct request *request, struct reply *reply)
{
    DB_RESULT *row = NULL;

    if (run_on(request, reply, SQL_PARTIALS_GET, &row))
        add_partial(&reply->body, row, 0);
}

void partials_delete_handle(struct request *request, struct reply *reply)
{
    DB_RESULT *row = NULL;

    if (!run_on(request, reply, SQL_PARTIALS_DELETE, &row))
        return;
    buf_add_text(&reply->body, "{\"object\":\"partial\",\"name\":");
    json_add_text(&reply->body, PQgetvalue(row, 0, 0));
    buf_add_text(&reply->body, ",\"deleted\":true}");
}

void partials_list_handle(struct request *request, struct reply *reply)
{
    char project[NUMBER_MAX];
    const char *params[] = {project_of(request, project)};
    DB_RESULT *rows = NULL;
    struct error err;
    enum status status = session_run(request->session, SQL_PARTIALS_LIST,
                                     params, 1, &rows, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    buf_add_text(&reply->body,
                 "{\"object\":\"list\",\"has_more\":false,\"data\":[");
    for (int i = 0; i < PQntuples(rows); i++) {
        if (i)
            buf_add_char(&reply->body, ',');
        add_partial(&reply->body, rows, i);
    }
    buf_add_text(&reply->body, "]}");
}
