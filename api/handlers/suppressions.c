/* /suppressions: whom a project sends nothing to. Looked at, added to, taken
 * from; one by one or up to a hundred at a time. */
#include "api/handlers/suppressions.h"
#include "api/api.h"
#include "api/campaign.h"
#include "api/handlers/campaigns.h"
#include "api/handlers/suppressions.sql.h"
#include "api/json.h"
#include "api/time_parse.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "mail/address.h"
#include "mail/suppression.h"
#include "render/fields.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_STANDARD = 20, LIST_MAX = 100, BATCH_MAX = 100 };

static const char *project_of(const struct request *request,
                              char out[static SUPPRESSIONS_NUMBER_MAX])
{
    snprintf(out, SUPPRESSIONS_NUMBER_MAX, "%lld",
             (long long)request->caller.project);
    return out;
}

static int64_t number_at(const PGresult *rows, int row, int column)
{
    return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

/* ---- Showing ---- */

static void add_time(struct buf *out, const PGresult *rows, int row, int column)
{
    if (PQgetisnull(rows, row, column))
        buf_add_text(out, "null");
    else
        json_add_time(out, number_at(rows, row, column));
}

void suppressions_add_members(struct buf *out, const struct request *request,
                              const PGresult *rows, int row)
{
    char mail[MAILID_TEXT_MAX];
    bool has_mail = !PQgetisnull(rows, row, SUPPRESSIONS_BATCH);
    enum suppression reason = SUPPRESSION_MANUAL;

    if (has_mail)
        request_mailid_text(
            request,
            (struct mailid){number_at(rows, row, SUPPRESSIONS_BATCH),
                            (int32_t)number_at(rows, row, SUPPRESSIONS_SEQ)},
            mail);
    suppression_find(PQgetvalue(rows, row, SUPPRESSIONS_REASON), &reason);
    buf_addf(out, "\"id\":\"%s\",\"email\":",
             PQgetvalue(rows, row, SUPPRESSIONS_ID));
    json_add_text(out, PQgetvalue(rows, row, SUPPRESSIONS_ADDRESS));
    buf_addf(out, ",\"origin\":\"%s\",\"reason\":\"%s\",\"source_id\":",
             suppression_origin(reason), suppression_text(reason));
    json_add_text(out, has_mail ? mail : NULL);
    buf_add_text(out, ",\"note\":");
    json_add_text(out, PQgetisnull(rows, row, SUPPRESSIONS_NOTE)
                           ? NULL
                           : PQgetvalue(rows, row, SUPPRESSIONS_NOTE));
    buf_add_text(out, ",\"created_at\":");
    add_time(out, rows, row, SUPPRESSIONS_CREATED);
    buf_add_text(out, ",\"expires_at\":");
    add_time(out, rows, row, SUPPRESSIONS_EXPIRES);
}

/* An id names one entry, anything else is taken for an address. */
void suppressions_get_handle(struct request *request, struct reply *reply)
{
    char project[SUPPRESSIONS_NUMBER_MAX];
    const char *name = request->args[0];
    const char *params[] = {project_of(request, project), name};
    DB_RESULT *rows = NULL;
    struct error err;
    enum status status = session_run(
        request->session,
        campaign_id_valid(name) ? SQL_SUPPRESSIONS_SHOW : SQL_SUPPRESSIONS_OF,
        params, 2, &rows, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    if (PQntuples(rows) == 0) {
        reply_error(reply, API_NOT_FOUND, "Suppression not found");
        return;
    }
    reply->status = 200;
    buf_add_text(&reply->body, "{\"object\":\"suppression\",");
    suppressions_add_members(&reply->body, request, rows, 0);
    buf_add_char(&reply->body, '}');
}

/* ?reason= or Resend's coarser ?origin=, as an array for the statement; NULL:
 * any. False: the reply is set. */
static bool read_filter(const struct request *request, struct reply *reply,
                        const char **out)
{
    const char *reason = request_query(request, "reason");
    const char *origin = request_query(request, "origin");
    static const struct {
        const char *origin, *reasons;
    } origins[] = {{"bounce", "{bounce,soft_bounce}"},
                   {"complaint", "{complaint}"},
                   {"manual", "{manual,unsubscribe}"}};
    static const char *const reasons[SUPPRESSIONS] = {
        "{bounce}", "{complaint}", "{unsubscribe}", "{soft_bounce}",
        "{manual}"};
    enum suppression found;

    *out = NULL;
    for (size_t i = 0; origin && i < sizeof origins / sizeof *origins; i++)
        if (strcmp(origins[i].origin, origin) == 0)
            *out = origins[i].reasons;
    if (origin && !*out) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "`origin` is to be bounce, complaint or manual.");
        return false;
    }
    if (reason && !suppression_find(reason, &found)) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "`reason` is to be bounce, complaint, unsubscribe, "
                    "soft_bounce or manual.");
        return false;
    }
    if (reason)
        *out = reasons[found];
    return true;
}

