/* What probes and Prometheus ask; no API key is needed. */
#include "api/api.h"
#include "api/handlers/health.sql.h"
#include "api/metrics.h"
#include "api/request.h"
#include <stdlib.h>

struct migration {
    int number;
    const char *name, *text;
};
#include "migrations.h"

enum { MIGRATIONS = sizeof migrations / sizeof *migrations };

void hello_handle(struct request *request, struct reply *reply)
{
    (void)request;
    reply->status = 200;
    buf_add_text(&reply->body, "{\"object\":\"presort\",\"message\":\"This is "
                               "Presort's API. POST /emails sends a mail.\"}");
}

void live_handle(struct request *request, struct reply *reply)
{
    (void)request;
    reply->status = 200;
    buf_add_text(&reply->body, "{\"status\":\"live\"}");
}

static enum status check(struct request *request, struct error *err)
{
    DB_RESULT *rows = NULL;
    enum status status = session_ready(request->session, err);

    if (status == STATUS_OK)
        status = session_run(request->session, SQL_HEALTH_SCHEMA, NULL, 0,
                             &rows, err);
    if (status != STATUS_OK)
        return status;
    if (strtol(PQgetvalue(rows, 0, 0), NULL, 10) !=
        migrations[MIGRATIONS - 1].number)
        return fail(err, STATUS_UNAVAILABLE,
                    "the schema is not this program's; run `presort migrate`");
    if (!request->api->ready)
        return fail(err, STATUS_UNAVAILABLE, "the keys are not yet read");
    return STATUS_OK;
}

void ready_handle(struct request *request, struct reply *reply)
{
    struct error err;

    if (check(request, &err) == STATUS_OK) {
        reply->status = 200;
        buf_add_text(&reply->body, "{\"status\":\"ready\"}");
    } else {
        reply_unavailable(reply, "Not ready: the database is away or its "
                                 "schema is not this program's.");
    }
}

void metrics_handle(struct request *request, struct reply *reply)
{
    struct pool_count pool = pool_count(request->api->pool);

    metric_set(METRIC_POOL_THREADS, (int64_t)pool.threads);
    metric_set(METRIC_POOL_BUSY, (int64_t)pool.busy);
    metric_set(METRIC_POOL_QUEUED, (int64_t)pool.queued);
    reply->status = 200;
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(&reply->body);
}
