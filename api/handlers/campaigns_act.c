/* What is done with a campaign as a whole: send, pause, resume, cancel. Each
 * holds the campaign's row, so that its state and its batches' change
 * together; workers hear of it when that is committed. */
#include "api/handlers/campaigns.h"
#include "api/handlers/campaigns_act.h"
#include "api/handlers/campaigns_act.sql.h"
#include "api/json.h"
#include "base/clock.h"
#include "base/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is(const PGresult *row, const char *state)
{
    return strcmp(PQgetvalue(row, 0, COLUMN_STATE), state) == 0;
}

/* A statement whose only parameter is the campaign. */
static enum status run_on(struct request *request, const char *sql,
                          const struct campaign_ref *ref, PGresult **out,
                          struct error *err)
{
    const char *params[] = {ref->id};

    return session_run(request->session, sql, params, 1, out, err);
}

/* Workers hear of these when the transaction is committed. */
static enum status notify_work(struct request *request, struct error *err)
{
    DB_RESULT *none = NULL;

    return session_run(request->session, SQL_ACT_NOTIFY_WORK, NULL, 0, &none,
                       err);
}

static enum status notify_control(struct request *request,
                                  const struct campaign_ref *ref,
                                  struct error *err)
{
    DB_RESULT *none = NULL;

    return run_on(request, SQL_ACT_NOTIFY_CONTROL, ref, &none, err);
}

/* Commits what a hold began, or takes it back; then shows the campaign. */
static bool finish(struct request *request, struct reply *reply,
                   enum status status, const struct error *err)
{
    if (status == STATUS_OK && reply->status == 0)
        return campaigns_commit(request, reply);
    session_rollback(request->session);
    if (reply->status == 0)
        reply_status(reply, status, err);
    return false;
}

/* due_us 0: now. */
enum status campaigns_start(struct request *request,
                            const struct campaign_ref *ref, int64_t due_us,
                            const char *expire_seconds, struct error *err)
{
    char due[CLOCK_RFC3339_MAX], expire[CAMPAIGNS_NUMBER_MAX];
    const char *batches[] = {ref->id, due, expire};
    const char *more[] = {due, due_us ? "true" : "false"};

    clock_rfc3339(due_us ? due_us : clock_wall_us(), due);
    if (*expire_seconds)
        snprintf(expire, sizeof expire, "%s", expire_seconds);
    else
        snprintf(expire, sizeof expire, "%lld",
                 (long long)request->config->expire_seconds);
    enum status status = session_run(request->session, SQL_ACT_SEND_BATCHES,
                                     batches, 3, NULL, err);
    if (status == STATUS_OK)
        status = campaigns_run(request, SQL_ACT_SEND, ref, more, 2, NULL, err);
    if (status == STATUS_OK)
        status = notify_work(request, err);
    return status;
}

static bool may_send(const PGresult *row, struct reply *reply)
{
    if (!is(row, "draft") && !is(row, "scheduled"))
        campaigns_refuse(reply, PQgetvalue(row, 0, COLUMN_STATE),
                         "only a draft can be sent, or a scheduled one at "
                         "another time");
    else if (strcmp(PQgetvalue(row, 0, COLUMN_RECIPIENTS), "0") == 0)
        reply_error(reply, API_VALIDATION_ERROR,
                    "The campaign has no recipients. Upload them first.");
    return reply->status == 0;
}

/* Pins what it is rendered from: of a template, what is published now. What was
 * accepted by an earlier version may not be sendable by this one. */
static bool pin(struct request *request, struct reply *reply,
                const struct campaign_ref *ref, const PGresult *row)
{
    JSON_DECREF json_t *fields = campaign_merge(row, NULL);

    return campaigns_store(request, reply, ref, fields) &&
           campaigns_check(request, reply, ref, row);
}