static void add_list(const struct request *request, struct buf *out,
                     const PGresult *rows, const struct page *page)
{
    int all = PQntuples(rows), n = all > page->limit ? page->limit : all;

    buf_addf(out, "{\"object\":\"list\",\"has_more\":%s,\"data\":[",
             all > page->limit ? "true" : "false");
    for (int i = 0; i < n; i++) {
        buf_add_text(out, i ? ",{" : "{");
        suppressions_add_members(out, request, rows,
                                 page->before ? n - 1 - i : i);
        buf_add_char(out, '}');
    }
    buf_add_text(out, "]}");
}

void suppressions_list_handle(struct request *request, struct reply *reply)
{
    char project[SUPPRESSIONS_NUMBER_MAX], limit[SUPPRESSIONS_NUMBER_MAX];
    const char *reasons;
    struct page page;
    DB_RESULT *rows = NULL;
    struct error err;

    if (!campaigns_page(request, reply, LIST_STANDARD, LIST_MAX, &page) ||
        !read_filter(request, reply, &reasons))
        return;
    const char *from = page.before ? page.before : page.after;
    if (from && !campaign_id_valid(from)) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "`after` and `before` are to be a suppression's id.");
        return;
    }
    /* One more tells whether there are more. */
    snprintf(limit, sizeof limit, "%d", page.limit + 1);
    const char *params[] = {project_of(request, project), from, limit, reasons};
    enum status status = session_run(request->session,
                                     page.before ? SQL_SUPPRESSIONS_BEFORE
                                                 : SQL_SUPPRESSIONS_AFTER,
                                     params, 4, &rows, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    add_list(request, &reply->body, rows, &page);
}

/* ---- Adding ---- */

/* What goes with the addresses of one request. */
struct terms {
    enum suppression reason;
    const char *note;              /* or NULL */
    char until[CLOCK_RFC3339_MAX]; /* "": for ever */
};

enum status suppressions_until(const char *text,
                               char out[static CLOCK_RFC3339_MAX],
                               struct error *err)
{
    int64_t now_us = clock_wall_us(), until_us;
    enum status status = time_parse(text, now_us, &until_us, err);

    if (status != STATUS_OK) {
        error_prefix(err, "Invalid `expires_at` field");
        return status;
    }
    if (until_us <= now_us)
        return fail(err, STATUS_INVALID, "`expires_at` is in the past.");
    clock_rfc3339(until_us, out);
    return STATUS_OK;
}

static enum status read_until(json_t *body, struct terms *out,
                              struct error *err)
{
    json_t *until = json_object_get(body, "expires_at");

    if (!until || json_is_null(until))
        return STATUS_OK;
    if (!json_is_string(until))
        return fail(err, STATUS_INVALID, "`expires_at` is to be a time.");
    return suppressions_until(json_string_value(until), out->until, err);
}

