/*
 * The path of a mail, top to bottom:
 *
 *   claim     a batch of the queue, and its mails          claims, queue/queue
 *   next      where it goes, and whose turn it is there    dests, route, hand
 *   render    content and variables to bytes               make, render/job
 *   sign      by the DKIM keys of its sender               make, sign/keys
 *   send      over a pooled connection                     route, pool, smtp
 *   settled   the answer becomes an outcome                settle/journal
 *   finish    the batch is over; what is left goes on      settle/settle
 *
 * and turn(), which ends each turn of the event loop: give out mail, write the
 * journal, only then let the connections speak, commit, claim.
 */
#include "pipeline.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "bounce/answer.h"
#include "claims.h"
#include "dests.h"
#include "make.h"
#include "queue/db.h"
#include "queue/maintain.h"
#include "queue/queue.h"
#include "render/contents.h"
#include "settle/settle.h"
#include "suppress/suppress.h"

enum {
    PIPELINE_TICK_MS = 50,
    PIPELINE_EXPIRE_MS = 250,
    PIPELINE_BACKLOG_MAX = 64 * 1024 * 1024,
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
    struct dests *dests;
    struct queue *queue;
    struct maintain *maintain;
    struct settle *settle;
    struct keys *keys;
    struct suppress *suppress;

    unsigned char secret[MAILID_SECRET_BYTES];
    struct held held;     /* every batch that this worker has */
    struct claims claims; /* and what the store has besides */
    struct contents *contents;
    struct jobs jobs;

    bool started, draining, told_drained;
    int64_t lease_until_ms, heartbeat_ms, poll_ms, expired_ms;
    int64_t now_ms; /* of this turn */
};

/* ---- claim: batches come in ---- */

static void finish_if_over(struct pipeline *p, struct batch *b);
static void settle_all(struct pipeline *p, struct batch *b, enum verdict v,
                       const char *why);
static void give_out(struct pipeline *p, struct batch *b);

/* The content is compiled, or known to be broken. */
static void on_content(void *owner, struct batch *b)
{
    struct pipeline *p = owner;
    bool can_send = b->class == BATCH_TRANSACTIONAL || b->content;

    if (p->draining || b->stolen || b->order == BATCH_HOLD || !can_send)
        batch_return_waiting(b);
    else
        give_out(p, b);
    finish_if_over(p, b);
}

static void on_claimed(void *owner, struct batch *b)
{
    struct pipeline *p = owner;

    held_add(&p->held, b);
    claims_hold(&p->claims, b);
    p->metrics->batches_claimed++;
    if (b->order == BATCH_CANCEL) {
        settle_all(p, b, VERDICT_CANCELLED, "campaign cancelled");
    } else if (b->class == BATCH_CAMPAIGN && b->order == BATCH_SEND) {
        contents_want(p->contents, b);
    } else {
        on_content(p, b);
    }
}

static void on_answered(void *owner, void *asked, int n)
{
    struct pipeline *p = owner;

    claims_answered(&p->claims, asked, n);
}

static void on_offers(void *owner, const struct queue_offer *offers, size_t n)
{
    struct pipeline *p = owner;

    claims_offered(&p->claims, offers, n);
}

static void on_woken(void *owner, bool campaigns, bool transactional)
{
    struct pipeline *p = owner;

    claims_woken(&p->claims, campaigns, transactional);
}

static bool may_claim(const struct pipeline *p)
{
    return p->started && !p->draining && queue_is_up(p->queue) &&
           keys_are_known(p->keys) && suppress_is_known(p->suppress) &&
           dests_are_known(p->dests) && p->now_ms < p->lease_until_ms &&
           !dests_are_down(p->dests) &&
           settle_backlog_bytes(p->settle) <= PIPELINE_BACKLOG_MAX;
}

/* ---- settled: what happened becomes an outcome ---- */

/* Deferred mail goes on later. What was lost after the final dot is sent again
 * as often as the setting says; then nobody knows, and that is its end. */
static bool goes_on(struct pipeline *p, struct batch *b,
                    const struct mail *mail, enum verdict verdict)
{
    const struct carried carried = dests_carried(mail);

    if (verdict == VERDICT_DEFERRED)
        batch_carry(b, BATCH_DEFERRED, &carried);
    else if (verdict == VERDICT_IN_DOUBT &&
             b->doubts < p->config->in_doubt_resends)
        batch_carry(b, BATCH_DOUBTED, &carried);
    else
        return false;
    return true;
}

static void settle_one(struct pipeline *p, struct batch *b,
                       const struct mail *mail, struct settled *s)
{
    answer_judge(s, b->tries, p->config->refused_retries);
    s->final = !goes_on(p, b, mail, s->verdict);
    batch_outcome(b, mail, clock_wall_us(), s);
    settle_add(p->settle, s, b->project, job_sender_domain(b, mail));
    b->touched = true;
    b->n_out--;
    p->claims.settled++;
    p->metrics->outcomes[s->verdict]++;
}

