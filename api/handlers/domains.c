/* /domains: what mail is sent from, which DNS records that takes, and whether
 * they are there. Keys are made and records looked up by an engine: the API
 * has neither keys nor DNS. It asks, and waits a while for the answer. */
#include "api/handlers/domains.sql.h"
#include "api/json.h"
#include "api/request.h"
#include "base/clock.h"
#include "mail/domain.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    KEYS_WAIT_MS = 8 * 1000, /* an RSA key is a matter of luck */
    VERIFY_WAIT_MS = 10 * 1000,
    LOOK_PAUSE_MS = 25,
    NUMBER_MAX = 24,
    UID_MAX = 37,
};

enum column {
    COLUMN_UID,
    COLUMN_NAME,
    COLUMN_STATUS,
    COLUMN_CREATED,
    COLUMN_RECORDS,
    COLUMN_VERIFYING,
    COLUMN_MAKING,
};

/* The caller's project and a domain's id, as parameters. */
struct reference {
    char project[NUMBER_MAX];
    const char *params[2];
};

static void reference_to(const struct request *request, const char *uid,
                         struct reference *out)
{
    snprintf(out->project, sizeof out->project, "%lld",
             (long long)request->caller.project);
    out->params[0] = out->project;
    out->params[1] = uid;
}

/* False: the reply is set. What is no UUID is no domain's id either. */
static bool found(struct reply *reply, enum status status, const PGresult *row,
                  const struct error *err)
{
    if (status == STATUS_INVALID ||
        (status == STATUS_OK && PQntuples(row) == 0))
        reply_error(reply, API_NOT_FOUND, "Domain not found");
    else if (status != STATUS_OK)
        reply_status(reply, status, err);
    return status == STATUS_OK && reply->status == 0;
}

static bool run_on(struct request *request, struct reply *reply,
                   const char *sql, const char *uid, PGresult **row)
{
    struct reference ref;
    struct error err;

    reference_to(request, uid, &ref);
    enum status status =
        session_run(request->session, sql, ref.params, 2, row, &err);

    return found(reply, status, *row, &err);
}

static enum status notify(struct request *request, struct error *err)
{
    DB_RESULT *none = NULL;

    return session_run(request->session, SQL_DOMAINS_NOTIFY, NULL, 0, &none,
                       err);
}

/* ---- Shown ---- */

static void add_head(struct buf *out, const PGresult *rows, int row)
{
    buf_addf(out, "\"id\":\"%s\",\"name\":", PQgetvalue(rows, row, COLUMN_UID));
    json_add_text(out, PQgetvalue(rows, row, COLUMN_NAME));
    buf_addf(out, ",\"status\":\"%s\",\"created_at\":",
             PQgetvalue(rows, row, COLUMN_STATUS));
    json_add_time(out,
                  strtoll(PQgetvalue(rows, row, COLUMN_CREATED), NULL, 10));
    /* SDKs of typed languages know Resend's regions only. */
    buf_add_text(out, ",\"region\":\"us-east-1\",\"open_tracking\":false,"
                      "\"click_tracking\":false,\"capabilities\":{"
                      "\"sending\":\"enabled\",\"receiving\":\"disabled\"}");
}

static void show(struct reply *reply, int status, const PGresult *row)
{
    reply->status = status;
    buf_add_text(&reply->body, "{\"object\":\"domain\",");
    add_head(&reply->body, row, 0);
    buf_addf(&reply->body, ",\"records\":%s}",
             PQgetvalue(row, 0, COLUMN_RECORDS));
}

static void pause_for(int64_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000,
                                   .tv_nsec = ms % 1000 * 1000 * 1000};

    nanosleep(&pause, NULL);
}

/* Looks until the column is false; with the last row. Within the transaction
 * of an idempotency key nobody else sees what we asked for: no use to wait. */
static bool wait_for(struct request *request, struct reply *reply,
                     const char *uid, enum column column, int64_t wait_ms,
                     PGresult **row)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;

    for (;;) {
        if (!run_on(request, reply, SQL_DOMAINS_ONE, uid, row))
            return false;
        if (PQgetvalue(*row, 0, (int)column)[0] != 't' ||
            clock_mono_ms() >= until_ms || request_claim(request))
            return true;
        db_result_clear(row);
        pause_for(LOOK_PAUSE_MS);
    }
}