static enum status read_terms(json_t *body, struct terms *out,
                              struct error *err)
{
    static const char *const known[] = {"email", "emails", "reason", "note",
                                        "expires_at"};
    json_t *reason = json_object_get(body, "reason");
    json_t *note = json_object_get(body, "note");

    *out = (struct terms){.reason = SUPPRESSION_MANUAL};
    if (reason && !json_is_null(reason) &&
        (!json_is_string(reason) ||
         !suppression_find(json_string_value(reason), &out->reason)))
        return fail(err, STATUS_INVALID,
                    "`reason` is to be bounce, complaint, unsubscribe, "
                    "soft_bounce or manual.");
    if (note && !json_is_null(note) &&
        (!json_is_string(note) ||
         json_string_length(note) > SUPPRESSIONS_NOTE_MAX ||
         !utf8_one_line(json_string_value(note))))
        return fail(err, STATUS_INVALID,
                    "`note` is to be one line of at most %d bytes.",
                    SUPPRESSIONS_NOTE_MAX);
    out->note = json_string_value(note);
    enum status status = read_until(body, out, err);
    if (status == STATUS_OK)
        status =
            json_check_fields(body, known, sizeof known / sizeof *known, err);
    return status;
}

void suppressions_add_element(struct buf *array, const char *text)
{
    buf_add_text(array, array->len > 1 ? ",\"" : "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_char(array, '\\');
        buf_add_char(array, *text);
    }
    buf_add_char(array, '"');
}

static enum status add_address(struct buf *array, const json_t *value,
                               const char *what, struct error *err)
{
    struct address address;

    if (!json_is_string(value))
        return fail(err, STATUS_INVALID, "%s is to be an address.", what);
    enum status status = address_parse(
        json_string_value(value), json_string_length(value), &address, err);
    if (status != STATUS_OK)
        error_prefix(err, what);
    else
        suppressions_add_element(array, address.spec);
    return status;
}

static enum status store(struct request *request, const struct terms *terms,
                         const char *addresses, PGresult **rows,
                         struct error *err)
{
    char project[SUPPRESSIONS_NUMBER_MAX];
    const char *params[] = {project_of(request, project), addresses,
                            suppression_text(terms->reason),
                            terms->until[0] ? terms->until : NULL, terms->note};

    return session_run(request->session, SQL_SUPPRESSIONS_ADD, params, 5, rows,
                       err);
}

void suppressions_add_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    struct buf addresses = {0};
    struct terms terms;
    DB_RESULT *rows = NULL;
    struct error err;

    if (!body)
        return;
    json_t *email = json_object_get(body, "email");
    if (!email) {
        reply_error(reply, API_MISSING_REQUIRED_FIELD,
                    "Missing `email` field.");
        return;
    }
    buf_add_char(&addresses, '{');
    enum status status =
        add_address(&addresses, email, "Invalid `email` field", &err);
    buf_add_char(&addresses, '}');
    if (status == STATUS_OK)
        status = read_terms(body, &terms, &err);
    if (status == STATUS_OK)
        status = store(request, &terms, addresses.data, &rows, &err);
    if (status == STATUS_OK) {
        reply->status = 201;
        buf_addf(&reply->body, "{\"object\":\"suppression\",\"id\":\"%s\"}",
                 PQgetvalue(rows, 0, 0));
    } else {
        reply_status(reply, status, &err);
    }
    buf_fini(&addresses);
}

/* A list of 1 to BATCH_MAX addresses, or of ids, as an array. */
static enum status read_list(const json_t *list, const char *name,
                             bool addresses, struct buf *out, struct error *err)
{
    size_t n = json_array_size(list);
    char what[64];
    enum status status = STATUS_OK;

    if (!json_is_array(list) || n < 1 || n > BATCH_MAX)
        return fail(err, STATUS_INVALID,
                    "`%s` is to be a list of 1 to %d texts.", name, BATCH_MAX);
    buf_add_char(out, '{');
    for (size_t i = 0; status == STATUS_OK && i < n; i++) {
        const json_t *value = json_array_get(list, i);

        snprintf(what, sizeof what, "Invalid `%s[%zu]`", name, i);
        if (addresses)
            status = add_address(out, value, what, err);
        else if (json_is_string(value) &&
                 campaign_id_valid(json_string_value(value)))
            suppressions_add_element(out, json_string_value(value));
        else
            status = fail(err, STATUS_INVALID, "%s: it is no id.", what);
    }
    buf_add_char(out, '}');
    return status;
}

