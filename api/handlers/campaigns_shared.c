#include "api/handlers/campaigns.h"
#include "api/handlers/campaigns.sql.h"
#include "api/handlers/rates.h"
#include "api/json.h"
#include "api/pace.h"
#include "base/bug.h"
#include "base/clock.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Half a second in all. */
enum { LOCK_TRIES = 10, LOCK_PAUSE_NS = 50 * 1000 * 1000 };

static void not_found(struct reply *reply)
{
    reply_error(reply, API_NOT_FOUND, "Campaign not found");
}

bool campaigns_ref(const struct request *request, struct reply *reply,
                   struct campaign_ref *out)
{
    const char *id = request->args[0];

    if (!campaign_id_valid(id)) {
        not_found(reply);
        return false;
    }
    for (size_t i = 0; i < sizeof out->id; i++)
        out->id[i] = (char)tolower((unsigned char)id[i]);
    snprintf(out->project, sizeof out->project, "%lld",
             (long long)request->caller.project);
    return true;
}

enum status campaigns_run(struct request *request, const char *sql,
                          const struct campaign_ref *ref,
                          const char *const *more, int n, PGresult **out,
                          struct error *err)
{
    const char *params[CAMPAIGNS_PARAMS_MAX] = {ref->project, ref->id};

    if (n > CAMPAIGNS_PARAMS_MAX - 2)
        BUG("too many parameters");
    for (int i = 0; i < n; i++)
        params[2 + i] = more[i];
    return session_run(request->session, sql, params, 2 + n, out, err);
}

bool campaigns_find(struct request *request, struct reply *reply,
                    const struct campaign_ref *ref, PGresult **row)
{
    struct error err;
    enum status status =
        campaigns_run(request, SQL_CAMPAIGNS_FIND, ref, NULL, 0, row, &err);

    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (PQntuples(*row) == 0)
        not_found(reply);
    else
        return true;
    return false;
}

static enum status is_there(struct request *request,
                            const struct campaign_ref *ref, struct error *err)
{
    DB_RESULT *row = NULL;
    enum status status =
        campaigns_run(request, SQL_CAMPAIGNS_FIND, ref, NULL, 0, &row, err);

    if (status == STATUS_OK && PQntuples(row) == 0)
        return fail(err, STATUS_NOT_FOUND, "Campaign not found");
    return status;
}

enum status campaigns_lock(struct request *request,
                           const struct campaign_ref *ref, struct error *err)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        DB_RESULT *locked = NULL;
        enum status status = campaigns_run(request, SQL_CAMPAIGNS_LOCK, ref,
                                           NULL, 0, &locked, err);

        if (status != STATUS_OK || PQntuples(locked) == 1)
            return status;
        status = is_there(request, ref, err);
        if (status != STATUS_OK)
            return status;
        nanosleep(&pause, NULL);
    }
    return fail(err, STATUS_CONFLICT,
                "Another request is changing this campaign, or uploading into "
                "it. Retry when it has been answered.");
}

bool campaigns_hold(struct request *request, struct reply *reply,
                    const struct campaign_ref *ref, PGresult **row)
{
    struct error err;
    enum status status = session_begin(request->session, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return false;
    }
    status = campaigns_lock(request, ref, &err);
    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (campaigns_find(request, reply, ref, row))
        return true;
    session_rollback(request->session);
    return false;
}

bool campaigns_commit(struct request *request, struct reply *reply)
{
    struct error err;
    enum status status = session_commit(request->session, &err);

    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    return status == STATUS_OK;
}

void campaigns_refuse(struct reply *reply, const char *state, const char *only)
{
    reply_error_as(reply, 409, API_VALIDATION_ERROR, "The campaign is %s: %s.",
                   state, only);
}

/* Columns of campaigns_totals, behind the site. */
static const char *const totals_names[] = {
    "delivered", "deferred",   "bounced",  "in_doubt",
    "expired",   "suppressed", "cancelled"};
enum { TOTALS = sizeof totals_names / sizeof *totals_names, DEFERRED = 1 };