static void settle_plain(struct pipeline *p, struct batch *b,
                         const struct mail *mail, enum verdict verdict,
                         const char *step, const char *why)
{
    struct settled s = settled_plain(verdict, step, why);

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

/* Why the recipient is not to be written to; or NULL. */
static const char *is_suppressed(const struct pipeline *p,
                                 const struct batch *b, const struct mail *mail)
{
    return suppress_why(p->suppress, b->project, mail->recipient,
                        b->class == BATCH_CAMPAIGN);
}

/* Whom not to write to need not wait for a connection. */
static void give_out(struct pipeline *p, struct batch *b)
{
    const char *why;

    for (size_t i = b->n_mails; i-- > 0;)
        if ((why = is_suppressed(p, b, &b->mails[i]))) {
            const struct mail mail = batch_pick(b, i);

            settle_plain(p, b, &mail, VERDICT_SUPPRESSED, "suppress", why);
        }
    dests_add(p->dests, b);
}

/* It cost no attempt: to another connection with it, or back to the queue. */
static void untried(struct pipeline *p, struct batch *b, struct mail *mail)
{
    const struct carried carried = {.id = mail->id};

    if (!b->stolen && !p->draining && b->order == BATCH_SEND) {
        dests_add_again(p->dests, mail);
    } else {
        batch_carry(b, BATCH_RETURNED, &carried);
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
        job->mail->seven_bit |= result->seven_bit;
        untried(p, b, job->mail);
    } else {
        struct settled s = job_outcome(job, result, peer, source);

        settle_one(p, b, job->mail, &s);
        metrics_observe_ms(&p->metrics->delivery_ms, s.took_ms);
    }
    jobs_put(&p->jobs, job);
    finish_if_over(p, b);
}

/* ---- next, and send: a connection asks for a mail ---- */

/* Only while the leases are ours for sure. */
static bool on_may_send(void *owner)
{
    struct pipeline *p = owner;

    return clock_mono_ms() < p->lease_until_ms;
}

static const char too_late[] = "expired before it could be sent";

static bool on_prepare(void *owner, struct mail *mail, struct smtp_message *m)
{
    struct pipeline *p = owner;
    struct batch *b = mail->parcel->batch;
    struct job *job = jobs_take(&p->jobs, mail, m->eight_bit);
    const struct make make = {&p->jobs, p->keys, {p->config, p->secret}};
    const char *why = is_suppressed(p, b, mail);
    struct make_fault fault;

    if (b->expires_us <= job->started_us) {
        settle_plain(p, b, mail, VERDICT_EXPIRED, "queue", too_late);
    } else if (why) {
        settle_plain(p, b, mail, VERDICT_SUPPRESSED, "suppress", why);
    } else if (!make_mail(&make, job, &fault)) {
        settle_plain(p, b, mail, fault.verdict, fault.step, fault.err.text);
    } else {
        b->touched = true;
        offers_sent(&p->claims.offers, b);
        *m = job_message(job);
        return true;
    }
    jobs_put(&p->jobs, job);
    finish_if_over(p, b);
    return false;
}

static void on_refused(void *owner, struct mail *mail,
                       const struct dests_refusal *refusal)
{
    struct pipeline *p = owner;
    struct settled s = dests_outcome(refusal);

    settle_one(p, mail->parcel->batch, mail, &s);
}

static void on_left(void *owner, struct batch *b)
{
    finish_if_over(owner, b);
}

/* ---- finish: the batch is over ---- */

static void let_go(struct pipeline *p, struct batch *b)
{
    held_remove(&p->held, b);
    offers_let_go(b);
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

/* All of a campaign's, or with NULL everybody's. The table changes places as
 * batches leave it: from its end. */
static void hand_back(struct pipeline *p, const unsigned char *campaign)
{
    dests_take(p->dests, campaign);
    for (size_t i = p->held.n; i-- > 0;) {
        struct batch *b = held_get(&p->held, i);

        if (!b || b->finishing || b->stolen ||
            (campaign && memcmp(b->campaign, campaign, UUID_BYTES) != 0))
            continue;
        if (campaign)
            b->order = BATCH_HOLD; /* for what comes back untried, too */
        if (b->unread)
            continue;
        batch_return_waiting(b);
        finish_if_over(p, b);
    }
}

/* Mail may have to go another way than before. */
static void on_rerouted(void *owner)
{
    struct pipeline *p = owner;

    claims_by_site(&p->claims, !dests_are_one(p->dests));
    hand_back(p, NULL);
}

static void on_control(void *owner, const unsigned char campaign[UUID_BYTES])
{
    hand_back(owner, campaign);
}

/* What the store says is ours, is; the rest went to others while we were
 * silent. What is ours and unknown here was lost on the way to us. */
static void on_kept(void *owner, const int64_t *ids, size_t n, int64_t sent_ms)
{
    struct pipeline *p = owner;
    struct batch *b;

    p->lease_until_ms = sent_ms + p->config->lease_seconds * 1000;
    for (size_t i = 0; i < n; i++)
        if (!held_find(&p->held, ids[i]))
            queue_release_unknown(p->queue, ids[i]);
    held_mark_stolen(&p->held, ids, n);
    dests_take_gone(p->dests);
    for (size_t i = p->held.n; i-- > 0;)
        if ((b = held_get(&p->held, i)) && b->stolen && !b->finishing &&
            !b->unread) {
            batch_drop_waiting(b);
            finish_if_over(p, b);
        }
}

/* Mail that waits for a limit is not asked for by any connection. */
static void expire(struct pipeline *p)
{
    struct batch *b;

    if (!on_may_send(p) || !held_mark_expired(&p->held, clock_wall_us()))
        return;
    dests_take_gone(p->dests);
    for (size_t i = p->held.n; i-- > 0;)
        if ((b = held_get(&p->held, i)) && b->expired) {
            b->expired = false; /* what is out may come back untried */
            settle_all(p, b, VERDICT_EXPIRED, too_late);
        }
}

/* ---- Time ---- */

/* The loop is about to wait: everything that this turn brought is done. */
static void turn(uv_prepare_t *handle)
{
    struct pipeline *p = handle->data;
    struct error err;

    p->now_ms = clock_mono_ms();
    dests_turn(p->dests, p->now_ms);
    if (settle_write(p->settle, &err) != STATUS_OK) {
        /* Without a journal nothing may be said on any connection. */
        log_event(LOG_ERROR, "journal_failed", "why=\"%s\"", err.text);
        exit(EXIT_FAILURE);
    }
    smtp_net_flush(p->net);
    if (settle_write(p->settle, &err) == STATUS_OK)
        settle_flush(p->settle, p->draining);
    if (may_claim(p))
        claims_turn(&p->claims, &p->held, p->dests, p->now_ms);
}

static bool is_drained(const struct pipeline *p)
{
    return p->draining && p->held.n == 0 && settle_is_clean(p->settle) &&
           dests_state(p->dests).connections == 0;
}

static void on_stopped(void *owner)
{
    struct pipeline *p = owner;

    p->drained(p->owner);
}

static void measure(struct pipeline *p)
{
    claims_measure(&p->claims, PIPELINE_TICK_MS);
    p->metrics->held_batches = p->held.n;
    dests_measure(p->dests, p->metrics);
    p->metrics->journal_bytes = settle_backlog_bytes(p->settle);
    p->metrics->database_up = queue_is_up(p->queue);
}

static void on_tick(uv_timer_t *timer)
{
    struct pipeline *p = timer->data;
    int64_t now_ms = clock_mono_ms();

    measure(p);
    if (now_ms - p->expired_ms >= PIPELINE_EXPIRE_MS) {
        p->expired_ms = now_ms;
        expire(p);
    }
    if (now_ms - p->heartbeat_ms >= p->config->lease_seconds * 1000 / 4) {
        p->heartbeat_ms = now_ms;
        queue_heartbeat(p->queue);
    }
    if (now_ms - p->poll_ms >= p->config->poll_interval_ms) {
        p->poll_ms = now_ms;
        claims_woken(&p->claims, true, true);
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
    hand_back(p, NULL);
    dests_drain(p->dests);
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
    dests_worker(p->dests, worker);
    log_event(LOG_INFO, "worker_registered", "worker=%d", worker);
    settle_replay(p->settle, worker);
}

static void start_stages(struct pipeline *p, uv_loop_t *loop,
                         const char *conninfo, const char *slot)
{
    static const struct queue_events queue = {
        on_registered, on_claimed, on_answered, on_offers,
        on_woken,      on_control, on_kept};

    p->queue = queue_new(loop, p->config, conninfo, slot, &queue, p);
    claims_init(&p->claims, p->queue);
    p->maintain = maintain_new(loop, p->config, conninfo);
    p->keys = keys_new(loop, p->config, conninfo, claims_keys, &p->claims);
    p->suppress = suppress_new(loop, p->config, conninfo);
    p->contents = contents_new(p->queue, on_content, p);
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
    static const struct dests_events dests = {
        .may_send = on_may_send,
        .rerouted = on_rerouted,
        .prepare = on_prepare,
        .settled = on_settled,
        .refused = on_refused,
        .left = on_left,
    };
    struct pipeline *p = memory_new(1, sizeof *p);
    char *conninfo = NULL;
    enum status status = db_conninfo(config, "presort-engine", &conninfo, err);

    p->config = config;
    p->metrics = metrics;
    p->drained = drained;
    p->owner = owner;
    p->net = smtp_net_new(loop);
    if (status == STATUS_OK)
        status = dests_new(loop, p->net, config, conninfo, &dests, p, &p->dests,
                           err);
    if (status == STATUS_OK)
        status = settle_new(loop, config, conninfo, dir, &settle, p, &p->settle,
                            err);
    if (status == STATUS_OK) {
        start_stages(p, loop, conninfo, slot);
        *out = p;
    } else {
        smtp_net_free(p->net);
        dests_free(p->dests);
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
    dests_free(p->dests);
    while ((b = held_get(&p->held, 0)))
        let_go(p, b);
    settle_free(p->settle);
    maintain_free(p->maintain);
    keys_free(p->keys);
    suppress_free(p->suppress);
    contents_free(p->contents);
    queue_free(p->queue);
    claims_fini(&p->claims);
    jobs_fini(&p->jobs);
    held_fini(&p->held);
}
