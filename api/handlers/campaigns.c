/* /campaigns: make, show, list, change and delete. */
#include "api/api.h"
#include "api/handlers/campaigns.h"
#include "api/handlers/campaigns.sql.h"
#include "api/attachment.h"
#include "api/json.h"
#include "api/tracking.h"
#include <stdio.h>
#include <string.h>

enum { LIST_STANDARD = 20, LIST_MAX = 100 };

/* Attachments that are named by URL; before anything is locked. */
static bool fetch_files(struct request *request, struct reply *reply,
                        json_t *body)
{
    struct error err;

    if (attachment_fetch(body, request->api->fetch, &err) == STATUS_OK)
        return true;
    reply_error(reply, API_INVALID_ATTACHMENT, "%s", err.text);
    return false;
}

void campaigns_create_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    struct campaign_content content;
    struct campaign_stored stored;
    const char *params[1 + CAMPAIGN_PARAMS];
    struct campaign_ref ref;
    DB_RESULT *row = NULL;
    struct email_error why;

    if (!body || !fetch_files(request, reply, body) ||
        !campaigns_resolve(request, reply, body, &stored))
        return;
    if (!campaign_read(body, &stored, &content, &why) ||
        !tracking_possible(body, request->config, &why)) {
        reply_error(reply, why.name, "%s", why.error.text);
        campaign_fini(&content);
        campaign_stored_fini(&stored);
        return;
    }
    snprintf(ref.project, sizeof ref.project, "%lld",
             (long long)request->caller.project);
    params[0] = ref.project;
    memcpy(params + 1, content.params, sizeof content.params);
    enum status status =
        session_run(request->session, SQL_CAMPAIGNS_CREATE, params,
                    1 + CAMPAIGN_PARAMS, &row, &why.error);
    campaign_fini(&content);
    campaign_stored_fini(&stored);
    if (status != STATUS_OK) {
        reply_status(reply, status, &why.error);
        return;
    }
    snprintf(ref.id, sizeof ref.id, "%s", PQgetvalue(row, 0, 0));
    campaigns_show(request, reply, &ref);
    if (reply->status == 200)
        reply->status = 201;
}

void campaigns_show_handle(struct request *request, struct reply *reply)
{
    struct campaign_ref ref;

    if (campaigns_ref(request, reply, &ref))
        campaigns_show(request, reply, &ref);
}

static void add_list(struct buf *out, const PGresult *rows, int limit,
                     bool backwards)
{
    int n = PQntuples(rows) > limit ? limit : PQntuples(rows);

    buf_addf(out, "{\"object\":\"list\",\"has_more\":%s,\"data\":[",
             PQntuples(rows) > limit ? "true" : "false");
    for (int i = 0; i < n; i++) {
        buf_add_text(out, i ? ",{" : "{");
        campaign_add(out, rows, backwards ? n - 1 - i : i);
        buf_add_char(out, '}');
    }
    buf_add_text(out, "]}");
}

void campaigns_list_handle(struct request *request, struct reply *reply)
{
    char project[CAMPAIGNS_NUMBER_MAX], limit[CAMPAIGNS_NUMBER_MAX];
    struct page page;
    DB_RESULT *rows = NULL;
    struct error err;

    if (!campaigns_page(request, reply, LIST_STANDARD, LIST_MAX, &page))
        return;
    const char *from = page.before ? page.before : page.after;
    if (from && !campaign_id_valid(from)) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "`after` and `before` are to be a campaign's id.");
        return;
    }
    snprintf(project, sizeof project, "%lld",
             (long long)request->caller.project);
    /* One more tells whether there are more. */
    snprintf(limit, sizeof limit, "%d", page.limit + 1);
    const char *params[] = {project, from, limit};
    enum status status = session_run(request->session,
                                     page.before ? SQL_CAMPAIGNS_LIST_BEFORE
                                                 : SQL_CAMPAIGNS_LIST_AFTER,
                                     params, 3, &rows, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    add_list(&reply->body, rows, page.limit, page.before != NULL);
}

/* Before anything of it may have left. */
static bool is_open(const char *state)
{
    return strcmp(state, "draft") == 0 || strcmp(state, "scheduled") == 0;
}

