/*
 * The path of a mail, top to bottom:
 *
 *   claim     a batch of the queue, and its mails          queue/queue
 *   next      whose mail is sent now                       queue/hand
 *   render    content and variables to bytes               render/job
 *   sign      by the DKIM keys of its sender               sign/keys
 *   send      over a pooled connection                     route, pool, smtp
 *   settled   the answer becomes an outcome                settle/journal
 *   finish    the batch is over; what is left goes on      settle/settle
 *
 * and turn(), which ends each turn of the event loop: give out mail, write the
 * journal, only then let the connections speak, commit, claim.
 */
#include "pipeline.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "pool/pool.h"
#include "queue/db.h"
#include "queue/hand.h"
#include "queue/held.h"
#include "queue/maintain.h"
#include "queue/queue.h"
#include "render/contents.h"
#include "render/job.h"
#include "route/route.h"
#include "settle/settle.h"
#include "sign/keys.h"
#include <unistd.h>

enum {
    PIPELINE_TICK_MS = 50,
    PIPELINE_CLAIM_TRANSACTIONAL = 64, /* batches at a time */
    PIPELINE_BACKLOG_MAX = 64 * 1024 * 1024,
    PIPELINE_HOST_MAX = 256,
    PIPELINE_HANDLES = 2, /* of libuv: turn and tick */
};

struct pipeline {
    const struct config *config;
    struct metrics *metrics;
    void (*drained)(void *owner);
    void *owner;
    uv_prepare_t turn;
    uv_timer_t tick;
    int n_closed;

    struct smtp_net *net;
    struct route *route;
    struct pool *pool;
    struct queue *queue;
    struct maintain *maintain;
    struct settle *settle;
    struct keys *keys;

    unsigned char secret[MAILID_SECRET_BYTES];
    char hostname[PIPELINE_HOST_MAX];
    struct held held; /* every batch that this worker has */
    struct hand hand; /* those with mail waiting to be sent */
    struct contents *contents;
    struct jobs jobs;

    bool started, draining, told_drained;
    bool list_wanted, claim_wanted, claiming;
    int64_t lease_until_ms, heartbeat_ms, poll_ms, list_ms;
    int64_t now_ms; /* of this turn */
    double rate;    /* mails a second, smoothed */
    uint64_t settled, settled_at_tick;
};

/* ---- claim: batches come in ---- */

static void finish_if_over(struct pipeline *p, struct batch *b);
static void settle_all(struct pipeline *p, struct batch *b, enum verdict v,
                       const char *why);

/* The content is compiled, or known to be broken. */
static void on_content(void *owner, struct batch *b)
{
    struct pipeline *p = owner;
    bool can_send = b->class == BATCH_TRANSACTIONAL || b->content;

    if (p->draining || b->stolen || b->order == BATCH_HOLD || !can_send)
        batch_return_waiting(b);
    else
        hand_add(&p->hand, b, false);
    finish_if_over(p, b);
}

static void on_claimed(void *owner, struct batch *b)
{
    struct pipeline *p = owner;

    held_add(&p->held, b);
    p->metrics->batches_claimed++;
    if (b->order == BATCH_CANCEL) {
        settle_all(p, b, VERDICT_CANCELLED, "campaign cancelled");
    } else if (b->class == BATCH_CAMPAIGN && b->order == BATCH_SEND) {
        contents_want(p->contents, b);
    } else {
        on_content(p, b);
    }
}

static void on_answered(void *owner, const unsigned char *campaign, int n)
{
    struct pipeline *p = owner;

    if (campaign) {
        fair_answered(&p->hand.fair, campaign, n);
        return;
    }
    p->claiming = false;
    p->claim_wanted |= n == PIPELINE_CLAIM_TRANSACTIONAL;
}

static void on_campaigns(void *owner, const struct queue_campaign *campaigns,
                         size_t n)
{
    struct pipeline *p = owner;

    for (size_t i = 0; i < n; i++)
        fair_offer(&p->hand.fair, campaigns[i].id, campaigns[i].weight);
}

