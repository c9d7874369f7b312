#include "api/committer.h"
#include "api/committer.sql.h"
#include "api/metrics.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

struct worker {
    struct committer *committer;
    pthread_t thread;
    struct session *session;
    unsigned prepared; /* the session's generation */
    struct accept accept;
    struct accept_numbers numbers;
    struct accept_email **emails; /* of the group */
    size_t n_emails, emails_cap;
    struct buf keys[IDEMPOTENCY_PARAMS];
    struct commit_job *group[COMMITTER_GROUP_MAX];
    const struct idempotency_claim *claims[COMMITTER_GROUP_MAX];
    const struct reply *replies[COMMITTER_GROUP_MAX];
};

struct committer {
    struct accept_limits limits;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct commit_job *first, **last;
    size_t queued;
    bool stopping;
    struct worker workers[COMMITTER_THREADS];
};

/* The group. */

static size_t bytes_of(const struct commit_job *job)
{
    size_t bytes = 0;

    for (size_t i = 0; i < job->n_emails; i++)
        bytes += job->emails[i].content_len;
    return bytes;
}

/* What is queued, within limits, but at least one. */
static size_t take_queued(struct committer *c, struct commit_job **group)
{
    size_t n = 0, emails = 0, bytes = 0;

    while (c->first && n < COMMITTER_GROUP_MAX) {
        struct commit_job *job = c->first;

        emails += job->n_emails;
        bytes += bytes_of(job);
        if (n > 0 && (emails > COMMITTER_GROUP_EMAILS_MAX ||
                      bytes > COMMITTER_GROUP_BYTES_MAX))
            break;
        c->first = job->next;
        group[n++] = job;
    }
    if (!c->first)
        c->last = &c->first;
    c->queued -= n;
    return n;
}

/* 0: stop. */
static size_t next_group(struct worker *w)
{
    struct committer *c = w->committer;
    size_t n;

    pthread_mutex_lock(&c->lock);
    while (!c->first && !c->stopping)
        pthread_cond_wait(&c->work, &c->lock);
    n = take_queued(c, w->group);
    pthread_mutex_unlock(&c->lock);
    return n;
}

/* The transaction. */

static void gather(struct worker *w, struct commit_job *const *jobs, size_t n)
{
    w->n_emails = 0;
    for (size_t i = 0; i < n; i++) {
        size_t needed = w->n_emails + jobs[i]->n_emails;

        if (needed > w->emails_cap) {
            w->emails_cap = needed * 2;
            w->emails =
                memory_resize(w->emails, w->emails_cap, sizeof *w->emails);
        }
        for (size_t k = 0; k < jobs[i]->n_emails; k++)
            w->emails[w->n_emails++] = &jobs[i]->emails[k];
    }
}

static size_t answer_all(struct worker *w, struct commit_job *const *jobs,
                         size_t n)
{
    size_t keyed = 0;

    for (size_t i = 0; i < n; i++) {
        jobs[i]->answer(jobs[i]);
        if (jobs[i]->claim) {
            w->claims[keyed] = jobs[i]->claim;
            w->replies[keyed++] = jobs[i]->reply;
        }
    }
    return keyed;
}

static bool send_all(struct worker *w, size_t keyed, int64_t now_us)
{
    PGconn *pg = session_pg(w->session);

    return accept_send(&w->accept, pg, w->emails, w->n_emails,
                       &w->committer->limits, now_us) &&
           (keyed == 0 ||
            idempotency_send(pg, w->keys, w->claims, w->replies, keyed)) &&
           PQsendQueryParams(pg, "NOTIFY presort_work", 0, NULL, NULL, NULL,
                             NULL, 0) == 1 &&
           PQpipelineSync(pg) == 1;
}

/* Everything up to the Sync is one transaction, and the Sync's own result
 * comes only after its commit. */
static enum status collect(struct worker *w, struct error *err)
{
    PGconn *pg = session_pg(w->session);
    enum status status = STATUS_OK;

    for (;;) {
        DB_RESULT *result = PQgetResult(pg);
        ExecStatusType state =
            result ? PQresultStatus(result) : PGRES_TUPLES_OK;

        if (state == PGRES_PIPELINE_SYNC)
            return status;
        if (PQstatus(pg) != CONNECTION_OK)
            return session_failed(w->session, result, err);
        if (state != PGRES_TUPLES_OK && state != PGRES_COMMAND_OK &&
            state != PGRES_PIPELINE_ABORTED && status == STATUS_OK)
            status = session_failed(w->session, result, err);
    }
}

static enum status run_pipeline(struct worker *w, size_t keyed, int64_t now_us,
                                struct error *err)
{
    PGconn *pg = session_pg(w->session);

    if (!PQenterPipelineMode(pg))
        return fail(err, STATUS_UNAVAILABLE, "no pipeline to be had");
    if (!send_all(w, keyed, now_us))
        return session_failed(w->session, NULL, err);
    enum status status = collect(w, err);

    PQexitPipelineMode(pg);
    return status;
}

static enum status prepare(struct worker *w, struct error *err)
{
    enum status status = session_ready(w->session, err);

