#include "queue/accept.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/memory.h"
#include "engine/queue/accept.sql.h"
#include "queue/array.h"
#include "queue/db.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS_AHEAD = 256, PARAMS_MAX = 5 };

void accept_fini(struct accept *a)
{
    free(a->batches);
    for (size_t i = 0; i < sizeof a->params / sizeof *a->params; i++)
        buf_fini(&a->params[i]);
}

bool accept_trim(struct accept *a)
{
    bool trimmed = false;

    for (size_t i = 0; i < sizeof a->params / sizeof *a->params; i++) {
        if (a->params[i].cap <= ACCEPT_KEPT_MAX)
            continue;
        buf_fini(&a->params[i]);
        a->params[i] = (struct buf){0};
        trimmed = true;
    }
    return trimmed;
}

void accept_numbers_fini(struct accept_numbers *numbers)
{
    free(numbers->list);
}

enum status accept_numbers_fill(struct accept_numbers *numbers, PGconn *pg,
                                size_t n, struct error *err)
{
    size_t wanted = n > NUMBERS_AHEAD ? n : NUMBERS_AHEAD;
    char count[24];
    const char *params[] = {count};

    if (numbers->n - numbers->used >= n)
        return STATUS_OK;
    snprintf(count, sizeof count, "%zu", wanted);
    DB_RESULT *rows = db_query(pg, err, SQL_ACCEPT_NUMBERS, 1, params);
    if (!rows)
        return PQstatus(pg) == CONNECTION_OK ? STATUS_FAILED
                                             : STATUS_UNAVAILABLE;
    numbers->n -= numbers->used;
    if (numbers->n > 0)
        memmove(numbers->list, numbers->list + numbers->used,
                numbers->n * sizeof *numbers->list);
    numbers->used = 0;
    if (numbers->cap < numbers->n + wanted) {
        numbers->cap = numbers->n + wanted;
        numbers->list =
            memory_resize(numbers->list, numbers->cap, sizeof *numbers->list);
    }
    for (int row = 0; row < PQntuples(rows); row++)
        numbers->list[numbers->n++] =
            strtoll(PQgetvalue(rows, row, 0), NULL, 10);
    return STATUS_OK;
}

static struct accept_batch *add_batch(struct accept *a,
                                      const struct accept_email *email,
                                      int64_t now_us,
                                      struct accept_numbers *numbers)
{
    if (a->n_batches == a->batches_cap) {
        a->batches_cap = a->batches_cap ? a->batches_cap * 2 : 16;
        a->batches =
            memory_resize(a->batches, a->batches_cap, sizeof *a->batches);
    }
    if (numbers->used == numbers->n)
        BUG("more batches than numbers");
    struct accept_batch *b = &a->batches[a->n_batches++];

    *b = (struct accept_batch){
        .id = mailid_batch(now_us / 1000, numbers->list[numbers->used++]),
        .project = email->project,
        .due_us = email->due_us ? email->due_us : now_us,
        .shared = email->due_us == 0,
    };
    return b;
}

/* The batch that mails of this project due now go to; NULL: none with room.
 * From the end, where the project's last one is: the groups are small. */
static struct accept_batch *open_batch(struct accept *a,
                                       const struct accept_email *email,
                                       int32_t most)
{
    int32_t n = (int32_t)email->n_recipients;

    for (size_t i = a->n_batches; i-- > 0;) {
        struct accept_batch *b = &a->batches[i];

        if (b->project != email->project || !b->shared)
            continue;
        return b->size + n <= most ? b : NULL;
    }
    return NULL;
}

void accept_plan(struct accept *a, struct accept_email *const *emails, size_t n,
                 const struct accept_limits *limits, int64_t now_us,
                 struct accept_numbers *numbers)
{
    struct accept_batch *batch = NULL;

    a->n_batches = 0;
    for (size_t i = 0; i < n; i++) {
        struct accept_email *e = emails[i];

        batch = e->due_us ? NULL : open_batch(a, e, limits->batch_mails);
        if (!batch)
            batch = add_batch(a, e, now_us, numbers);
        e->id = (struct mailid){batch->id, batch->size};
        batch->size += (int32_t)e->n_recipients;
    }
}

static const struct {
    const char *name, *sql;
    int n_params;
} statements[ACCEPT_RESULTS] = {
    {"accept_batches", SQL_ACCEPT_BATCHES, 5},
    {"accept_emails", SQL_ACCEPT_EMAILS, 5},
    {"accept_mails", SQL_ACCEPT_MAILS, 4},
};