static void on_woken(void *owner, bool campaigns, bool transactional)
{
    struct pipeline *p = owner;

    p->list_wanted |= campaigns;
    p->claim_wanted |= transactional;
}

static void claim(struct pipeline *p)
{
    struct lane *lane;

    if (!p->started || p->draining || !queue_is_up(p->queue) ||
        !keys_are_known(p->keys) || p->now_ms >= p->lease_until_ms ||
        pool_is_down(p->pool, p->now_ms) ||
        settle_backlog_bytes(p->settle) > PIPELINE_BACKLOG_MAX)
        return;
    if (p->claim_wanted && !p->claiming && !held_is_full(&p->held)) {
        p->claim_wanted = false;
        p->claiming = true;
        queue_claim_transactional(p->queue, PIPELINE_CLAIM_TRANSACTIONAL);
    }
    if (p->list_wanted && p->now_ms - p->list_ms >= PIPELINE_TICK_MS) {
        p->list_wanted = false;
        p->list_ms = p->now_ms;
        queue_list_campaigns(p->queue);
    }
    while (!held_is_full(&p->held) &&
           (lane = fair_claim(&p->hand.fair, hand_low_mark(&p->hand, p->rate))))
        queue_claim_campaign(p->queue, lane->campaign, lane->ask);
}

/* ---- settled: what happened becomes an outcome ---- */

static void settle_one(struct pipeline *p, struct batch *b,
                       const struct mail *mail, struct settled *s)
{
    s->mail = mail->id;
    s->attempt = b->tries + 1;
    s->at_us = clock_wall_us();
    s->claimed_ms = clock_between_ms(b->due_us, b->claimed_us);
    s->site = b->site;
    memcpy(s->campaign, b->campaign, UUID_BYTES);
    settle_add(p->settle, s);
    b->touched = true;
    b->n_out--;
    p->settled++;
    p->metrics->outcomes[s->verdict]++;
}

/* Deferred mail goes on later. What was lost after the final dot is sent again
 * as often as the setting says; then nobody knows, and that is its end. */
static bool goes_on(struct pipeline *p, struct batch *b,
                    const struct mail *mail, enum verdict verdict)
{
    if (verdict == VERDICT_DEFERRED)
        batch_carry(b, BATCH_DEFERRED, mail->id);
    else if (verdict == VERDICT_IN_DOUBT &&
             b->doubts < p->config->in_doubt_resends)
        batch_carry(b, BATCH_DOUBTED, mail->id);
    else
        return false;
    return true;
}

static void settle_plain(struct pipeline *p, struct batch *b,
                         const struct mail *mail, enum verdict verdict,
                         const char *step, const char *why)
{
    struct settled s = {.verdict = verdict,
                        .final = !goes_on(p, b, mail, verdict),
                        .has_reach = true,
                        .reach = REACH_MESSAGE,
                        .step = step,
                        .reply = why};

    settle_one(p, b, mail, &s);
}

static void settle_all(struct pipeline *p, struct batch *b, enum verdict v,
                       const char *why)
{
    struct mail *mail;

    while ((mail = batch_next(b)))
        settle_plain(p, b, mail, v, "queue", why);
    finish_if_over(p, b);
}

/* It cost no attempt: to another connection with it, or back to the queue. */
static void untried(struct pipeline *p, struct batch *b, struct mail *mail)
{
    if (!b->stolen && !p->draining && b->order == BATCH_SEND) {
        batch_put_back(b, mail);
        hand_add(&p->hand, b, true);
    } else {
        batch_carry(b, BATCH_RETURNED, mail->id);
        b->n_out--;
    }
}

