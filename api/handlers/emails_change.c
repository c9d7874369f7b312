/* PATCH /emails/{id} and POST /emails/{id}/cancel: scheduled mail is moved or
 * called off, while it is still waiting. */
#include "api/email.h"
#include "api/handlers/emails_change.sql.h"
#include "api/json.h"
#include "api/request.h"
#include "base/clock.h"
#include <stdio.h>

enum { NUMBER_MAX = 24 };

struct target {
    struct mailid id;
    char project[NUMBER_MAX], batch[NUMBER_MAX], seq[NUMBER_MAX];
};

static bool read_target(const struct request *request, struct reply *reply,
                        struct target *t)
{
    if (!request_mailid_parse(request, request->args[0], &t->id)) {
        reply_error(reply, API_NOT_FOUND, "Email not found");
        return false;
    }
    snprintf(t->project, NUMBER_MAX, "%lld",
             (long long)request->caller.project);
    snprintf(t->batch, NUMBER_MAX, "%lld", (long long)t->id.batch);
    snprintf(t->seq, NUMBER_MAX, "%d", t->id.seq);
    return true;
}

/* Nothing was changed: is there no such email, or is it too late? */
static void explain(struct request *request, struct reply *reply,
                    const struct target *t, const char *verb)
{
    const char *params[] = {t->project, t->batch, t->seq};
    DB_RESULT *rows = NULL;
    struct error err;
    enum status status = session_run(request->session, SQL_EMAILS_EXISTS,
                                     params, 3, &rows, &err);

    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (PQntuples(rows) == 0)
        reply_error(reply, API_NOT_FOUND, "Email not found");
    else
        reply_error(reply, API_VALIDATION_ERROR,
                    "Only a scheduled email that is still waiting can be %s.",
                    verb);
}

void emails_cancel_handle(struct request *request, struct reply *reply)
{
    struct target t;
    const char *params[] = {t.project, t.batch};
    DB_RESULT *rows = NULL;
    struct error err;

    if (!read_target(request, reply, &t))
        return;
    enum status status = session_run(request->session, SQL_EMAILS_CANCEL,
                                     params, 2, &rows, &err);
    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (PQntuples(rows) == 0)
        explain(request, reply, &t, "cancelled");
    else
        emails_get_handle(request, reply);
}

static enum status move(struct request *request, const struct target *t,
                        int64_t due_us, PGresult **rows, struct error *err)
{
    char due[NUMBER_MAX];
    const char *params[] = {t->project, t->batch, due};

    snprintf(due, NUMBER_MAX, "%lld", (long long)due_us);
    enum status status = session_run(request->session, SQL_EMAILS_RESCHEDULE,
                                     params, 3, rows, err);
    if (status == STATUS_OK && PQntuples(*rows) == 1)
        status =
            session_run(request->session, SQL_EMAILS_WAKE, NULL, 0, NULL, err);
    return status;
}

static bool read_due(struct request *request, struct reply *reply,
                     int64_t *due_us)
{
    static const char *const known[] = {"scheduled_at"};
    JSON_DECREF json_t *body = request_json(request, reply);
    struct email_error why = {.name = API_VALIDATION_ERROR};
    int64_t now_us = clock_wall_us();

    if (!body)
        return false;
    json_t *when = json_object_get(body, "scheduled_at");

    if (json_check_fields(body, known, 1, &why.error) == STATUS_OK &&
        email_read_time(when, now_us, due_us, &why)) {
        if (json_is_string(when) && json_string_length(when) > 0) {
            *due_us = *due_us ? *due_us : now_us;
            return true;
        }
        reply_error(reply, API_MISSING_REQUIRED_FIELD,
                    "Missing `scheduled_at` field.");
        return false;
    }
    reply_error(reply, why.name, "%s", why.error.text);
    return false;
}

void emails_update_handle(struct request *request, struct reply *reply)
{
    struct target t;
    int64_t due_us;
    DB_RESULT *rows = NULL;
    struct error err;

    if (!read_target(request, reply, &t) || !read_due(request, reply, &due_us))
        return;
    enum status status = move(request, &t, due_us, &rows, &err);
    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (PQntuples(rows) == 0)
        explain(request, reply, &t, "rescheduled");
    else
        emails_get_handle(request, reply);
}