static int64_t number_at(const PGresult *rows, int row, int column)
{
    return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

static void add_totals(struct buf *out, const int64_t totals[TOTALS])
{
    for (int i = 0; i < TOTALS; i++)
        buf_addf(out, "%s\"%s\":%lld", i ? "," : "", totals_names[i],
                 (long long)totals[i]);
}

/* Mails that need no more work. Deferrals are attempts, not ends. */
static int64_t ended(const int64_t totals[TOTALS])
{
    int64_t sum = 0;

    for (int i = 0; i < TOTALS; i++)
        sum += i == DEFERRED ? 0 : totals[i];
    return sum;
}

static void add_sites(struct buf *out, const PGresult *rows)
{
    buf_add_text(out, ",\"sites\":[");
    for (int row = 0; row < PQntuples(rows); row++) {
        int64_t totals[TOTALS];

        for (int i = 0; i < TOTALS; i++)
            totals[i] = number_at(rows, row, 1 + i);
        buf_add_text(out, row ? ",{\"site\":" : "{\"site\":");
        json_add_text(out, PQgetvalue(rows, row, 0));
        buf_add_char(out, ',');
        add_totals(out, totals);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

/* Over the last seconds, if somebody looked then; else since the start. */
static double rate_of(const PGresult *campaign, int64_t done)
{
    double rate =
        pace_note(PQgetvalue(campaign, 0, COLUMN_ID), clock_mono_ms(), done);
    int64_t taken_us = clock_wall_us() - number_at(campaign, 0, COLUMN_STARTED);

    if (strcmp(PQgetvalue(campaign, 0, COLUMN_STATE), "sending") != 0)
        return 0;
    if (rate < 0 && taken_us > 0)
        rate = (double)done * 1e6 / (double)taken_us;
    return rate < 0 ? 0 : rate;
}

static void add_progress(struct buf *out, const PGresult *campaign,
                         const PGresult *rows)
{
    int64_t totals[TOTALS] = {0};

    for (int row = 0; row < PQntuples(rows); row++)
        for (int i = 0; i < TOTALS; i++)
            totals[i] += number_at(rows, row, 1 + i);
    int64_t done = ended(totals);
    int64_t pending = number_at(campaign, 0, COLUMN_RECIPIENTS) - done;
    double rate = rate_of(campaign, done);

    buf_add_text(out, ",\"totals\":{");
    add_totals(out, totals);
    buf_addf(out, ",\"pending\":%lld},\"rate\":%.1f,\"eta_seconds\":",
             (long long)pending, rate);
    if (rate > 0 && pending > 0)
        buf_addf(out, "%.0f", (double)pending / rate);
    else
        buf_add_text(out, "null");
    add_sites(out, rows);
}

/* What its recipients did: events, and of how many mails. */
static void add_events(struct buf *out, const PGresult *events)
{
    buf_add_text(out, ",\"events\":{");
    for (int i = 0; i < PQntuples(events); i++)
        buf_addf(out, "%s\"%s\":{\"mails\":%s,\"total\":%s,\"machine\":%s}",
                 i ? "," : "", PQgetvalue(events, i, 0),
                 PQgetvalue(events, i, 1), PQgetvalue(events, i, 2),
                 PQgetvalue(events, i, 3));
    buf_add_char(out, '}');
}

/* The links that were clicked, those with most clicks first. */
void campaigns_links_handle(struct request *request, struct reply *reply)
{
    struct campaign_ref ref;
    DB_RESULT *campaign = NULL, *links = NULL;
    struct error err;

    if (!campaigns_ref(request, reply, &ref) ||
        !campaigns_find(request, reply, &ref, &campaign))
        return;
    const char *params[] = {ref.id};
    enum status status = session_run(request->session, SQL_CAMPAIGNS_LINKS,
                                     params, 1, &links, &err);

    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    buf_add_text(&reply->body, "{\"object\":\"list\",\"has_more\":false,"
                               "\"data\":[");
    for (int i = 0; i < PQntuples(links); i++) {
        buf_addf(&reply->body, "%s{\"link\":%s,\"url\":", i ? "," : "",
                 PQgetvalue(links, i, 0));
        json_add_text(&reply->body, PQgetvalue(links, i, 1));
        buf_addf(&reply->body, ",\"mails\":%s,\"total\":%s,\"machine\":%s}",
                 PQgetvalue(links, i, 2), PQgetvalue(links, i, 3),
                 PQgetvalue(links, i, 4));
    }
    buf_add_text(&reply->body, "]}");
}

void campaigns_show(struct request *request, struct reply *reply,
                    const struct campaign_ref *ref)
{
    DB_RESULT *campaign = NULL, *totals = NULL, *events = NULL;
    struct buf rates = {0};
    const char *params[] = {ref->id};
    struct error err;

    if (!campaigns_find(request, reply, ref, &campaign))
        return;
    enum status status = session_run(request->session, SQL_CAMPAIGNS_TOTALS,
                                     params, 1, &totals, &err);
    if (status == STATUS_OK)
        status = session_run(request->session, SQL_CAMPAIGNS_EVENTS, params, 1,
                             &events, &err);
    if (status == STATUS_OK)
        status = rates_add_campaign(request, ref, &rates, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    buf_add_char(&reply->body, '{');
    campaign_add(&reply->body, campaign, 0);
    add_progress(&reply->body, campaign, totals);
    add_events(&reply->body, events);
    buf_add(&reply->body, rates.data, rates.len);
    buf_fini(&rates);
    buf_add_char(&reply->body, '}');
}

bool campaigns_page(const struct request *request, struct reply *reply,
                    int standard, int most, struct page *out)
{
    const char *limit = request_query(request, "limit");
    char *end;

    *out = (struct page){
        .limit = standard,
        .after = request_query(request, "after"),
        .before = request_query(request, "before"),
    };
    if (limit) {
        long value = strtol(limit, &end, 10);

        if (*limit == 0 || *end || value < 1 || value > most) {
            reply_error(reply, API_VALIDATION_ERROR,
                        "`limit` is to be a number from 1 to %d.", most);
            return false;
        }
        out->limit = (int)value;
    }
    if (out->after && out->before) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "Give `after` or `before`, not both.");
        return false;
    }
    return true;
}