static void answer_list(struct reply *reply, int status, const PGresult *rows,
                        const char *more)
{
    struct buf *out = &reply->body;

    reply->status = status;
    buf_add_text(out, "{\"object\":\"list\",\"data\":[");
    for (int i = 0; i < PQntuples(rows); i++) {
        buf_addf(out, "%s{\"object\":\"suppression\",\"id\":\"%s\",\"email\":",
                 i ? "," : "", PQgetvalue(rows, i, 0));
        json_add_text(out, PQgetvalue(rows, i, 1));
        buf_addf(out, "%s}", more);
    }
    buf_add_text(out, "]}");
}

void suppressions_batch_add_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    struct buf addresses = {0};
    struct terms terms;
    DB_RESULT *rows = NULL;
    struct error err;

    if (!body)
        return;
    enum status status = read_list(json_object_get(body, "emails"), "emails",
                                   true, &addresses, &err);
    if (status == STATUS_OK)
        status = read_terms(body, &terms, &err);
    if (status == STATUS_OK)
        status = store(request, &terms, addresses.data, &rows, &err);
    if (status == STATUS_OK)
        answer_list(reply, 201, rows, "");
    else
        reply_status(reply, status, &err);
    buf_fini(&addresses);
}

/* ---- Taking off ---- */

static enum status take_off(struct request *request, const char *ids,
                            const char *addresses, PGresult **rows,
                            struct error *err)
{
    char project[SUPPRESSIONS_NUMBER_MAX];
    const char *params[] = {project_of(request, project), ids, addresses};

    return session_run(request->session, SQL_SUPPRESSIONS_REMOVE, params, 3,
                       rows, err);
}

void suppressions_batch_remove_handle(struct request *request,
                                      struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    struct buf array = {0};
    DB_RESULT *rows = NULL;
    struct error err;

    if (!body)
        return;
    json_t *emails = json_object_get(body, "emails");
    json_t *ids = json_object_get(body, "ids");
    enum status status =
        !emails == !ids
            ? fail(&err, STATUS_INVALID, "Give `emails` or `ids`, one of them.")
            : read_list(emails ? emails : ids, emails ? "emails" : "ids",
                        emails != NULL, &array, &err);
    if (status == STATUS_OK)
        status = take_off(request, ids ? array.data : NULL,
                          emails ? array.data : NULL, &rows, &err);
    if (status == STATUS_OK)
        answer_list(reply, 200, rows, ",\"deleted\":true");
    else
        reply_status(reply, status, &err);
    buf_fini(&array);
}

/* By id the one entry, by address all of it. */
void suppressions_delete_handle(struct request *request, struct reply *reply)
{
    const char *name = request->args[0];
    bool is_id = campaign_id_valid(name);
    struct buf array = {0};
    DB_RESULT *rows = NULL;
    struct error err;

    buf_add_char(&array, '{');
    suppressions_add_element(&array, name);
    buf_add_char(&array, '}');
    enum status status = take_off(request, is_id ? array.data : NULL,
                                  is_id ? NULL : array.data, &rows, &err);
    buf_fini(&array);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    if (PQntuples(rows) == 0) {
        reply_error(reply, API_NOT_FOUND, "Suppression not found");
        return;
    }
    reply->status = 200;
    buf_addf(&reply->body,
             "{\"object\":\"suppression\",\"id\":\"%s\",\"email\":",
             PQgetvalue(rows, 0, 0));
    json_add_text(&reply->body, PQgetvalue(rows, 0, 1));
    buf_add_text(&reply->body, ",\"deleted\":true}");
}