    if (status != STATUS_OK || w->prepared == session_generation(w->session))
        return status;
    status = accept_prepare(session_pg(w->session), err);
    if (status == STATUS_OK)
        status = idempotency_prepare(w->session, err);
    if (status == STATUS_OK)
        w->prepared = session_generation(w->session);
    return status;
}

static enum status write_once(struct worker *w, struct commit_job *const *jobs,
                              size_t n, struct error *err)
{
    enum status status = prepare(w, err);

    if (status == STATUS_OK)
        status = accept_numbers_fill(&w->numbers, session_pg(w->session),
                                     w->n_emails, err);
    if (status != STATUS_OK)
        return status;
    int64_t now_us = clock_wall_us();

    accept_plan(&w->accept, w->emails, w->n_emails, &w->committer->limits,
                now_us, &w->numbers);
    return run_pipeline(w, answer_all(w, jobs, n), now_us, err);
}

/* An engine that makes tomorrow's partitions may have been away for a week. */
static enum status write_group(struct worker *w, struct commit_job *const *jobs,
                               size_t n, struct error *err)
{
    gather(w, jobs, n);
    enum status status = write_once(w, jobs, n, err);

    if (status == STATUS_NOT_FOUND &&
        session_run(w->session, SQL_COMMITTER_PARTITIONS, NULL, 0, NULL, err) ==
            STATUS_OK)
        status = write_once(w, jobs, n, err);
    return status == STATUS_NOT_FOUND ? STATUS_FAILED : status;
}

static void finish(struct commit_job *job, enum status status,
                   const struct error *err)
{
    if (status != STATUS_OK) {
        reply_reset(job->reply);
        reply_status(job->reply, status, err);
    }
    job->done(job);
}

/* A key that was used before is answered as before; whatever else was wrong
 * with the group is this one's fault or not at all. */
static void write_alone(struct worker *w, struct commit_job *job)
{
    struct error err;
    bool known = false;
    enum status status = session_ready(w->session, &err);

    reply_reset(job->reply);
    if (status == STATUS_OK && job->claim)
        status =
            idempotency_find(w->session, job->claim, job->reply, &known, &err);
    if (status == STATUS_OK && job->claim && !known)
        status = idempotency_expire(w->session, job->claim, &err);
    if (status == STATUS_OK && !known)
        status = write_group(w, &job, 1, &err);
    finish(job, status, &err);
}

static void commit(struct worker *w, size_t n)
{
    int64_t from_us = clock_wall_us();
    struct error err;
    enum status status = write_group(w, w->group, n, &err);

    metric_add(METRIC_GROUPS, 1);
    metric_add(METRIC_GROUP_REQUESTS, (int64_t)n);
    metric_add(METRIC_GROUP_MICROSECONDS, clock_wall_us() - from_us);
    if (status == STATUS_OK)
        metric_add(METRIC_GROUP_EMAILS, (int64_t)w->n_emails);
    else
        metric_add(METRIC_GROUP_FAILURES, 1);
    bool large = accept_trim(&w->accept);

    for (size_t i = 0; i < n; i++) {
        if (status == STATUS_OK || status == STATUS_UNAVAILABLE)
            finish(w->group[i], status, &err);
        else
            write_alone(w, w->group[i]);
    }
    if (large) /* thousands of small pieces, which leave holes in the heap */
        malloc_trim(0);
}

static void *work(void *context)
{
    struct worker *w = context;
    size_t n;

    while ((n = next_group(w)) > 0)
        commit(w, n);
    return NULL;
}

static void worker_init(struct worker *w, struct committer *c,
                        const struct config *config)
{
    w->committer = c;
    w->session = session_new(config);
    if (pthread_create(&w->thread, NULL, work, w) != 0)
        BUG("no thread to be had");
}

static void worker_fini(struct worker *w)
{
    pthread_join(w->thread, NULL);
    session_free(w->session);
    accept_fini(&w->accept);
    accept_numbers_fini(&w->numbers);
    for (size_t i = 0; i < IDEMPOTENCY_PARAMS; i++)
        buf_fini(&w->keys[i]);
    free(w->emails);
}

struct committer *committer_new(const struct config *config)
{
    struct committer *c = memory_new(1, sizeof *c);

    c->limits.batch_mails = (int32_t)config->batch_mails_max;
    c->limits.expire_us =
        1000000 * (config->transactional_expire_seconds < config->expire_seconds
                       ? config->transactional_expire_seconds
                       : config->expire_seconds);
    c->last = &c->first;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    for (size_t i = 0; i < COMMITTER_THREADS; i++)
        worker_init(&c->workers[i], c, config);
    return c;
}

void committer_free(struct committer *c)
{
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < COMMITTER_THREADS; i++)
        worker_fini(&c->workers[i]);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->work);
    free(c);
}

bool committer_submit(struct committer *c, struct commit_job *job)
{
    bool taken;

    pthread_mutex_lock(&c->lock);
    taken = c->queued < COMMITTER_QUEUED_MAX;
    if (taken) {
        job->next = NULL;
        *c->last = job;
        c->last = &job->next;
        c->queued++;
        pthread_cond_signal(&c->work);
    }
    pthread_mutex_unlock(&c->lock);
    return taken;
}