static void on_settled(void *owner, const struct smtp_result *result,
                       const char *peer, const char *source)
{
    struct pipeline *p = owner;
    struct job *job = result->tag;
    struct batch *b = job->batch;

    if (result->untried) {
        untried(p, b, job->mail);
    } else {
        struct settled s = job_outcome(job, result, peer, source);

        s.final = !goes_on(p, b, job->mail, s.verdict);
        settle_one(p, b, job->mail, &s);
        metrics_observe_ms(&p->metrics->delivery_ms, s.took_ms);
    }
    jobs_put(&p->jobs, job);
    finish_if_over(p, b);
}

/* ---- render: from content and variables to bytes ---- */

/* Into job's buffer; false if this mail can't be made: it is settled then. */
static bool render(struct pipeline *p, struct job *job)
{
    struct error err;

    if (job_render(&p->jobs, job, p->secret, p->config->return_path_domain,
                   &err) == STATUS_OK)
        return true;
    settle_plain(p, job->batch, job->mail, VERDICT_BOUNCED, "render", err.text);
    return false;
}

/* ---- sign: what is known of the sender vouches for it ---- */

/* A key that can't be used is our trouble, not the mail's: it waits. */
static bool sign(struct pipeline *p, struct job *job)
{
    struct error err;
    enum status status =
        keys_sign(p->keys, job->batch->project, job->sender_domain,
                  job->started_us / 1000000, &job->bytes, &err);

    if (status == STATUS_OK)
        return true;
    settle_plain(p, job->batch, job->mail,
                 status == STATUS_NOT_FOUND ? VERDICT_BOUNCED
                                            : VERDICT_DEFERRED,
                 "sign", err.text);
    return false;
}

/* ---- next, and send: a connection asks for a mail ---- */

static bool on_next(void *owner, enum batch_class class, struct smtp_message *m)
{
    struct pipeline *p = owner;
    struct batch *b = NULL;
    struct mail *mail;

    while (clock_mono_ms() < p->lease_until_ms &&
           (mail = hand_next(&p->hand, class, &b))) {
        struct job *job = jobs_take(&p->jobs, b, mail);

        if (b->expires_us <= job->started_us) {
            settle_plain(p, b, mail, VERDICT_EXPIRED, "queue",
                         "expired before it could be sent");
        } else if (render(p, job) && sign(p, job)) {
            b->touched = true;
            *m = job_message(job);
            return true;
        }
        jobs_put(&p->jobs, job);
        finish_if_over(p, b);
    }
    return false;
}

static size_t on_waiting(void *owner, enum batch_class class)
{
    struct pipeline *p = owner;

    return hand_waiting(&p->hand, class);
}

static bool on_address(void *owner, struct sockaddr_storage *address,
                       socklen_t *len)
{
    struct pipeline *p = owner;

    return route_of_site(p->route, "", address, len);
}

/* ---- finish: the batch is over ---- */

static void let_go(struct pipeline *p, struct batch *b)
{
    held_remove(&p->held, b);
    for (size_t i = 0; i < b->n_emails; i++)
        content_free(b->emails[i].message);
    if (b->content)
        contents_release(p->contents, b);
    batch_free(b);
}

static void finish_if_over(struct pipeline *p, struct batch *b)
{
    if (!batch_is_over(b) || b->finishing)
        return;
    b->finishing = true;
    if (b->stolen) {
        let_go(p, b);
    } else if (!b->touched && !b->lost_before && b->n_mails > 0) {
        queue_release(p->queue, b->id);
        let_go(p, b);
    } else {
        settle_finish(p->settle, b);
    }
}

static void on_finished(void *owner, struct batch *b)
{
    struct pipeline *p = owner;

    p->metrics->batches_finished++;
    if (b->class == BATCH_CAMPAIGN)
        queue_finish_campaign(p->queue, b->campaign);
    let_go(p, b);
}

/* ---- Hand back: paused, cancelled, lost, or leaving ---- */

static void hand_back(struct pipeline *p, struct batch *list)
{
    struct batch *next;

    for (struct batch *b = list; b; b = next) {
        next = b->next;
        batch_return_waiting(b);
        finish_if_over(p, b);
    }
}

