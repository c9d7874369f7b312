/* /templates: make, show, list, change, publish, copy and delete. */
#include "api/handlers/templates.h"
#include "api/campaign.h"
#include "api/handlers/campaigns.h"
#include "api/handlers/templates.sql.h"
#include "api/json.h"
#include "api/pin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIST_STANDARD = 20,
    LIST_MAX = 100,
    PARAMS_MAX = 2 + STORED_PARAMS,
};

static const char *project_of(const struct request *request,
                              char out[static TEMPLATES_NUMBER_MAX])
{
    snprintf(out, TEMPLATES_NUMBER_MAX, "%lld",
             (long long)request->caller.project);
    return out;
}

static void answer_id(struct reply *reply, int status, const char *id,
                      const char *more)
{
    reply->status = status;
    buf_addf(&reply->body, "{\"object\":\"template\",\"id\":\"%s\"%s}", id,
             more);
}

/* The template of the path, with its latest version. */
static bool find(struct request *request, struct reply *reply, int version,
                 struct template_found *out)
{
    struct template_problem p;

    if (templates_find(request->session, request->caller.project,
                       request->args[0], version, TEMPLATE_LATEST, out, &p))
        return true;
    if (version && !p.absent && p.status == STATUS_OK)
        p.why.name = API_NOT_FOUND;
    templates_answer(reply, &p);
    return false;
}

/* Its id, lower case as the database writes it. */
static void take_id(const struct template_found *f,
                    char id[static TEMPLATES_ID_MAX])
{
    snprintf(id, TEMPLATES_ID_MAX, "%s",
             PQgetvalue(f->row, 0, STORED_COLUMN_ID));
}

/* Reads body with what it includes. content needs stored_fini. */
static bool read_content(struct request *request, struct reply *reply,
                         json_t *body, struct stored_content *content)
{
    const char *sources[STORED_SOURCES];
    json_t *partials = NULL;
    struct email_error why;

    *content = (struct stored_content){0};
    stored_sources(body, sources);
    enum status status =
        pin_partials(request->session, request->caller.project, sources,
                     STORED_SOURCES, &partials, &why.error);
    if (status != STATUS_OK)
        reply_status(reply, status, &why.error);
    else if (!stored_read(body, partials, content, &why))
        reply_error(reply, why.name, "%s", why.error.text);
    json_decref(partials);
    return reply->status == 0;
}

static void alias_taken(struct reply *reply)
{
    reply_error_as(reply, 409, API_VALIDATION_ERROR,
                   "Another template has this `alias`.");
}

void templates_create_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    char project[TEMPLATES_NUMBER_MAX];
    const char *params[PARAMS_MAX] = {project_of(request, project)};
    struct stored_content content;
    DB_RESULT *row = NULL;
    struct error err;

    if (!body)
        return;
    if (read_content(request, reply, body, &content)) {
        memcpy(params + 1, content.params, sizeof content.params);
        enum status status = session_run(request->session, SQL_TEMPLATES_CREATE,
                                         params, 1 + STORED_PARAMS, &row, &err);

        if (status == STATUS_CONFLICT)
            alias_taken(reply);
        else if (status != STATUS_OK)
            reply_status(reply, status, &err);
        else
            answer_id(reply, 201, PQgetvalue(row, 0, 0), "");
    }
    stored_fini(&content);
}

static bool query_version(struct request *request, struct reply *reply,
                          const char *name, int *out)
{
    const char *text = request_query(request, name);
    char *end;
    long value = text ? strtol(text, &end, 10) : 0;

    *out = 0;
    if (!text)
        return true;
    if (*text == 0 || *end || value < 1 || value > 1000000000) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "`%s` is to be the number of a version.", name);
        return false;
    }
    *out = (int)value;
    return true;
}

void templates_get_handle(struct request *request, struct reply *reply)
{
    struct template_found found;
    int version;

    if (!query_version(request, reply, "version", &version) ||
        !find(request, reply, version, &found))
        return;
    reply->status = 200;
    buf_add_char(&reply->body, '{');
    stored_add(&reply->body, found.row, 0);
    buf_add_char(&reply->body, '}');
    templates_found_fini(&found);
}

