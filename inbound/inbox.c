#include "inbound/inbox.h"
#include "base/log.h"
#include "base/memory.h"
#include "inbound/inbound.sql.h"
#include "inbound/settle.h"
#include "loop/pg.h"
#include <stdlib.h>

enum {
    TICK_MS = 1000, /* posts are looked for, even when unheard */
    FORGET_MS = 60 * 1000,
    POSTS_MAX = 500, /* read at a time */
};

struct waiting {
    struct settled what;
    inbox_done *done;
    void *arg;
    struct waiting *next;
};

struct inbox {
    const struct config *config;
    void (*ready)(void *owner);
    void *owner;
    struct pg *pg;
    uv_timer_t *tick; /* heap: outlives us until libuv lets go */
    bool has_secret, reading_posts, more_posts;
    struct notice_reader reader;
    struct waiting *first, **last; /* not sent yet, in order */
    struct waiting *spare;
    struct waiting *sent[SETTLE_GROUP_MAX]; /* in the open transaction */
    size_t n_sent, n_waiting;
    size_t alone; /* so many are sent one by one */
    int64_t forgot_ms;
    struct args args;
};

static const struct pg_statement secret = {"inbound_secret",
                                           SQL_INBOUND_SECRET};
static const struct pg_statement listen_ = {"inbound_listen",
                                            SQL_INBOUND_LISTEN};
static const struct pg_statement settle = {"inbound_settle",
                                           SQL_INBOUND_SETTLE};
static const struct pg_statement forget = {"inbound_forget",
                                           SQL_INBOUND_FORGET};
static const struct pg_statement posts = {"inbound_posts", SQL_INBOUND_POSTS};

static void flush(struct inbox *in);
static void read_posts(struct inbox *in);

/* ---- The queue ---- */

static struct waiting *waiting_new(struct inbox *in)
{
    struct waiting *w = in->spare;

    if (w)
        in->spare = w->next;
    else
        w = memory_new(1, sizeof *w);
    w->next = NULL;
    return w;
}

static void push(struct inbox *in, struct waiting *w)
{
    *in->last = w;
    in->last = &w->next;
    in->n_waiting++;
}

static void answer(struct inbox *in, struct waiting *w, bool committed)
{
    if (w->done)
        w->done(w->arg, committed);
    if (w->what.raw.cap > NOTICE_KEPT_MAX / 4)
        buf_fini(&w->what.raw);
    w->next = in->spare;
    in->spare = w;
    in->n_waiting--;
}

/* What the server refuses it would refuse again, with all that came in
 * beside it: so a group that fails is sent again one by one. */
static void take_apart(struct inbox *in)
{
    for (size_t i = in->n_sent; i-- > 0;) {
        in->sent[i]->next = in->first;
        if (!in->first)
            in->last = &in->sent[i]->next;
        in->first = in->sent[i];
    }
    in->alone = in->n_sent;
    in->n_sent = 0;
}

static void on_settled(void *arg, const PGresult *r)
{
    struct inbox *in = arg;
    bool committed = r && PQresultStatus(r) == PGRES_TUPLES_OK;
    size_t n = in->n_sent;

    if (!committed) {
        char why[LOG_QUOTE_MAX];
        log_event(LOG_ERROR, "settle_failed", "messages=%zu why=%s", n,
                  log_quote(pg_why(r), why));
    }
    if (!committed && r && n > 1) {
        take_apart(in);
    } else {
        in->n_sent = 0;
        for (size_t i = 0; i < n; i++)
            answer(in, in->sent[i], committed);
    }
    flush(in);
    if (in->more_posts && committed)
        read_posts(in);
}

static void gather(struct inbox *in)
{
    size_t kept = 0, most = in->alone ? 1 : SETTLE_GROUP_MAX;

    if (in->alone)
        in->alone--;
    while (in->first && in->n_sent < most && kept < SETTLE_KEPT_MAX) {
        struct waiting *w = in->first;

        in->first = w->next;
        if (!in->first)
            in->last = &in->first;
        kept += w->what.raw.len;
        in->sent[in->n_sent++] = w;
    }
}

/* One transaction is open at a time: what comes in meanwhile shares the next.
 */
static void flush(struct inbox *in)
{
    const struct settled *group[SETTLE_GROUP_MAX];

    if (in->n_sent || !in->first || !pg_is_up(in->pg))
        return;
    gather(in);
    for (size_t i = 0; i < in->n_sent; i++)
        group[i] = &in->sent[i]->what;
    settle_args(&in->args, group, in->n_sent);
    pg_send(in->pg, &settle, &in->args, on_settled, in);
    pg_sync(in->pg);
}

bool inbox_take(struct inbox *in, const char *bytes, size_t len,
                const char *source, inbox_done *done, void *arg)
{
    if (!in->has_secret || !pg_is_up(in->pg) ||
        in->n_waiting >= INBOX_WAITING_MAX)
        return false;
    struct waiting *w = waiting_new(in);

    w->done = done;
    w->arg = arg;
    settled_read(&w->what, &in->reader, bytes, len, source);
    push(in, w);
    flush(in);
    return true;
}

