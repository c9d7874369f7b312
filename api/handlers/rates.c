/* GET /rates, and what GET /campaigns/{id} says of failures. */
#include "api/handlers/rates.h"
#include "api/api.h"
#include "api/handlers/rates.sql.h"
#include "api/json.h"
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_TEXT_MAX = 24, HOURS_MAX = 168, HOUR = 3600 };

enum status rates_add_campaign(struct request *request,
                               const struct campaign_ref *ref, struct buf *out,
                               struct error *err)
{
    DB_RESULT *failures = NULL, *rates = NULL;
    char project[NUMBER_TEXT_MAX], window[NUMBER_TEXT_MAX];
    const char *params[] = {ref->id, project, window};

    snprintf(project, sizeof project, "%lld",
             (long long)request->caller.project);
    snprintf(window, sizeof window, "%lld",
             (long long)request->config->rate_window_seconds);
    enum status status = session_run(request->session, SQL_CAMPAIGNS_FAILURES,
                                     params, 1, &failures, err);
    if (status == STATUS_OK)
        status = session_run(request->session, SQL_CAMPAIGNS_RATES, params, 3,
                             &rates, err);
    if (status != STATUS_OK)
        return status;
    buf_addf(out, ",\"bounced_later\":%s,\"complained\":%s",
             PQgetvalue(failures, 0, 1), PQgetvalue(failures, 0, 2));
    buf_addf(out, ",\"failures\":%s", PQgetvalue(failures, 0, 0));
    if (PQntuples(rates) == 0) /* deleted this moment */
        return STATUS_OK;
    buf_add_text(out, ",\"paused_reason\":");
    json_add_text(out,
                  PQgetisnull(rates, 0, 0) ? NULL : PQgetvalue(rates, 0, 0));
    buf_addf(out, ",\"rates\":%s", PQgetvalue(rates, 0, 1));
    return STATUS_OK;
}

/* ?hours=1..168, else the setting. */
static bool read_window(const struct request *request, struct reply *reply,
                        int64_t *seconds)
{
    const char *hours = request_query(request, "hours");
    char *end;

    *seconds = request->config->rate_window_seconds;
    if (!hours)
        return true;
    long value = strtol(hours, &end, 10);

    if (*hours == 0 || *end || value < 1 || value > HOURS_MAX) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "`hours` is to be a number from 1 to %d.", HOURS_MAX);
        return false;
    }
    *seconds = value * HOUR;
    return true;
}

void rates_handle(struct request *request, struct reply *reply)
{
    char project[NUMBER_TEXT_MAX], window[NUMBER_TEXT_MAX];
    const char *params[] = {project, window};
    DB_RESULT *rows = NULL;
    int64_t seconds;
    struct error err;

    if (!read_window(request, reply, &seconds))
        return;
    snprintf(project, sizeof project, "%lld",
             (long long)request->caller.project);
    snprintf(window, sizeof window, "%lld", (long long)seconds);
    enum status status = session_run(request->session, SQL_RATES_OF_PROJECT,
                                     params, 2, &rows, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    /* The first row is all of it. */
    buf_addf(&reply->body,
             "{\"object\":\"rates\",\"window_seconds\":%lld,\"all\":%s,"
             "\"domains\":[",
             (long long)seconds, PQgetvalue(rows, 0, 1));
    for (int row = 1; row < PQntuples(rows); row++) {
        buf_add_text(&reply->body, row > 1 ? ",{\"domain\":" : "{\"domain\":");
        json_add_text(&reply->body, PQgetvalue(rows, row, 0));
        buf_addf(&reply->body, ",\"rates\":%s}", PQgetvalue(rows, row, 1));
    }
    buf_add_text(&reply->body, "]}");
}