static void add_list(struct buf *out, const PGresult *rows, int limit,
                     bool backwards)
{
    int n = PQntuples(rows) > limit ? limit : PQntuples(rows);

    buf_addf(out, "{\"object\":\"list\",\"has_more\":%s,\"data\":[",
             PQntuples(rows) > limit ? "true" : "false");
    for (int i = 0; i < n; i++) {
        buf_add_text(out, i ? ",{" : "{");
        stored_add(out, rows, backwards ? n - 1 - i : i);
        buf_add_char(out, '}');
    }
    buf_add_text(out, "]}");
}

void templates_list_handle(struct request *request, struct reply *reply)
{
    char project[TEMPLATES_NUMBER_MAX], limit[TEMPLATES_NUMBER_MAX];
    struct page page;
    DB_RESULT *rows = NULL;
    struct error err;

    if (!campaigns_page(request, reply, LIST_STANDARD, LIST_MAX, &page))
        return;
    const char *from = page.before ? page.before : page.after;
    if (from && !campaign_id_valid(from)) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "`after` and `before` are to be a template's id.");
        return;
    }
    /* One more tells whether there are more. */
    snprintf(limit, sizeof limit, "%d", page.limit + 1);
    const char *params[] = {project_of(request, project), from, limit};
    enum status status = session_run(request->session,
                                     page.before ? SQL_TEMPLATES_LIST_BEFORE
                                                 : SQL_TEMPLATES_LIST_AFTER,
                                     params, 3, &rows, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    add_list(&reply->body, rows, page.limit, page.before != NULL);
}

/* Locks the template, so that of two edits each sees the other's whole. */
static bool hold(struct request *request, struct reply *reply,
                 struct template_found *found)
{
    char project[TEMPLATES_NUMBER_MAX], id[TEMPLATES_ID_MAX];
    const char *params[] = {project_of(request, project), id};
    struct error err;

    if (!find(request, reply, 0, found))
        return false;
    take_id(found, id);
    templates_found_fini(found);
    enum status status = session_begin(request->session, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return false;
    }
    status = session_run(request->session, SQL_TEMPLATES_LOCK, params, 2, NULL,
                         &err);
    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (find(request, reply, 0, found))
        return true;
    session_rollback(request->session);
    return false;
}

static void let_go(struct request *request, struct reply *reply)
{
    struct error err;

    if (reply->status != 0) {
        session_rollback(request->session);
        return;
    }
    enum status status = session_commit(request->session, &err);
    if (status != STATUS_OK)
        reply_status(reply, status, &err);
}

static void update(struct request *request, struct reply *reply, const char *id,
                   json_t *merged)
{
    char project[TEMPLATES_NUMBER_MAX];
    const char *params[PARAMS_MAX] = {project_of(request, project), id};
    struct stored_content content;
    struct error err;

    if (read_content(request, reply, merged, &content)) {
        memcpy(params + 2, content.params, sizeof content.params);
        enum status status = session_run(request->session, SQL_TEMPLATES_UPDATE,
                                         params, PARAMS_MAX, NULL, &err);

        if (status == STATUS_CONFLICT)
            alias_taken(reply);
        else if (status != STATUS_OK)
            reply_status(reply, status, &err);
    }
    stored_fini(&content);
}

void templates_update_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    char id[TEMPLATES_ID_MAX];
    struct template_found found;

    if (!body)
        return;
    if (!json_is_object(body)) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "The body is to be a JSON object.");
        return;
    }
    if (!hold(request, reply, &found))
        return;
    JSON_DECREF json_t *merged = stored_merge(found.row, body);
    take_id(&found, id);
    templates_found_fini(&found);
    update(request, reply, id, merged);
    let_go(request, reply);
    if (reply->status == 0)
        answer_id(reply, 200, id, "");
}