void campaigns_send_handle(struct request *request, struct reply *reply)
{
    static const char *const known[] = {"scheduled_at"};
    JSON_DECREF json_t *body = request_json(request, reply);
    struct campaign_ref ref;
    DB_RESULT *row = NULL;
    struct email_error why;
    int64_t due_us;
    enum status status = STATUS_OK;

    if (!body || !campaigns_ref(request, reply, &ref))
        return;
    if (json_check_fields(body, known, 1, &why.error) != STATUS_OK) {
        reply_error(reply, API_VALIDATION_ERROR, "%s", why.error.text);
        return;
    }
    if (!email_read_time(json_object_get(body, "scheduled_at"), clock_wall_us(),
                         &due_us, &why)) {
        reply_error(reply, why.name, "%s", why.error.text);
        return;
    }
    if (!campaigns_hold(request, reply, &ref, &row))
        return;
    if (may_send(row, reply) && pin(request, reply, &ref, row))
        status = campaigns_start(request, &ref, due_us,
                                 PQgetvalue(row, 0, COLUMN_EXPIRE_SECONDS),
                                 &why.error);
    if (finish(request, reply, status, &why.error))
        campaigns_show(request, reply, &ref);
}

/* Changes that need no more than a state to come from. */
struct change {
    const char *from, *only, *sql, *batches;
};

static void change(struct request *request, struct reply *reply,
                   const struct change *c)
{
    struct campaign_ref ref;
    DB_RESULT *row = NULL;
    struct error err;
    enum status status = STATUS_OK;

    if (!campaigns_ref(request, reply, &ref) ||
        !campaigns_hold(request, reply, &ref, &row))
        return;
    if (!is(row, c->from)) {
        campaigns_refuse(reply, PQgetvalue(row, 0, COLUMN_STATE), c->only);
    } else {
        status = campaigns_run(request, c->sql, &ref, NULL, 0, NULL, &err);
        if (status == STATUS_OK)
            status = run_on(request, c->batches, &ref, NULL, &err);
        if (status == STATUS_OK)
            status = notify_control(request, &ref, &err);
        if (status == STATUS_OK)
            status = notify_work(request, &err);
    }
    if (finish(request, reply, status, &err))
        campaigns_show(request, reply, &ref);
}

void campaigns_pause_handle(struct request *request, struct reply *reply)
{
    static const struct change pause = {
        "sending", "only one that is being sent can be paused", SQL_ACT_PAUSE,
        SQL_ACT_PAUSE_BATCHES};

    change(request, reply, &pause);
}

void campaigns_resume_handle(struct request *request, struct reply *reply)
{
    static const struct change resume = {
        "paused", "only a paused one can be resumed", SQL_ACT_RESUME,
        SQL_ACT_RESUME_BATCHES};

    change(request, reply, &resume);
}

/* In pieces, each a transaction: workers settle theirs beside it. */
static enum status settle_cancelled(struct request *request,
                                    const struct campaign_ref *ref,
                                    struct error *err)
{
    enum status status;
    bool more = true;

    do {
        DB_RESULT *count = NULL;

        status = run_on(request, SQL_ACT_CANCEL_PIECE, ref, &count, err);
        more = status == STATUS_OK && strcmp(PQgetvalue(count, 0, 0), "0") != 0;
    } while (more);
    if (status == STATUS_OK)
        status =
            campaigns_run(request, SQL_ACT_CANCELLED, ref, NULL, 0, NULL, err);
    return status;
}

void campaigns_cancel_handle(struct request *request, struct reply *reply)
{
    struct campaign_ref ref;
    DB_RESULT *row = NULL;
    struct error err;
    enum status status = STATUS_OK;

    if (!campaigns_ref(request, reply, &ref) ||
        !campaigns_hold(request, reply, &ref, &row))
        return;
    if (!is(row, "scheduled") && !is(row, "sending") && !is(row, "paused")) {
        campaigns_refuse(reply, PQgetvalue(row, 0, COLUMN_STATE),
                         "only one that is scheduled, being sent or paused "
                         "can be cancelled");
    } else {
        status =
            campaigns_run(request, SQL_ACT_CANCEL, &ref, NULL, 0, NULL, &err);
        if (status == STATUS_OK)
            status = run_on(request, SQL_ACT_CANCEL_BATCHES, &ref, NULL, &err);
        if (status == STATUS_OK)
            status = notify_control(request, &ref, &err);
    }
    if (!finish(request, reply, status, &err))
        return;
    status = settle_cancelled(request, &ref, &err);
    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else
        campaigns_show(request, reply, &ref);
}