/* ---- Made ---- */

struct wish {
    char name[DOMAIN_MAX];
    const char *dkim;
};

static bool is_set(const json_t *value)
{
    return value && !json_is_null(value) && !json_is_false(value);
}

/* What Resend has and we don't: refused where it would change something. */
static enum status refuse(json_t *body, struct error *err)
{
    static const struct {
        const char *field, *standard, *why;
    } others[] = {
        {"open_tracking", NULL, "it is set for each campaign"},
        {"click_tracking", NULL, "it is set for each campaign"},
        {"tracking_subdomain", NULL, "it is the setting public_url"},
        {"tls", "opportunistic", "it is said by routes"},
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        json_t *value = json_object_get(body, others[i].field);
        const char *text = json_string_value(value);

        if (is_set(value) && !(text && others[i].standard &&
                               strcmp(text, others[i].standard) == 0))
            return fail(err, STATUS_INVALID,
                        "`%s` can't be set for a domain: %s.", others[i].field,
                        others[i].why);
    }
    json_t *ability = json_object_get(body, "capabilities");
    const char *sending =
        json_string_value(json_object_get(ability, "sending"));
    const char *receiving =
        json_string_value(json_object_get(ability, "receiving"));

    if ((sending && strcmp(sending, "enabled") != 0) ||
        (receiving && strcmp(receiving, "disabled") != 0))
        return fail(err, STATUS_INVALID,
                    "`capabilities`: a domain sends, and does not receive.");
    return STATUS_OK;
}

static enum status read_wish(json_t *body, struct wish *out, struct error *err)
{
    static const char *const known[] = {
        "name",           "region",       "custom_return_path",
        "dkim",           "tls",          "open_tracking",
        "click_tracking", "capabilities", "tracking_subdomain"};
    json_t *name = json_object_get(body, "name");
    json_t *dkim = json_object_get(body, "dkim");
    struct error why;

    if (!json_is_object(body))
        return fail(err, STATUS_INVALID, "The body is to be a JSON object.");
    if (!json_is_string(name))
        return fail(err, STATUS_INVALID, "Missing `name` field.");
    if (strlen(json_string_value(name)) != json_string_length(name) ||
        domain_ascii(json_string_value(name), out->name, &why) != STATUS_OK)
        return fail(err, STATUS_INVALID,
                    "Invalid `name` field: it is no domain: %s.",
                    strlen(json_string_value(name)) == json_string_length(name)
                        ? why.text
                        : "it has a NUL");
    out->dkim = is_set(dkim) ? json_string_value(dkim) : "rsa2048";
    if (!out->dkim ||
        (strcmp(out->dkim, "rsa2048") != 0 &&
         strcmp(out->dkim, "ed25519") != 0 && strcmp(out->dkim, "both") != 0))
        return fail(err, STATUS_INVALID,
                    "`dkim` is to be `rsa2048`, `ed25519` or `both`.");
    enum status status = refuse(body, err);

    return status == STATUS_OK
               ? json_check_fields(body, known, sizeof known / sizeof *known,
                                   err)
               : status;
}

static enum status store(struct request *request, const struct wish *wish,
                         char uid[UID_MAX], struct error *err)
{
    struct reference ref;
    DB_RESULT *row = NULL;

    reference_to(request, wish->name, &ref);
    const char *params[] = {ref.project, wish->name, wish->dkim};
    enum status status =
        session_run(request->session, SQL_DOMAINS_CREATE, params, 3, &row, err);

    if (status == STATUS_OK && PQntuples(row) == 0)
        return fail(err, STATUS_CONFLICT,
                    "The domain %s has been registered already.", wish->name);
    if (status == STATUS_OK) {
        snprintf(uid, UID_MAX, "%s", PQgetvalue(row, 0, 0));
        status = notify(request, err);
    }
    return status;
}

/* Nobody made its keys: as if it had not been asked for. False: somebody did
 * after all. */