bool campaigns_store(struct request *request, struct reply *reply,
                     const struct campaign_ref *ref, json_t *fields)
{
    struct campaign_content content;
    struct campaign_stored stored;
    struct email_error why;

    if (!campaigns_resolve(request, reply, fields, &stored))
        return false;
    if (campaign_read(fields, &stored, &content, &why) &&
        tracking_possible(fields, request->config, &why)) {
        enum status status =
            campaigns_run(request, SQL_CAMPAIGNS_UPDATE, ref, content.params,
                          CAMPAIGN_PARAMS, NULL, &why.error);

        if (status != STATUS_OK)
            reply_status(reply, status, &why.error);
    } else {
        reply_error(reply, why.name, "%s", why.error.text);
    }
    campaign_fini(&content);
    campaign_stored_fini(&stored);
    return reply->status == 0;
}

static void update(struct request *request, struct reply *reply,
                   const struct campaign_ref *ref, const PGresult *row,
                   json_t *body)
{
    JSON_DECREF json_t *merged = campaign_merge(row, body);

    campaigns_store(request, reply, ref, merged);
}

void campaigns_update_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    struct campaign_ref ref;
    DB_RESULT *row = NULL;

    if (!body || !campaigns_ref(request, reply, &ref))
        return;
    if (!json_is_object(body)) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "The body is to be a JSON object.");
        return;
    }
    if (!fetch_files(request, reply, body) ||
        !campaigns_hold(request, reply, &ref, &row))
        return;
    if (is_open(PQgetvalue(row, 0, COLUMN_STATE)))
        update(request, reply, &ref, row, body);
    else
        campaigns_refuse(reply, PQgetvalue(row, 0, COLUMN_STATE),
                         "only a draft or scheduled one can be changed");
    if (reply->status != 0)
        session_rollback(request->session);
    else if (campaigns_commit(request, reply))
        campaigns_show(request, reply, &ref);
}

/* In pieces, each a transaction: a million mails at once would hold up
 * everybody else's. Cut off, it can be asked for again. */
static enum status delete_pieces(struct request *request, const char *sql,
                                 const struct campaign_ref *ref,
                                 struct error *err)
{
    const char *params[] = {ref->id};
    enum status status;
    bool more = true;

    do {
        DB_RESULT *count = NULL;

        status = session_run(request->session, sql, params, 1, &count, err);
        more = status == STATUS_OK && strcmp(PQgetvalue(count, 0, 0), "0") != 0;
    } while (more);
    return status;
}

static enum status delete_all(struct request *request,
                              const struct campaign_ref *ref, struct error *err)
{
    enum status status =
        delete_pieces(request, SQL_CAMPAIGNS_DELETE_BATCHES, ref, err);

    if (status == STATUS_OK)
        status =
            delete_pieces(request, SQL_CAMPAIGNS_DELETE_AUDIENCE, ref, err);
    if (status == STATUS_OK)
        status = campaigns_run(request, SQL_CAMPAIGNS_DELETE, ref, NULL, 0,
                               NULL, err);
    return status;
}

void campaigns_delete_handle(struct request *request, struct reply *reply)
{
    struct campaign_ref ref;
    DB_RESULT *row = NULL, *closed = NULL;
    struct error err;

    if (!campaigns_ref(request, reply, &ref) ||
        !campaigns_hold(request, reply, &ref, &row))
        return;
    enum status status = campaigns_run(request, SQL_CAMPAIGNS_CLOSE, &ref, NULL,
                                       0, &closed, &err);
    if (status == STATUS_OK && PQntuples(closed) == 0)
        campaigns_refuse(reply, PQgetvalue(row, 0, COLUMN_STATE),
                         "only a draft can be deleted, or a cancelled one "
                         "whose last mail is settled");
    if (reply->status != 0 || status != STATUS_OK)
        session_rollback(request->session);
    else if (campaigns_commit(request, reply))
        status = delete_all(request, &ref, &err);
    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    if (reply->status != 0)
        return;
    reply->status = 200;
    buf_addf(&reply->body,
             "{\"object\":\"campaign\",\"id\":\"%s\",\"deleted\":true}",
             ref.id);
}
