/* /sites and /limits: why mail waits, and what holds it up. They concern the
 * whole installation, so only the operator's project may ask. */
#include "api/handlers/operator.h"
#include "api/handlers/sites.sql.h"
#include "api/json.h"
#include "api/request.h"
#include "engine/pace/limits.sql.h"
#include "pace/amend.h"
#include "pace/retry.h"
#include "pace/say.h"
#include "queue/db.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGE_TRIES_MAX = 10 };

enum column {
    COLUMN_MAILS,
    COLUMN_RATE,
    COLUMN_WHY,
    COLUMN_PAUSED,
    COLUMN_TRIED_IN,
    COLUMN_HEARD,
    COLUMN_LIMITS,
    COLUMN_SITE,
    COLUMN_DETAILS,
};

/* ---- Shown ---- */

/* The objects are PostgreSQL's: without their braces they become one. */
static void add_members(struct buf *out, const char *object)
{
    size_t len = strlen(object);

    if (len <= 2)
        return;
    buf_add_char(out, ',');
    buf_add(out, object + 1, len - 2);
}

/* What no worker has told of yet may have a schedule that is not known here. */
static void add_retry(struct buf *out, const struct config *config,
                      const char *limits)
{
    const struct retry retry = retry_by_text(config, limits);

    if (*limits)
        buf_addf(out,
                 ",\"retry_first_seconds\":%lld,\"retry_most_seconds\":%lld",
                 (long long)retry.first_s, (long long)retry.most_s);
    else
        buf_add_text(out, ",\"retry_first_seconds\":null,"
                          "\"retry_most_seconds\":null");
}

static void add_site(struct buf *out, const struct config *config,
                     const PGresult *rows, int row)
{
    const struct say say = {
        .mails = strtoll(PQgetvalue(rows, row, COLUMN_MAILS), NULL, 10),
        .mails_per_second = strtod(PQgetvalue(rows, row, COLUMN_RATE), NULL),
        .why = PQgetvalue(rows, row, COLUMN_WHY),
        .paused = *PQgetvalue(rows, row, COLUMN_PAUSED) == 't',
        .tried_in_s = strtoll(PQgetvalue(rows, row, COLUMN_TRIED_IN), NULL, 10),
        .heard = *PQgetvalue(rows, row, COLUMN_HEARD) == 't',
    };
    char sentence[SAY_MAX];

    say_site(&say, sentence);
    buf_add_text(out, "{\"object\":\"site\",\"sentence\":");
    json_add_text(out, sentence);
    add_members(out, PQgetvalue(rows, row, COLUMN_SITE));
    add_retry(out, config, PQgetvalue(rows, row, COLUMN_LIMITS));
    add_members(out, PQgetvalue(rows, row, COLUMN_DETAILS));
    buf_add_char(out, '}');
}

