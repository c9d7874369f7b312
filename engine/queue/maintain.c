#include "queue/maintain.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/queue/maintain.sql.h"
#include "loop/pg.h"
#include <stdlib.h>

enum { MAINTAIN_TICK_MS = 250, SECOND = 1000, MINUTE = 60 * SECOND };

/* What a task is given, if anything. */
enum parameter { NOTHING, LEASE, RETENTION, SOFT_BOUNCES, RATES };

#define TASK(name, SQL, every, parameter)                                      \
    {                                                                          \
        {#name, SQL}, every, parameter                                         \
    }
static const struct task {
    struct pg_statement statement;
    int64_t every_ms;
    enum parameter parameter;
} tasks[] = {
    TASK(partitions, SQL_PARTITIONS, 60 * MINUTE, NOTHING),
    TASK(reclaim, SQL_RECLAIM, SECOND, LEASE),
    TASK(resume, SQL_RESUME, 2 * SECOND, NOTHING),
    TASK(expire, SQL_EXPIRE, SECOND, NOTHING),
    TASK(start_scheduled, SQL_START_SCHEDULED, SECOND, NOTHING),
    TASK(finish_campaigns, SQL_FINISH_CAMPAIGNS, 2 * SECOND, NOTHING),
    TASK(summarize, SQL_SUMMARIZE, 5 * SECOND, NOTHING),
    TASK(forget_audience, SQL_FORGET_AUDIENCE, 5 * SECOND, NOTHING),
    TASK(forget_keys, SQL_FORGET_KEYS, MINUTE, NOTHING),
    TASK(forget_suppressions, SQL_FORGET_SUPPRESSIONS, MINUTE, NOTHING),
    TASK(soft_bounces, SQL_SOFT_BOUNCES, SECOND, SOFT_BOUNCES),
    TASK(rates_gather, SQL_RATES_GATHER, 2 * SECOND, NOTHING),
    TASK(rates_pause, SQL_RATES_PAUSE, 2 * SECOND, RATES),
    TASK(forget_rates, SQL_FORGET_RATES, MINUTE, NOTHING),
    TASK(forget_reports, SQL_FORGET_REPORTS, MINUTE, RETENTION),
    TASK(retain, SQL_RETAIN, 10 * MINUTE, RETENTION),
};
enum { TASKS = sizeof tasks / sizeof *tasks };

static const struct pg_statement lock = {"maintain_lock", SQL_MAINTAIN_LOCK};

struct maintain {
    const struct config *config;
    struct pg *pg;
    uv_timer_t *tick; /* heap: outlives us until libuv lets go */
    bool locked;      /* it is us who maintain */
    int64_t asked_ms;
    int64_t last_ms[TASKS];
    struct args args;
};

static void on_lock(void *arg, const PGresult *r)
{
    struct maintain *m = arg;

    m->locked = r && PQresultStatus(r) == PGRES_TUPLES_OK &&
                PQgetvalue(r, 0, 0)[0] != 0;
}

static void tell_paused(const PGresult *r)
{
    char why[LOG_QUOTE_MAX];

    for (int row = 0; row < PQntuples(r); row++)
        log_event(LOG_WARN, "campaign_paused", "campaign=%s why=%s",
                  PQgetvalue(r, row, 0), log_quote(PQgetvalue(r, row, 1), why));
}

static void on_task(void *arg, const PGresult *r)
{
    const struct task *task = arg;
    char why[LOG_QUOTE_MAX];

    if (r && PQresultStatus(r) == PGRES_TUPLES_OK && task->parameter == RATES)
        tell_paused(r);
    if (!r || PQresultStatus(r) == PGRES_FATAL_ERROR)
        log_event(LOG_WARN, "maintenance_failed", "task=%s why=%s",
                  task->statement.name, log_quote(pg_why(r), why));
}

static void run(struct maintain *m, const struct task *task)
{
    union {
        const struct task *in;
        void *out; /* on_task only reads */
    } arg = {task};

    args_reset(&m->args);
    switch (task->parameter) {
    case NOTHING: break;
    case LEASE: args_int(&m->args, (int32_t)m->config->lease_seconds); break;
    case RETENTION: args_bigint(&m->args, m->config->retention_seconds); break;
    case SOFT_BOUNCES:
        args_int(&m->args, (int32_t)m->config->soft_bounces_max);
        args_bigint(&m->args, m->config->soft_bounce_window_seconds);
        args_bigint(&m->args, m->config->soft_bounce_pause_seconds);
        break;
    case RATES:
        args_int(&m->args, (int32_t)m->config->bounce_limit_permille);
        args_int(&m->args, (int32_t)m->config->complaint_limit_permille);
        args_bigint(&m->args, m->config->rate_mails_min);
        args_bigint(&m->args, m->config->rate_window_seconds);
        break;
    }
    pg_send(m->pg, &task->statement, &m->args, on_task, arg.out);
    pg_sync(m->pg);
}

static void on_tick(uv_timer_t *timer)
{
    struct maintain *m = timer->data;
    int64_t now_ms = clock_mono_ms();

    if (!pg_is_idle(m->pg))
        return;
    if (!m->locked) {
        if (now_ms - m->asked_ms < SECOND)
            return;
        m->asked_ms = now_ms;
        pg_send(m->pg, &lock, NULL, on_lock, m);
        pg_sync(m->pg);
        return;
    }
    for (size_t i = 0; i < TASKS; i++)
        if (m->last_ms[i] == 0 || now_ms - m->last_ms[i] >= tasks[i].every_ms) {
            m->last_ms[i] = now_ms;
            run(m, &tasks[i]);
        }
}

static void on_up(struct pg *pg, void *owner)
{
    (void)pg, (void)owner;
}

/* The lock goes with the session. */
static void on_down(struct pg *pg, const char *why, void *owner)
{
    struct maintain *m = owner;

    (void)pg, (void)why;
    m->locked = false;
}

struct maintain *maintain_new(uv_loop_t *loop, const struct config *config,
                              const char *conninfo)
{
    static const struct pg_events events = {on_up, on_down, NULL};
    struct maintain *m = memory_new(1, sizeof *m);

    m->config = config;
    m->pg = pg_new(loop, "maintain", conninfo, &events, m);
    m->tick = memory_new(1, sizeof *m->tick);
    uv_timer_init(loop, m->tick);
    m->tick->data = m;
    return m;
}

void maintain_start(struct maintain *m)
{
    uv_timer_start(m->tick, on_tick, 0, MAINTAIN_TICK_MS);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void maintain_free(struct maintain *m)
{
    if (!m)
        return;
    uv_timer_stop(m->tick);
    uv_close((uv_handle_t *)m->tick, free_handle);
    pg_free(m->pg);
    args_fini(&m->args);
    free(m);
}