static void on_control(void *owner, const unsigned char campaign[UUID_BYTES])
{
    struct pipeline *p = owner;
    struct batch *b;

    for (size_t i = 0; (b = held_get(&p->held, i)); i++)
        if (memcmp(b->campaign, campaign, UUID_BYTES) == 0)
            b->order = BATCH_HOLD; /* for what comes back untried, too */
    hand_back(p, hand_take(&p->hand, campaign));
}

/* What the store says is ours, is; the rest went to others while we were
 * silent. What is ours and unknown here was lost on the way to us. */
static void on_kept(void *owner, const int64_t *ids, size_t n, int64_t sent_ms)
{
    struct pipeline *p = owner;
    struct batch *b, *next;

    p->lease_until_ms = sent_ms + p->config->lease_seconds * 1000;
    for (size_t i = 0; i < n; i++)
        if (!held_find(&p->held, ids[i]))
            queue_release_unknown(p->queue, ids[i]);
    for (size_t i = 0; (b = held_get(&p->held, i)); i++)
        if (!b->finishing && !b->stolen && !queue_has(ids, n, b->id)) {
            log_event(LOG_WARN, "lease_lost", "batch=%lld", (long long)b->id);
            b->stolen = true;
        }
    for (b = hand_take_stolen(&p->hand); b; b = next) {
        next = b->next;
        batch_drop_waiting(b);
        finish_if_over(p, b);
    }
}

/* ---- Time ---- */

/* The loop is about to wait: everything that this turn brought is done. */
static void turn(uv_prepare_t *handle)
{
    struct pipeline *p = handle->data;
    struct error err;

    p->now_ms = clock_mono_ms();
    pool_turn(p->pool, p->now_ms);
    if (settle_write(p->settle, &err) != STATUS_OK) {
        /* Without a journal nothing may be said on any connection. */
        log_event(LOG_ERROR, "journal_failed", "why=\"%s\"", err.text);
        exit(EXIT_FAILURE);
    }
    smtp_net_flush(p->net);
    if (settle_write(p->settle, &err) == STATUS_OK)
        settle_flush(p->settle, p->draining);
    claim(p);
}

static bool is_drained(const struct pipeline *p)
{
    return p->draining && p->held.n == 0 && settle_is_clean(p->settle) &&
           pool_state(p->pool).connections == 0;
}

static void on_stopped(void *owner)
{
    struct pipeline *p = owner;

    p->drained(p->owner);
}

static void measure(struct pipeline *p)
{
    uint64_t n = p->settled - p->settled_at_tick;
    struct pool_state pool = pool_state(p->pool);

    p->settled_at_tick = p->settled;
    p->rate += ((double)n * 1000 / PIPELINE_TICK_MS - p->rate) / 8;
    p->metrics->held_batches = p->held.n;
    p->metrics->waiting_mails = hand_waiting(&p->hand, BATCH_CAMPAIGN) +
                                hand_waiting(&p->hand, BATCH_TRANSACTIONAL);
    p->metrics->connections = pool.connections;
    p->metrics->connections_busy = pool.busy;
    p->metrics->connect_failures = pool.failures;
    p->metrics->journal_bytes = settle_backlog_bytes(p->settle);
    p->metrics->database_up = queue_is_up(p->queue);
}

static void on_tick(uv_timer_t *timer)
{
    struct pipeline *p = timer->data;
    int64_t now_ms = clock_mono_ms();

    measure(p);
    if (now_ms - p->heartbeat_ms >= p->config->lease_seconds * 1000 / 4) {
        p->heartbeat_ms = now_ms;
        queue_heartbeat(p->queue);
    }
    if (now_ms - p->poll_ms >= p->config->poll_interval_ms) {
        p->poll_ms = now_ms;
        p->list_wanted = p->claim_wanted = true;
    }
    if (is_drained(p) && !p->told_drained) {
        p->told_drained = true;
        queue_stop(p->queue, on_stopped);
    }
}

