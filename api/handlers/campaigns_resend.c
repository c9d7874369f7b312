/* POST /campaigns/{id}/resend: the same content once more, as a campaign of its
 * own, to those recipients whose mail ended in one of the outcomes given. */
#include "api/handlers/campaigns.h"
#include "api/handlers/campaigns_act.h"
#include "api/handlers/campaigns_act.sql.h"
#include "api/json.h"
#include "mail/outcome.h"
#include <stdio.h>
#include <string.h>

/* How a mail can end. */
static const enum verdict finals[] = {VERDICT_DELIVERED,  VERDICT_BOUNCED,
                                      VERDICT_IN_DOUBT,   VERDICT_EXPIRED,
                                      VERDICT_SUPPRESSED, VERDICT_CANCELLED};
enum { FINALS = sizeof finals / sizeof *finals };

static const char *final_named(const char *text)
{
    for (size_t i = 0; text && i < FINALS; i++)
        if (strcmp(verdict_text(finals[i]), text) == 0)
            return verdict_text(finals[i]);
    return NULL;
}

/* {"outcomes": ["bounced", "expired"]} as PostgreSQL writes an array. */
static bool read_outcomes(json_t *body, struct buf *out, struct error *err)
{
    static const char *const known[] = {"outcomes"};
    json_t *outcomes = json_object_get(body, "outcomes"), *item;
    size_t i;

    if (json_check_fields(body, known, 1, err) != STATUS_OK)
        return false;
    buf_add_char(out, '{');
    json_array_foreach(outcomes, i, item)
    {
        const char *name = final_named(json_string_value(item));

        if (!name)
            break;
        buf_addf(out, "%s%s", i ? "," : "", name);
    }
    buf_add_char(out, '}');
    if (json_array_size(outcomes) > 0 && i == json_array_size(outcomes))
        return true;
    snprintf(err->text, sizeof err->text,
             "`outcomes` is to be a list of at least one of `delivered`, "
             "`bounced`, `in_doubt`, `expired`, `suppressed`, `cancelled`.");
    return false;
}

static enum status copy_recipients(struct request *request,
                                   const struct campaign_ref *source,
                                   const struct campaign_ref *fresh,
                                   const char *outcomes, PGresult **count,
                                   struct error *err)
{
    DB_RESULT *bounds = NULL, *none = NULL;
    char batch_mails[CAMPAIGNS_NUMBER_MAX];
    const char *first[] = {source->id};
    enum status status = session_run(request->session, SQL_RESEND_BOUNDS, first,
                                     1, &bounds, err);

    if (status == STATUS_OK)
        status =
            session_run(request->session, SQL_RESEND_PLAN, NULL, 0, &none, err);
    if (status != STATUS_OK)
        return status;
    snprintf(batch_mails, sizeof batch_mails, "%lld",
             (long long)request->config->batch_mails_max);
    const char *more[] = {source->id, outcomes, batch_mails,
                          PQgetvalue(bounds, 0, 0), PQgetvalue(bounds, 0, 1)};
    if (PQgetisnull(bounds, 0, 0))
        more[3] = more[4] = "0";
    return campaigns_run(request, SQL_RESEND_RECIPIENTS, fresh, more, 5, count,
                         err);
}

/* The new campaign's id into fresh. */
static enum status resend(struct request *request, struct reply *reply,
                          const struct campaign_ref *source,
                          const PGresult *row, const char *outcomes,
                          struct campaign_ref *fresh, struct error *err)
{
    DB_RESULT *made = NULL, *count = NULL;
    enum status status = campaigns_run(request, SQL_RESEND_CAMPAIGN, source,
                                       NULL, 0, &made, err);

    if (status != STATUS_OK)
        return status;
    snprintf(fresh->id, sizeof fresh->id, "%s", PQgetvalue(made, 0, 0));
    status = copy_recipients(request, source, fresh, outcomes, &count, err);
    if (status != STATUS_OK)
        return status;
    if (strcmp(PQgetvalue(count, 0, 0), "0") == 0) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "No recipient of the campaign has one of these outcomes.");
        return STATUS_OK;
    }
    return campaigns_start(request, fresh, 0,
                           PQgetvalue(row, 0, COLUMN_EXPIRE_SECONDS), err);
}

void campaigns_resend_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    struct campaign_ref source, fresh;
    struct buf outcomes = {0};
    DB_RESULT *row = NULL;
    struct error err;

    if (!body || !campaigns_ref(request, reply, &source))
        return;
    fresh = source;
    if (!read_outcomes(body, &outcomes, &err)) {
        reply_error(reply, API_VALIDATION_ERROR, "%s", err.text);
    } else if (campaigns_hold(request, reply, &source, &row)) {
        enum status status =
            resend(request, reply, &source, row, outcomes.data, &fresh, &err);

        if (status != STATUS_OK)
            reply_status(reply, status, &err);
        if (reply->status != 0)
            session_rollback(request->session);
        else if (campaigns_commit(request, reply))
            campaigns_show(request, reply, &fresh);
        if (reply->status == 200)
            reply->status = 201;
    }
    buf_fini(&outcomes);
}