static bool take_back(struct request *request, struct reply *reply,
                      const char *uid)
{
    DB_RESULT *row = NULL;
    struct reference ref;
    struct error err;

    reference_to(request, uid, &ref);
    if (session_run(request->session, SQL_DOMAINS_TAKE_BACK, ref.params, 2,
                    &row, &err) != STATUS_OK) {
        reply_status(reply, STATUS_UNAVAILABLE, &err);
        return true;
    }
    if (PQntuples(row) == 0)
        return false;
    reply_unavailable(reply, "No engine made the domain's key in time. Is "
                             "presort-engine running?");
    return true;
}

void domains_create_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    DB_RESULT *row = NULL;
    struct wish wish;
    struct error err;
    char uid[UID_MAX];

    if (!body)
        return;
    enum status status = read_wish(body, &wish, &err);

    if (status == STATUS_OK)
        status = store(request, &wish, uid, &err);
    if (status == STATUS_CONFLICT)
        reply_error_as(reply, 403, API_VALIDATION_ERROR, "%s", err.text);
    else if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (wait_for(request, reply, uid, COLUMN_MAKING, KEYS_WAIT_MS, &row) &&
             (PQgetvalue(row, 0, COLUMN_MAKING)[0] != 't' ||
              request_claim(request) || !take_back(request, reply, uid)))
        show(reply, 201, row);
}

/* ---- The others ---- */

void domains_list_handle(struct request *request, struct reply *reply)
{
    DB_RESULT *rows = NULL;
    struct reference ref;
    struct error err;

    reference_to(request, NULL, &ref);
    enum status status = session_run(request->session, SQL_DOMAINS_LIST,
                                     ref.params, 1, &rows, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    buf_add_text(&reply->body,
                 "{\"object\":\"list\",\"has_more\":false,\"data\":[");
    for (int row = 0; row < PQntuples(rows); row++) {
        buf_add_text(&reply->body, row > 0 ? ",{" : "{");
        add_head(&reply->body, rows, row);
        buf_add_char(&reply->body, '}');
    }
    buf_add_text(&reply->body, "]}");
}

void domains_show_handle(struct request *request, struct reply *reply)
{
    DB_RESULT *row = NULL;

    if (run_on(request, reply, SQL_DOMAINS_ONE, request->args[0], &row))
        show(reply, 200, row);
}

void domains_update_handle(struct request *request, struct reply *reply)
{
    static const char *const known[] = {"tls", "open_tracking",
                                        "click_tracking", "capabilities",
                                        "tracking_subdomain"};
    JSON_DECREF json_t *body = request_json(request, reply);
    DB_RESULT *row = NULL;
    struct error err;

    if (!body ||
        !run_on(request, reply, SQL_DOMAINS_ONE, request->args[0], &row))
        return;
    enum status status =
        json_check_fields(body, known, sizeof known / sizeof *known, &err);

    if (status == STATUS_OK)
        status = refuse(body, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    buf_addf(&reply->body, "{\"object\":\"domain\",\"id\":\"%s\"}",
             PQgetvalue(row, 0, 0));
}

void domains_delete_handle(struct request *request, struct reply *reply)
{
    DB_RESULT *row = NULL;
    struct error err;

    if (!run_on(request, reply, SQL_DOMAINS_DELETE, request->args[0], &row))
        return;
    enum status status = notify(request, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    buf_addf(&reply->body,
             "{\"object\":\"domain\",\"id\":\"%s\",\"deleted\":true}",
             PQgetvalue(row, 0, 0));
}

/* Found within the wait or not, it goes on: GET shows it. */
void domains_verify_handle(struct request *request, struct reply *reply)
{
    DB_RESULT *asked = NULL;
    DB_RESULT *row = NULL;
    struct error err;

    if (!run_on(request, reply, SQL_DOMAINS_VERIFY, request->args[0], &asked))
        return;
    enum status status = notify(request, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    if (wait_for(request, reply, PQgetvalue(asked, 0, 0), COLUMN_VERIFYING,
                 VERIFY_WAIT_MS, &row))
        show(reply, 200, row);
}