void sites_list_handle(struct request *request, struct reply *reply)
{
    DB_RESULT *rows = NULL;
    struct error err;

    if (!operator_asks(request, reply))
        return;
    enum status status =
        session_run(request->session, SQL_SITES_PAGE, NULL, 0, &rows, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    buf_add_text(&reply->body, "{\"object\":\"list\",\"has_more\":false,"
                               "\"data\":[");
    for (int row = 0; row < PQntuples(rows); row++) {
        if (row > 0)
            buf_add_char(&reply->body, ',');
        add_site(&reply->body, request->config, rows, row);
    }
    buf_add_text(&reply->body, "]}");
}

static void show(struct request *request, struct reply *reply)
{
    const char *params[] = {request->args[0]};
    DB_RESULT *row = NULL;
    struct error err;
    enum status status =
        session_run(request->session, SQL_SITES_ONE, params, 1, &row, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
    } else if (PQntuples(row) == 0) {
        reply_error(reply, API_NOT_FOUND,
                    "Nothing is known of that site: no mail waits for it, and "
                    "none was sent there lately.");
    } else {
        reply->status = 200;
        add_site(&reply->body, request->config, row, 0);
    }
}

void sites_show_handle(struct request *request, struct reply *reply)
{
    if (operator_asks(request, reply))
        show(request, reply);
}

/* ---- Ordered ---- */

static void order(struct request *request, struct reply *reply, const char *sql)
{
    const char *params[] = {request->args[0]};
    DB_RESULT *none = NULL;
    struct error err;

    if (!operator_asks(request, reply))
        return;
    enum status status =
        session_run(request->session, sql, params, 1, &none, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    buf_add_text(&reply->body, "{\"object\":\"site\",\"name\":");
    json_add_text(&reply->body, request->args[0]);
    buf_add_char(&reply->body, '}');
}

void sites_pause_handle(struct request *request, struct reply *reply)
{
    order(request, reply, SQL_SITES_ORDER_PAUSE);
}

void sites_resume_handle(struct request *request, struct reply *reply)
{
    order(request, reply, SQL_SITES_ORDER_RESUME);
}

void sites_retry_handle(struct request *request, struct reply *reply)
{
    order(request, reply, SQL_SITES_ORDER_RETRY);
}

/* ---- Limits ---- */

void limits_list_handle(struct request *request, struct reply *reply)
{
    DB_RESULT *row = NULL;
    struct error err;

    if (!operator_asks(request, reply))
        return;
    enum status status =
        session_run(request->session, SQL_LIMITS_ALL, NULL, 0, &row, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    buf_addf(&reply->body,
             "{\"object\":\"list\",\"has_more\":false,\"data\":%s}",
             PQgetvalue(row, 0, 0));
}

static bool scope_valid(const char *scope, struct reply *reply)
{
    static const char *const scopes[] = {"site",    "relay",  "campaign",
                                         "project", "sender", "source"};

    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        if (strcmp(scope, scopes[i]) == 0)
            return true;
    reply_error(reply, API_VALIDATION_ERROR,
                "The scope of a limit is to be `site`, `relay`, `campaign`, "
                "`project`, `sender` or `source`.");
    return false;
}

static const char *limits_field(json_t *body, struct reply *reply)
{
    static const char *const known[] = {"limits"};
    json_t *value = json_object_get(body, "limits");
    struct error err;

    if (json_check_fields(body, known, 1, &err) != STATUS_OK) {
        reply_error(reply, API_VALIDATION_ERROR, "%s", err.text);
        return NULL;
    }
    if (!json_is_string(value))
        reply_error(reply, API_MISSING_REQUIRED_FIELD,
                    "Missing `limits` field: a text as "
                    "`connections=5 mails_per_hour=2000`.");
    return json_string_value(value);
}

/* What was, changed by the words, into text. */
static bool amend(const char *was, const char *words, const char *scope,
                  char *text, struct reply *reply)
{
    bool whole = strcmp(scope, "site") == 0 || strcmp(scope, "relay") == 0;
    struct limits limits = limits_unset();
    struct error err;

    if (limits_parse(was, &limits, &err) != STATUS_OK ||
        limits_amend(&limits, words, &err) != STATUS_OK) {
        reply_error(reply, API_VALIDATION_ERROR, "Invalid `limits` field: %s.",
                    err.text);
        return false;
    }
    for (int i = 0; i < LIMITS; i++)
        if (limits.of[i] != LIMIT_UNSET && limit_is_of_sites((enum limit)i) &&
            !whole) {
            reply_error(reply, API_VALIDATION_ERROR,
                        "Invalid `limits` field: %s: only sites and relays "
                        "have that.",
                        limit_text((enum limit)i));
            return false;
        }
    limits_text(&limits, text);
    return true;
}

static void show_limit(const char *const *params, const char *text,
                       struct reply *reply)
{
    reply->status = 200;
    buf_addf(&reply->body,
             "{\"object\":\"limit\",\"scope\":\"%s\",\"name\":", params[0]);
    json_add_text(&reply->body, params[1]);
    buf_addf(&reply->body, ",\"limits\":\"%s\"}", text);
}

void limits_put_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    const char *scope = request->args[0], *words;
    char text[LIMITS_TEXT_MAX];
    const char *params[] = {scope, request->args[1], text};
    struct error err;

    if (!body || !operator_asks(request, reply) || !scope_valid(scope, reply))
        return;
    words = limits_field(body, reply);
    if (!words || !amend("", words, scope, text, reply))
        return;
    if (!*text) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "Invalid `limits` field: it names no limit.");
        return;
    }
    enum status status =
        session_run(request->session, SQL_LIMITS_PUT, params, 3, NULL, &err);

    if (status == STATUS_OK)
        show_limit(params, text, reply);
    else
        reply_status(reply, status, &err);
}

/* False: somebody else was faster, and it is to be done again. */
static bool change(struct request *request, const char *words,
                   struct reply *reply)
{
    char text[LIMITS_TEXT_MAX];
    const char *params[] = {request->args[0], request->args[1], NULL, text};
    DB_RESULT *was = NULL, *done = NULL;
    struct error err;
    enum status status =
        session_run(request->session, SQL_LIMITS_WAS, params, 2, &was, &err);

    if (status == STATUS_OK) {
        params[2] = PQntuples(was) ? PQgetvalue(was, 0, 0) : "";
        if (!amend(params[2], words, params[0], text, reply))
            return true;
        status = session_run(request->session, SQL_LIMITS_CHANGE, params, 4,
                             &done, &err);
    }
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return true;
    }
    if (PQntuples(done) == 0)
        return false;
    show_limit(params, text, reply);
    return true;
}

void limits_patch_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    const char *words;

    if (!body || !operator_asks(request, reply) ||
        !scope_valid(request->args[0], reply))
        return;
    words = limits_field(body, reply);
    for (int i = 0; words && i < CHANGE_TRIES_MAX; i++)
        if (change(request, words, reply))
            return;
    if (words)
        reply_error_as(reply, 409, API_VALIDATION_ERROR,
                       "Others change these limits at this moment.");
}

void limits_delete_handle(struct request *request, struct reply *reply)
{
    const char *params[] = {request->args[0], request->args[1]};
    DB_RESULT *row = NULL;
    struct error err;

    if (!operator_asks(request, reply))
        return;
    enum status status =
        session_run(request->session, SQL_LIMITS_DELETE, params, 2, &row, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
    } else if (PQntuples(row) == 0) {
        reply_error(reply, API_NOT_FOUND, "Limit not found");
    } else {
        reply->status = 200;
        buf_add_text(&reply->body, "{\"object\":\"limit\",\"deleted\":true}");
    }
}