void pipeline_drain(struct pipeline *p)
{
    if (p->draining)
        return;
    p->draining = true;
    hand_back(p, hand_take(&p->hand, NULL));
    pool_drain(p->pool);
}

/* ---- Coming and going ---- */

static void on_replayed(void *owner)
{
    struct pipeline *p = owner;

    p->started = true;
    queue_start(p->queue);
    maintain_start(p->maintain);
}

static void on_registered(void *owner, int worker,
                          const unsigned char secret[MAILID_SECRET_BYTES])
{
    struct pipeline *p = owner;

    memcpy(p->secret, secret, sizeof p->secret);
    log_event(LOG_INFO, "worker_registered", "worker=%d", worker);
    settle_replay(p->settle, worker);
}

static void start_stages(struct pipeline *p, uv_loop_t *loop,
                         const char *conninfo, const char *slot)
{
    static const struct pool_events pool = {on_next, on_waiting, on_settled,
                                            on_address};
    static const struct queue_events queue = {
        on_registered, on_claimed, on_answered, on_campaigns,
        on_woken,      on_control, on_kept};

    if (p->config->hostname[0])
        snprintf(p->hostname, sizeof p->hostname, "%s", p->config->hostname);
    else if (gethostname(p->hostname, sizeof p->hostname - 1) != 0)
        snprintf(p->hostname, sizeof p->hostname, "localhost");
    p->net = smtp_net_new(loop);
    p->pool = pool_new(p->net, p->config, p->hostname, &pool, p);
    p->queue = queue_new(loop, p->config, conninfo, slot, &queue, p);
    p->maintain = maintain_new(loop, p->config, conninfo);
    p->keys = keys_new(loop, p->config, conninfo);
    p->contents = contents_new(p->queue, on_content, p);
    hand_init(&p->hand);
    uv_prepare_init(loop, &p->turn);
    uv_timer_init(loop, &p->tick);
    p->turn.data = p->tick.data = p;
    uv_prepare_start(&p->turn, turn);
    uv_timer_start(&p->tick, on_tick, 0, PIPELINE_TICK_MS);
}

enum status pipeline_new(uv_loop_t *loop, const struct config *config,
                         const char *dir, const char *slot,
                         struct metrics *metrics, void (*drained)(void *owner),
                         void *owner, struct pipeline **out, struct error *err)
{
    static const struct settle_events settle = {on_replayed, on_finished};
    struct pipeline *p = memory_new(1, sizeof *p);
    char *conninfo = NULL;
    enum status status = db_conninfo(config, "presort-engine", &conninfo, err);

    p->config = config;
    p->metrics = metrics;
    p->drained = drained;
    p->owner = owner;
    if (status == STATUS_OK)
        status = route_new(loop, config, &p->route, err);
    if (status == STATUS_OK)
        status = settle_new(loop, config, conninfo, dir, &settle, p, &p->settle,
                            err);
    if (status == STATUS_OK) {
        start_stages(p, loop, conninfo, slot);
        *out = p;
    } else {
        route_free(p->route);
        free(p);
    }
    free(conninfo);
    return status;
}

/* libuv lets go of the handles in its own time. */
static void on_closed(uv_handle_t *handle)
{
    struct pipeline *p = handle->data;

    if (++p->n_closed == PIPELINE_HANDLES)
        free(p);
}

void pipeline_free(struct pipeline *p)
{
    struct batch *b;

    if (!p)
        return;
    uv_close((uv_handle_t *)&p->turn, on_closed);
    uv_close((uv_handle_t *)&p->tick, on_closed);
    smtp_net_free(p->net);
    pool_free(p->pool);
    while ((b = held_get(&p->held, 0)))
        let_go(p, b);
    settle_free(p->settle);
    maintain_free(p->maintain);
    keys_free(p->keys);
    contents_free(p->contents);
    queue_free(p->queue);
    route_free(p->route);
    jobs_fini(&p->jobs);
    held_fini(&p->held);
}