/* ---- What the API took ---- */

static void take_post(struct inbox *in, const PGresult *r, int row)
{
    struct waiting *w = waiting_new(in);

    w->done = NULL;
    settled_read(&w->what, &in->reader, PQgetvalue(r, row, 1),
                 (size_t)PQgetlength(r, row, 1), "api");
    w->what.has_post = true;
    memcpy(w->what.post, PQgetvalue(r, row, 0), sizeof w->what.post);
    push(in, w);
}

static void on_posts(void *arg, const PGresult *r)
{
    struct inbox *in = arg;

    in->reading_posts = false;
    if (!r || PQresultStatus(r) != PGRES_TUPLES_OK)
        return;
    in->more_posts = PQntuples(r) == POSTS_MAX;
    for (int row = 0; row < PQntuples(r); row++)
        take_post(in, r, row);
    flush(in);
}

/* Only while nothing waits, so that none is read twice. */
static void read_posts(struct inbox *in)
{
    if (in->reading_posts || in->n_waiting || !in->has_secret ||
        !pg_is_up(in->pg))
        return;
    in->reading_posts = true;
    args_reset(&in->args);
    args_int(&in->args, POSTS_MAX);
    pg_send(in->pg, &posts, &in->args, on_posts, in);
    pg_sync(in->pg);
}

static void on_notified(struct pg *pg, const char *channel, const char *payload,
                        void *owner)
{
    (void)pg;
    (void)channel;
    (void)payload;
    read_posts(owner);
}

/* ---- The connection ---- */

static void on_secret(void *arg, const PGresult *r)
{
    struct inbox *in = arg;

    if (in->has_secret || !r || PQresultStatus(r) != PGRES_TUPLES_OK ||
        PQntuples(r) != 1 || PQgetlength(r, 0, 0) != MAILID_SECRET_BYTES)
        return;
    notice_reader_init(&in->reader, (const unsigned char *)PQgetvalue(r, 0, 0));
    in->has_secret = true;
    in->ready(in->owner);
    read_posts(in);
}

static void on_up(struct pg *pg, void *owner)
{
    struct inbox *in = owner;

    pg_send(pg, &listen_, NULL, NULL, NULL);
    pg_sync(pg);
    if (!in->has_secret) {
        pg_send(pg, &secret, NULL, on_secret, in);
        pg_sync(pg);
    }
}

static void on_down(struct pg *pg, const char *why, void *owner)
{
    struct inbox *in = owner;

    (void)pg;
    (void)why;
    in->reading_posts = false;
    /* Nobody waits for a database that may stay away. */
    while (in->first) {
        struct waiting *w = in->first;

        in->first = w->next;
        answer(in, w, false);
    }
    in->last = &in->first;
}

static void on_tick(uv_timer_t *tick)
{
    struct inbox *in = tick->data;
    int64_t now = (int64_t)uv_now(tick->loop);

    flush(in);
    read_posts(in);
    if (!pg_is_up(in->pg) || now - in->forgot_ms < FORGET_MS)
        return;
    in->forgot_ms = now;
    args_reset(&in->args);
    args_bigint(&in->args, in->config->retention_seconds);
    args_bigint(&in->args, in->config->inbound_unknown_retention_seconds);
    pg_send(in->pg, &forget, &in->args, NULL, NULL);
    pg_sync(in->pg);
}

struct inbox *inbox_new(uv_loop_t *loop, const struct config *config,
                        const char *conninfo, void (*ready)(void *owner),
                        void *owner)
{
    static const struct pg_events events = {
        .up = on_up, .down = on_down, .notified = on_notified};
    struct inbox *in = memory_new(1, sizeof *in);

    in->config = config;
    in->ready = ready;
    in->owner = owner;
    in->last = &in->first;
    in->pg = pg_new(loop, "inbound", conninfo, &events, in);
    in->tick = memory_new(1, sizeof *in->tick);
    uv_timer_init(loop, in->tick);
    in->tick->data = in;
    uv_timer_start(in->tick, on_tick, TICK_MS, TICK_MS);
    return in;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void free_list(struct waiting *w)
{
    for (struct waiting *next; w; w = next) {
        next = w->next;
        buf_fini(&w->what.raw);
        free(w);
    }
}

void inbox_free(struct inbox *in)
{
    if (!in)
        return;
    pg_free(in->pg);
    uv_close((uv_handle_t *)in->tick, free_handle);
    for (size_t i = 0; i < in->n_sent; i++) {
        in->sent[i]->next = NULL;
        free_list(in->sent[i]);
    }
    free_list(in->first);
    free_list(in->spare);
    if (in->has_secret)
        notice_reader_fini(&in->reader);
    args_fini(&in->args);
    free(in);
}

const unsigned char *inbox_secret(const struct inbox *in)
{
    return in->reader.secret;
}

bool inbox_is_idle(const struct inbox *in)
{
    return in->n_waiting == 0;
}