/* A statement on the template of the path; its id is answered. */
static void act(struct request *request, struct reply *reply, const char *sql,
                const char *more)
{
    char project[TEMPLATES_NUMBER_MAX], id[TEMPLATES_ID_MAX];
    const char *params[] = {project_of(request, project), id};
    struct template_found found;
    struct error err;

    if (!hold(request, reply, &found))
        return;
    take_id(&found, id);
    templates_found_fini(&found);
    enum status status =
        session_run(request->session, sql, params, 2, NULL, &err);
    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    let_go(request, reply);
    if (reply->status == 0)
        answer_id(reply, 200, id, more);
}

void templates_publish_handle(struct request *request, struct reply *reply)
{
    act(request, reply, SQL_TEMPLATES_PUBLISH, "");
}

void templates_delete_handle(struct request *request, struct reply *reply)
{
    act(request, reply, SQL_TEMPLATES_DELETE, ",\"deleted\":true");
}

void templates_duplicate_handle(struct request *request, struct reply *reply)
{
    char project[TEMPLATES_NUMBER_MAX], id[TEMPLATES_ID_MAX];
    const char *params[] = {project_of(request, project), id};
    struct template_found found;
    DB_RESULT *row = NULL;
    struct error err;

    if (!find(request, reply, 0, &found))
        return;
    take_id(&found, id);
    templates_found_fini(&found);
    enum status status = session_run(request->session, SQL_TEMPLATES_DUPLICATE,
                                     params, 2, &row, &err);
    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (PQntuples(row) == 0)
        reply_error(reply, API_NOT_FOUND, "Template not found");
    else
        answer_id(reply, 200, PQgetvalue(row, 0, 0), "");
}

static void add_version(struct buf *out, const PGresult *rows, int row)
{
    static const char *const times[] = {"created_at", "updated_at",
                                        "published_at"};

    buf_addf(out,
             "%s{\"object\":\"template_version\",\"version\":%s,\"id\":\"%s\","
             "\"name\":",
             row ? "," : "", PQgetvalue(rows, row, 0),
             PQgetvalue(rows, row, 1));
    json_add_text(out, PQgetvalue(rows, row, 2));
    buf_addf(out, ",\"current\":%s",
             *PQgetvalue(rows, row, 3) == 't' ? "true" : "false");
    for (int i = 0; i < 3; i++) {
        buf_addf(out, ",\"%s\":", times[i]);
        if (PQgetisnull(rows, row, 4 + i))
            buf_add_text(out, "null");
        else
            json_add_time(out, strtoll(PQgetvalue(rows, row, 4 + i), NULL, 10));
    }
    buf_add_char(out, '}');
}

/* Newest first; after: a version's number. */
void templates_versions_handle(struct request *request, struct reply *reply)
{
    char project[TEMPLATES_NUMBER_MAX], id[TEMPLATES_ID_MAX];
    char limit[TEMPLATES_NUMBER_MAX];
    struct template_found found;
    DB_RESULT *rows = NULL;
    struct page page;
    struct error err;
    int after;

    if (!campaigns_page(request, reply, LIST_STANDARD, LIST_MAX, &page) ||
        !query_version(request, reply, "after", &after) ||
        !find(request, reply, 0, &found))
        return;
    take_id(&found, id);
    templates_found_fini(&found);
    snprintf(limit, sizeof limit, "%d", page.limit + 1);
    const char *params[] = {project_of(request, project), id, page.after,
                            limit};
    enum status status = session_run(request->session, SQL_TEMPLATES_VERSIONS,
                                     params, 4, &rows, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    int n = PQntuples(rows) > page.limit ? page.limit : PQntuples(rows);
    reply->status = 200;
    buf_addf(&reply->body, "{\"object\":\"list\",\"has_more\":%s,\"data\":[",
             PQntuples(rows) > page.limit ? "true" : "false");
    for (int i = 0; i < n; i++)
        add_version(&reply->body, rows, i);
    buf_add_text(&reply->body, "]}");
}
