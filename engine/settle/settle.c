#include "settle/settle.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/settle/settle.sql.h"
#include "loop/pg.h"
#include "pace/retry.h"
#include "queue/copy.h"
#include "engine/queue/queue.sql.h"
#include "settle/rows.h"
#include "settle/stream.h"
#include <stdlib.h>
#include <string.h>

enum { SETTLE_AGAIN_MS = 200, SETTLE_BYTES = 1 << 20 };

enum settle_state { SETTLE_IDLE, SETTLE_COPYING, SETTLE_COMMITTING };

struct settle {
    const struct config *config;
    struct pg *pg;
    struct settle_events events;
    void *owner;
    struct journal journal;
    int worker;

    enum settle_state state;
    bool replaying;
    bool again; /* some of it may be in the store already */
    int64_t last_ms;
    struct buf left;                   /* of a former process */
    const struct buf *flushing;        /* records under way, or NULL */
    struct batch *waiting, *finishing; /* lists by batch.next */
    struct batch **waiting_end;

    struct buf copy;
    struct tally tally;
    struct streams streams;
    struct args args;
};

#define STATEMENT(name, SQL)                                                   \
    static const struct pg_statement name = {#name, SQL}
STATEMENT(begin, "BEGIN");
STATEMENT(commit, SQL_COMMIT);
STATEMENT(rollback, SQL_ROLLBACK);
STATEMENT(stream_add, SQL_STREAM_ADD);
STATEMENT(tally_add, SQL_TALLY_ADD);
STATEMENT(settle_again, SQL_SETTLE_AGAIN);
STATEMENT(settle_failed, SQL_SETTLE_FAILED);
STATEMENT(carry, SQL_CARRY);
STATEMENT(carry_left, SQL_CARRY_LEFT);
STATEMENT(carry_rest, SQL_CARRY_REST);
STATEMENT(finish, SQL_FINISH);

/* ---- What follows for a batch that is over ---- */

static int64_t again_us(const struct settle *s, const struct batch *b,
                        const struct carried_retry *site, int tries)
{
    const struct retry retry =
        retry_schedule(s->config, site->first_s, site->most_s,
                       b->class == BATCH_TRANSACTIONAL);

    return clock_wall_us() +
           1000 * retry_wait_ms(&retry, s->config->retry_jitter_percent, tries,
                                (uint32_t)arc4random());
}

static int64_t due_us(const struct settle *s, const struct batch *b,
                      enum batch_carry kind, const struct carried_retry *site)
{
    switch (kind) {
    case BATCH_DEFERRED: return again_us(s, b, site, b->tries + 1);
    case BATCH_DOUBTED: return again_us(s, b, site, 1);
    case BATCH_RETURNED: return b->due_us;
    case BATCH_CARRIES: break;
    }
    BUG("no such carry");
}

/* The batch, the worker, and two arrays that the caller fills in turn. */
static void start_args(struct settle *s, const struct batch *b)
{
    args_reset(&s->args);
    args_bigint(&s->args, b->id);
    args_int(&s->args, s->worker);
}

static void add_mails(struct settle *s, const struct carried *mails, size_t n)
{
    args_array_start(&s->args, ARGS_ELEMENT_BIGINT);
    for (size_t i = 0; i < n; i++)
        args_element_bigint(&s->args, mails[i].id.batch);
    args_array_end(&s->args);
    args_array_start(&s->args, ARGS_ELEMENT_INT);
    for (size_t i = 0; i < n; i++)
        args_element_int(&s->args, mails[i].id.seq);
    args_array_end(&s->args);
}

static void send_carry(struct settle *s, const struct batch *b,
                       enum batch_carry kind, const struct carried *mails,
                       size_t n)
{
    const char *site = mails[0].site ? mails[0].site : b->site;
    int64_t due = 0;

    for (size_t i = 0; i < n; i++)
        due = mails[i].due_us > due ? mails[i].due_us : due;
    start_args(s, b);
    add_mails(s, mails, n);
    args_time(&s->args, due ? due : due_us(s, b, kind, &mails[0].retry));
    args_int(&s->args, b->tries + (kind != BATCH_RETURNED));
    args_int(&s->args, b->doubts + (kind == BATCH_DOUBTED));
    args_text(&s->args, site, strlen(site));
    pg_send(s->pg, b->lost_before ? &carry_left : &carry, &s->args, NULL, NULL);
}

static int by_site_and_schedule(const void *a, const void *b)
{
    const struct carried *x = a, *y = b;

    if (x->retry.first_s != y->retry.first_s)
        return x->retry.first_s < y->retry.first_s ? -1 : 1;
    if (x->retry.most_s != y->retry.most_s)
        return x->retry.most_s < y->retry.most_s ? -1 : 1;
    if (x->piece != y->piece)
        return x->piece < y->piece ? -1 : 1;
    if (!x->site || !y->site)
        return (x->site != NULL) - (y->site != NULL);
    return strcmp(x->site, y->site);
}

/* A batch for each site, and for each schedule; or several: see piece. */
static void send_carries(struct settle *s, const struct batch *b,
                         enum batch_carry kind)
{
    const struct carry *c = &b->carry[kind];
    size_t from = 0;

    if (c->n > 1)
        qsort(c->mails, c->n, sizeof *c->mails, by_site_and_schedule);
    for (size_t to = 1; to <= c->n; to++) {
        const size_t piece = c->mails[from].piece;

        if (to < c->n && (piece == 0 || to - from < piece) &&
            by_site_and_schedule(&c->mails[from], &c->mails[to]) == 0)
            continue;
        send_carry(s, b, kind, c->mails + from, to - from);
        from = to;
    }
}

static void send_rest(struct settle *s, const struct batch *b)
{
    static const struct carried_retry unknown = {0};

    start_args(s, b);
    args_array_start(&s->args, ARGS_ELEMENT_BIGINT);
    for (int kind = 0; kind < BATCH_CARRIES; kind++)
        for (size_t i = 0; i < b->carry[kind].n; i++)
            args_element_bigint(&s->args, b->carry[kind].mails[i].id.batch);
    args_array_end(&s->args);
    args_array_start(&s->args, ARGS_ELEMENT_INT);
    for (int kind = 0; kind < BATCH_CARRIES; kind++)
        for (size_t i = 0; i < b->carry[kind].n; i++)
            args_element_int(&s->args, b->carry[kind].mails[i].id.seq);
    args_array_end(&s->args);
    args_time(&s->args, due_us(s, b, BATCH_DEFERRED, &unknown));
    args_int(&s->args, b->tries + 1);
    args_int(&s->args, b->doubts);
    args_text(&s->args, b->site, strlen(b->site));
    pg_send(s->pg, &carry_rest, &s->args, NULL, NULL);
}

static void send_finished(struct settle *s)
{
    for (const struct batch *b = s->finishing; b; b = b->next) {
        for (int kind = 0; kind < BATCH_CARRIES; kind++)
            send_carries(s, b, (enum batch_carry)kind);
        if (b->lost_before)
            send_rest(s, b);
        args_reset(&s->args);
        args_bigint(&s->args, b->id);
        args_int(&s->args, s->worker);
        pg_send(s->pg, &finish, &s->args, NULL, NULL);
    }
}

/* ---- One commit ---- */

static void tell_finished(struct settle *s)
{
    struct batch *next;

    for (struct batch *b = s->finishing; b; b = next) {
        next = b->next;
        s->events.finished(s->owner, b);
    }
    s->finishing = NULL;
}

static void committed(struct settle *s)
{
    struct error err;
    bool replayed = s->replaying;
    enum status status = replayed ? journal_forget_all(&s->journal, &err)
                                  : journal_forget(&s->journal, &err);

    if (status != STATUS_OK)
        log_event(LOG_ERROR, "journal_not_cut", "why=\"%s\"", err.text);
    buf_reset(&s->left);
    streams_told(&s->streams);
    s->state = SETTLE_IDLE;
    s->flushing = NULL;
    s->again = s->replaying = false;
    tell_finished(s);
    if (replayed)
        s->events.replayed(s->owner);
}

/* Nothing is lost: the records are in memory and in the journal. Whether the
 * store has them is unknown, so they are given to it in the careful way. */
static void failed(struct settle *s, const PGresult *r)
{
    char why[LOG_QUOTE_MAX];

    log_event(LOG_WARN, "settle_again", "why=%s", log_quote(pg_why(r), why));
    s->state = SETTLE_IDLE;
    s->again = true;
    s->last_ms = clock_mono_ms();
    if (pg_is_up(s->pg)) {
        pg_send(s->pg, &rollback, NULL, NULL, NULL);
        pg_sync(s->pg);
    }
}

static void on_commit(void *arg, const PGresult *r)
{
    struct settle *s = arg;

    if (pg_command_is(r, "COMMIT"))
        committed(s);
    else
        failed(s, r);
}

static void send_commit(struct settle *s)
{
    s->state = SETTLE_COMMITTING;
    args_reset(&s->args);
    if (streams_args(&s->streams, &s->args))
        pg_send(s->pg, &stream_add, &s->args, NULL, NULL);
    send_finished(s);
    pg_send(s->pg, &commit, NULL, on_commit, s);
    pg_sync(s->pg);
}

static void on_copy(void *arg, const PGresult *r)
{
    struct settle *s = arg;

    if (!r || PQresultStatus(r) != PGRES_COMMAND_OK) {
        failed(s, r);
        return;
    }
    args_reset(&s->args);
    if (tally_args(&s->tally, s->worker, &s->args))
        pg_send(s->pg, &tally_add, &s->args, NULL, NULL);
    if (s->tally.failed > 0) {
        args_reset(&s->args);
        rows_failed_args(s->flushing, s->worker, &s->args);
        pg_send(s->pg, &settle_failed, &s->args, NULL, NULL);
    }
    send_commit(s);
}

static void start_copy(struct settle *s)
{
    s->state = SETTLE_COPYING;
    tally_reset(&s->tally);
    rows_copy(s->flushing, s->worker, &s->copy, &s->tally);
    pg_copy(s->pg, "BEGIN; " ROWS_COPY_SQL, &s->copy, on_copy, s);
}

static void start_plain(struct settle *s)
{
    pg_send(s->pg, &begin, NULL, NULL, NULL);
    if (s->flushing->len > 0) {
        args_reset(&s->args);
        rows_args(s->flushing, s->worker, &s->args);
        pg_send(s->pg, &settle_again, &s->args, NULL, NULL);
    }
    send_commit(s);
}

static void take_waiting(struct settle *s)
{
    s->flushing = journal_swap(&s->journal);
    s->finishing = s->waiting;
    s->waiting = NULL;
    s->waiting_end = &s->waiting;
}

static bool is_due(const struct settle *s, bool now)
{
    int64_t waited_ms = clock_mono_ms() - s->last_ms;

    if (s->again)
        return waited_ms >= SETTLE_AGAIN_MS;
    if (s->flushing)
        return true;
    if (!s->waiting && s->journal.bytes[s->journal.current].len == 0)
        return false;
    return now || waited_ms >= s->config->settle_interval_ms ||
           s->journal.bytes[s->journal.current].len > SETTLE_BYTES;
}

void settle_flush(struct settle *s, bool now)
{
    if (s->state != SETTLE_IDLE || s->worker == 0 || !pg_is_idle(s->pg) ||
        !is_due(s, now))
        return;
    s->last_ms = clock_mono_ms();
    if (!s->flushing)
        take_waiting(s);
    if (s->again || s->flushing->len == 0)
        start_plain(s);
    else
        start_copy(s);
}

/* ---- The pipeline's side ---- */

void settle_add(struct settle *s, struct settled *outcome, int64_t project,
                const char *sender_domain)
{
    if (!settled_has_campaign(outcome) && sender_domain) {
        streams_id(&s->streams, project, sender_domain, outcome->campaign);
        outcome->site = ""; /* there are too many */
    }
    journal_add(&s->journal, outcome);
}

void settle_finish(struct settle *s, struct batch *b)
{
    b->next = NULL;
    *s->waiting_end = b;
    s->waiting_end = &b->next;
}

enum status settle_write(struct settle *s, struct error *err)
{
    return journal_write(&s->journal, err);
}

bool settle_is_clean(const struct settle *s)
{
    return !s->flushing && !s->waiting &&
           s->journal.bytes[s->journal.current].len == 0;
}

size_t settle_backlog_bytes(const struct settle *s)
{
    return s->journal.bytes[0].len + s->journal.bytes[1].len;
}

void settle_replay(struct settle *s, int worker)
{
    s->worker = worker;
    if (s->left.len == 0) {
        s->events.replayed(s->owner);
        return;
    }
    log_event(LOG_INFO, "journal_replay", "bytes=%zu", s->left.len);
    s->replaying = s->again = true;
    s->flushing = &s->left;
    s->last_ms = 0;
    settle_flush(s, true);
}

static void on_up(struct pg *pg, void *owner)
{
    /* Not here: what this turn of the loop brought is not written yet. The
     * turn's end flushes. */
    (void)pg, (void)owner;
}

static void on_down(struct pg *pg, const char *why, void *owner)
{
    (void)pg, (void)why, (void)owner; /* what was under way was told already */
}

enum status settle_new(uv_loop_t *loop, const struct config *config,
                       const char *conninfo, const char *dir,
                       const struct settle_events *events, void *owner,
                       struct settle **out, struct error *err)
{
    static const struct pg_events pg_events = {on_up, on_down, NULL};
    struct settle *s = memory_new(1, sizeof *s);
    enum status status = journal_open(&s->journal, dir, &s->left, err);

    if (status != STATUS_OK) {
        free(s);
        return status;
    }
    s->config = config;
    s->events = *events;
    s->owner = owner;
    s->waiting_end = &s->waiting;
    s->pg = pg_new(loop, "settle", conninfo, &pg_events, s);
    *out = s;
    return STATUS_OK;
}

void settle_free(struct settle *s)
{
    if (!s)
        return;
    struct error err;

    if (journal_write(&s->journal, &err) != STATUS_OK)
        log_event(LOG_ERROR, "journal_failed", "why=\"%s\"", err.text);
    pg_free(s->pg);
    journal_close(&s->journal);
    buf_fini(&s->left);
    buf_fini(&s->copy);
    tally_fini(&s->tally);
    streams_fini(&s->streams);
    args_fini(&s->args);
    free(s);
}