enum status accept_prepare(PGconn *pg, struct error *err)
{
    char why[ERROR_TEXT_MAX];

    for (size_t i = 0; i < ACCEPT_RESULTS; i++) {
        DB_RESULT *done =
            PQprepare(pg, statements[i].name, statements[i].sql, 0, NULL);

        if (PQresultStatus(done) != PGRES_COMMAND_OK)
            return fail(err,
                        PQstatus(pg) == CONNECTION_OK ? STATUS_FAILED
                                                      : STATUS_UNAVAILABLE,
                        "database: %s", db_error(pg, why));
    }
    return STATUS_OK;
}

static bool send_one(PGconn *pg, size_t which, struct buf *params)
{
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    int n = statements[which].n_params;

    for (int i = 0; i < n; i++) {
        if (params[i].len > INT32_MAX)
            BUG("a parameter longer than PostgreSQL takes");
        values[i] = params[i].data;
        lengths[i] = (int)params[i].len;
        formats[i] = 1;
    }
    return PQsendQueryPrepared(pg, statements[which].name, n, values, lengths,
                               formats, 0) == 1;
}

static void end_all(struct buf *params, size_t n)
{
    for (size_t i = 0; i < n; i++)
        array_end(&params[i]);
}

static bool send_batches(struct accept *a, PGconn *pg, int64_t expire_us)
{
    struct buf *p = a->params;

    array_begin(&p[0], ARRAY_INT8);
    array_begin(&p[1], ARRAY_INT8);
    array_begin(&p[2], ARRAY_INT4);
    array_begin(&p[3], ARRAY_TIMESTAMPTZ);
    array_begin(&p[4], ARRAY_TIMESTAMPTZ);
    for (size_t i = 0; i < a->n_batches; i++) {
        const struct accept_batch *b = &a->batches[i];

        array_int64(&p[0], b->id);
        array_int64(&p[1], b->project);
        array_int32(&p[2], b->size);
        array_time(&p[3], b->due_us);
        array_time(&p[4], b->due_us + expire_us);
    }
    end_all(p, 5);
    return send_one(pg, 0, p);
}

static bool send_emails(struct accept *a, PGconn *pg,
                        struct accept_email *const *emails, size_t n,
                        int64_t now_us)
{
    struct buf *p = a->params;

    array_begin(&p[0], ARRAY_INT8);
    array_begin(&p[1], ARRAY_INT4);
    array_begin(&p[2], ARRAY_JSON);
    array_begin(&p[3], ARRAY_INT4);
    for (size_t i = 0; i < n; i++) {
        const struct accept_email *e = emails[i];

        array_int64(&p[0], e->id.batch);
        array_int32(&p[1], e->id.seq);
        array_bytes(&p[2], e->content, e->content_len);
        array_int32(&p[3], (int32_t)e->n_recipients);
    }
    end_all(p, 4);
    buf_reset(&p[4]);
    buf_add_u64(&p[4], (uint64_t)(now_us - CLOCK_PG_EPOCH_US));
    return send_one(pg, 1, p);
}

static bool send_mails(struct accept *a, PGconn *pg,
                       struct accept_email *const *emails, size_t n)
{
    struct buf *p = a->params;

    array_begin(&p[0], ARRAY_INT8);
    array_begin(&p[1], ARRAY_INT4);
    array_begin(&p[2], ARRAY_INT4);
    array_begin(&p[3], ARRAY_TEXT);
    for (size_t i = 0; i < n; i++) {
        const struct accept_email *e = emails[i];

        for (size_t k = 0; k < e->n_recipients; k++) {
            array_int64(&p[0], e->id.batch);
            array_int32(&p[1], e->id.seq + (int32_t)k);
            array_int32(&p[2], e->id.seq);
            array_bytes(&p[3], e->recipients[k], strlen(e->recipients[k]));
        }
    }
    end_all(p, 4);
    return send_one(pg, 2, p);
}

bool accept_send(struct accept *a, PGconn *pg,
                 struct accept_email *const *emails, size_t n,
                 const struct accept_limits *limits, int64_t now_us)
{
    return send_batches(a, pg, limits->expire_us) &&
           send_emails(a, pg, emails, n, now_us) &&
           send_mails(a, pg, emails, n);
}
