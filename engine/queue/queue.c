#include "queue/queue.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/queue/queue.sql.h"
#include "loop/pg.h"
#include "queue/claimed.h"
#include "queue/uuid.h"
#include <stdlib.h>
#include <unistd.h>

struct queue {
    const struct config *config;
    struct pg *pg;
    char slot[QUEUE_SLOT_MAX];
    struct queue_events events;
    void *owner;
    int worker;
    int64_t dkim_round, tls_round;
    bool told;           /* registered, once */
    bool started;        /* the journal is in the store */
    bool released;       /* and what a former process held is handed back */
    bool released_since; /* the heartbeat was sent */
    int64_t heartbeat_ms;
    struct reading *readings; /* claimed batches that are being read */
    bool listing;             /* by site; and behind which pair to go on */
    unsigned char listed_campaign[UUID_BYTES];
    char listed_site[SITE_MAX];
    void (*stopped)(void *owner);
    struct args args;
};

/* One claim, or one batch that is being read. */
struct reading {
    struct queue *queue;
    struct batch *batch;
    bool broken;
    struct reading *next, **at;
};

struct claim {
    struct queue *queue;
    void *asked;
};

#define STATEMENT(name, SQL)                                                   \
    static const struct pg_statement name = {#name, SQL}
STATEMENT(register_worker, SQL_WORKER_REGISTER);
STATEMENT(install_secret, SQL_INSTALL_SECRET);
STATEMENT(listen_work, SQL_LISTEN_WORK);
STATEMENT(listen_control, SQL_LISTEN_CONTROL);
STATEMENT(worker_release, SQL_WORKER_RELEASE);
STATEMENT(worker_stopped, SQL_WORKER_STOPPED);
STATEMENT(heartbeat, SQL_HEARTBEAT);
STATEMENT(campaigns_ready, SQL_CAMPAIGNS_READY);
STATEMENT(sites_ready, SQL_SITES_READY);
STATEMENT(claim_campaign, SQL_CLAIM_CAMPAIGN);
STATEMENT(claim_campaign_site, SQL_CLAIM_CAMPAIGN_SITE);
STATEMENT(claim_transactional, SQL_CLAIM_TRANSACTIONAL);
STATEMENT(claim_transactional_site, SQL_CLAIM_TRANSACTIONAL_SITE);
STATEMENT(read_mails, SQL_READ_MAILS);
STATEMENT(read_carried, SQL_READ_CARRIED);
STATEMENT(read_mails_left, SQL_READ_MAILS_LEFT);
STATEMENT(read_carried_left, SQL_READ_CARRIED_LEFT);
STATEMENT(read_emails, SQL_READ_EMAILS);
STATEMENT(read_emails_carried, SQL_READ_EMAILS_CARRIED);
STATEMENT(read_campaign, SQL_READ_CAMPAIGN);
STATEMENT(release, SQL_RELEASE);
STATEMENT(campaign_finish, SQL_CAMPAIGN_FINISH);

static bool has_rows(const PGresult *r)
{
    return r && PQresultStatus(r) == PGRES_TUPLES_OK;
}

static void complain(const char *event, const PGresult *r)
{
    char why[LOG_QUOTE_MAX];

    log_event(LOG_ERROR, event, "why=%s", log_quote(pg_why(r), why));
}

/* ---- Registering ---- */

static void on_secret(void *arg, const PGresult *r)
{
    struct queue *q = arg;

    if (q->told)
        return; /* the connection was lost meanwhile, and asked again */
    q->told = has_rows(r) && PQntuples(r) == 1 && q->worker > 0 &&
              PQgetlength(r, 0, 0) == MAILID_SECRET_BYTES;
    if (q->told)
        q->events.registered(q->owner, q->worker,
                             (const unsigned char *)PQgetvalue(r, 0, 0));
    else
        complain("register_failed", r);
}

static void on_registered(void *arg, const PGresult *r)
{
    struct queue *q = arg;

    if (has_rows(r) && PQntuples(r) == 1)
        q->worker = pg_int(r, 0, 0);
}

static void do_register(struct queue *q)
{
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    args_reset(&q->args);
    args_text(&q->args, q->slot, strlen(q->slot));
    args_text(&q->args, host, strlen(host));
    args_int(&q->args, (int32_t)getpid());
    pg_send(q->pg, &register_worker, &q->args, on_registered, q);
    pg_send(q->pg, &install_secret, NULL, on_secret, q);
    pg_sync(q->pg);
}

/* ---- Reading a claimed batch ---- */

static void on_emails(void *arg, const PGresult *r)
{
    struct reading *reading = arg;
    struct batch *b = reading->batch;

    if (!has_rows(r)) {
        reading->broken = true;
        return;
    }
    b->n_emails = (size_t)PQntuples(r);
    b->emails = memory_new(b->n_emails, sizeof *b->emails);
    for (int i = 0; i < PQntuples(r); i++) {
        size_t len = (size_t)PQgetlength(r, i, 2);

        b->emails[i] = (struct batch_email){
            .id = {pg_bigint(r, i, 0), pg_int(r, i, 1)},
            .json = arena_copy(&b->arena, PQgetvalue(r, i, 2), len),
            .len = len,
        };
    }
}

static void on_mails(void *arg, const PGresult *r)
{
    struct reading *reading = arg;
    struct queue *q = reading->queue;
    struct batch *b = reading->batch;
    bool ok = has_rows(r) && !reading->broken;

    *reading->at = reading->next;
    if (reading->next)
        reading->next->at = reading->at;
    free(reading);
    if (ok) {
        batch_reserve(b, (size_t)PQntuples(r));
        for (int i = 0; i < PQntuples(r); i++)
            claimed_mail(b, r, i);
        q->events.claimed(q->owner, b);
    } else {
        /* The heartbeat finds that nobody works on it and hands it back. */
        complain("read_failed", r);
        batch_free(b);
    }
}

static void read_batch(struct queue *q, struct batch *b)
{
    struct reading *reading = memory_new(1, sizeof *reading);
    const struct pg_statement *mails;

    *reading = (struct reading){
        .queue = q, .batch = b, .next = q->readings, .at = &q->readings};
    if (q->readings)
        q->readings->at = &reading->next;
    q->readings = reading;
    args_reset(&q->args);
    args_bigint(&q->args, b->id);
    if (b->class == BATCH_TRANSACTIONAL)
        pg_send(q->pg, b->carried ? &read_emails_carried : &read_emails,
                &q->args, on_emails, reading);
    if (b->lost_before) {
        mails = b->carried ? &read_carried_left : &read_mails_left;
        args_int(&q->args, b->tries);
    } else {
        mails = b->carried ? &read_carried : &read_mails;
    }
    pg_send(q->pg, mails, &q->args, on_mails, reading);
}

/* ---- Claiming ---- */

static void on_claim(void *arg, const PGresult *r)
{
    struct claim *claim = arg;
    struct queue *q = claim->queue;
    int n = has_rows(r) ? PQntuples(r) : -1;

    if (n < 0)
        complain("claim_failed", r);
    for (int i = 0; i < n; i++)
        read_batch(q, claimed_batch(r, i));
    if (n > 0)
        pg_sync(q->pg);
    q->events.answered(q->owner, claim->asked, n);
    free(claim);
}

static const struct pg_statement *claim_statement(const struct queue_offer *o)
{
    bool any = o->site[0] == 0;

    if (o->class == BATCH_CAMPAIGN)
        return any ? &claim_campaign : &claim_campaign_site;
    return any ? &claim_transactional : &claim_transactional_site;
}

void queue_dkim_round(struct queue *q, int64_t round)
{
    q->dkim_round = round;
}

void queue_tls_round(struct queue *q, int64_t round)
{
    q->tls_round = round;
}

void queue_claim(struct queue *q, const struct queue_offer *o, int batches,
                 void *asked)
{
    if (!queue_is_up(q)) {
        q->events.answered(q->owner, asked, -1);
        return;
    }
    struct claim *claim = memory_new(1, sizeof *claim);

    *claim = (struct claim){q, asked};
    args_reset(&q->args);
    args_int(&q->args, q->worker);
    args_int(&q->args, (int32_t)q->config->lease_seconds);
    if (o->class == BATCH_CAMPAIGN)
        args_uuid(&q->args, o->campaign);
    args_int(&q->args, batches);
    if (o->site[0])
        args_text(&q->args, o->site, strlen(o->site));
    args_bigint(&q->args, q->dkim_round);
    args_bigint(&q->args, q->tls_round);
    pg_send(q->pg, claim_statement(o), &q->args, on_claim, claim);
    pg_sync(q->pg);
}

/* A list that is not full was gone through to its end: the next one starts at
 * the beginning. */
static void list_on_from(struct queue *q, const PGresult *r, int campaigns)
{
    int last = PQntuples(r) - 1;

    memset(q->listed_campaign, 0, sizeof q->listed_campaign);
    q->listed_site[0] = 0;
    if (campaigns < QUEUE_OFFERS_MAX)
        return;
    memcpy(q->listed_campaign, PQgetvalue(r, last, 1), UUID_BYTES);
    snprintf(q->listed_site, sizeof q->listed_site, "%s",
             PQgetvalue(r, last, 2));
}

/* Columns: class, campaign, site, weight (0: nothing of it is due yet). */
static void on_offers(void *arg, const PGresult *r)
{
    struct queue *q = arg;
    static struct queue_offer list[2 * QUEUE_OFFERS_MAX];
    size_t n = 0;
    int campaigns = 0;

    q->listing = false;
    if (!has_rows(r)) {
        complain("list_failed", r);
        return;
    }
    for (int row = 0; row < PQntuples(r) && n < 2 * QUEUE_OFFERS_MAX; row++) {
        bool campaign = pg_smallint(r, row, 0) == BATCH_CAMPAIGN;

        campaigns += campaign;
        if (pg_int(r, row, 3) == 0)
            continue;
        list[n] = (struct queue_offer){
            .class = campaign ? BATCH_CAMPAIGN : BATCH_TRANSACTIONAL,
            .site = PQgetvalue(r, row, 2),
            .weight = pg_int(r, row, 3),
        };
        if (campaign)
            memcpy(list[n].campaign, PQgetvalue(r, row, 1), UUID_BYTES);
        n++;
    }
    list_on_from(q, r, campaigns);
    q->events.offers(q->owner, list, n);
}

void queue_list(struct queue *q, bool by_site)
{
    if (!queue_is_up(q) || q->listing)
        return;
    args_reset(&q->args);
    if (by_site) {
        args_uuid(&q->args, q->listed_campaign);
        args_text(&q->args, q->listed_site, strlen(q->listed_site));
    }
    q->listing = true;
    pg_send(q->pg, by_site ? &sites_ready : &campaigns_ready,
            by_site ? &q->args : NULL, on_offers, q);
    pg_sync(q->pg);
}

/* ---- Keeping and giving back ---- */

static int by_id(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

bool queue_has(const int64_t *ids, size_t n, int64_t id)
{
    return bsearch(&id, ids, n, sizeof *ids, by_id) != NULL;
}

static bool is_reading(const struct queue *q, int64_t id)
{
    for (const struct reading *r = q->readings; r; r = r->next)
        if (r->batch->id == id)
            return true;
    return false;
}

static void on_heartbeat(void *arg, const PGresult *r)
{
    struct queue *q = arg;

    if (!has_rows(r)) {
        complain("heartbeat_failed", r);
        return;
    }
    size_t n = 0;
    int64_t *ids = memory_new((size_t)PQntuples(r), sizeof *ids);

    for (int i = 0; i < PQntuples(r); i++)
        if (!is_reading(q, pg_bigint(r, i, 0)))
            ids[n++] = pg_bigint(r, i, 0);
    qsort(ids, n, sizeof *ids, by_id);
    q->events.kept(q->owner, ids, n, q->heartbeat_ms);
    free(ids);
}

static void on_released(void *arg, const PGresult *r)
{
    struct queue *q = arg;

    if (!r || PQresultStatus(r) != PGRES_COMMAND_OK) {
        complain("release_failed", r);
        return;
    }
    q->released = true;
    queue_heartbeat(q);
    q->events.woken(q->owner, true, true);
}

/* Before the first heartbeat, which would keep these batches for us; and only
 * so does whoever is next know that some of their mails have outcomes. */
static void release_former(struct queue *q)
{
    args_reset(&q->args);
    args_int(&q->args, q->worker);
    pg_send(q->pg, &worker_release, &q->args, on_released, q);
    pg_sync(q->pg);
}

void queue_heartbeat(struct queue *q)
{
    if (pg_is_up(q->pg) && !q->told)
        do_register(q); /* it failed before: no schema yet, say */
    if (!queue_is_up(q) || !q->started)
        return;
    if (!q->released) {
        release_former(q);
        return;
    }
    q->heartbeat_ms = clock_mono_ms();
    q->released_since = false;
    args_reset(&q->args);
    args_int(&q->args, q->worker);
    args_int(&q->args, (int32_t)q->config->lease_seconds);
    pg_send(q->pg, &heartbeat, &q->args, on_heartbeat, q);
    pg_sync(q->pg);
}

static void release_batch(struct queue *q, int64_t batch)
{
    args_reset(&q->args);
    args_bigint(&q->args, batch);
    args_int(&q->args, q->worker);
    pg_send(q->pg, &release, &q->args, NULL, NULL);
    pg_sync(q->pg);
}

void queue_release(struct queue *q, int64_t batch)
{
    q->released_since = true;
    if (queue_is_up(q))
        release_batch(q, batch);
}

void queue_release_unknown(struct queue *q, int64_t batch)
{
    if (queue_is_up(q) && !q->released_since)
        release_batch(q, batch);
}

static void on_finished(void *arg, const PGresult *r)
{
    (void)arg;
    if (has_rows(r) && PQntuples(r) == 1)
        log_event(LOG_INFO, "campaign_finished", "campaign=%s state=%s",
                  PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1));
}

void queue_finish_campaign(struct queue *q,
                           const unsigned char campaign[UUID_BYTES])
{
    if (!queue_is_up(q))
        return;
    args_reset(&q->args);
    args_uuid(&q->args, campaign);
    pg_send(q->pg, &campaign_finish, &q->args, on_finished, q);
    pg_sync(q->pg);
}

void queue_read_campaign(struct queue *q,
                         const unsigned char campaign[UUID_BYTES],
                         queue_content_done *done, void *arg)
{
    if (!queue_is_up(q)) {
        done(arg, NULL);
        return;
    }
    args_reset(&q->args);
    args_uuid(&q->args, campaign);
    pg_send(q->pg, &read_campaign, &q->args, done, arg);
    pg_sync(q->pg);
}

/* ---- Coming and going ---- */

static void listen_again(struct queue *q)
{
    pg_send(q->pg, &listen_work, NULL, NULL, NULL);
    pg_send(q->pg, &listen_control, NULL, NULL, NULL);
    pg_sync(q->pg);
}

static void on_up(struct pg *pg, void *owner)
{
    struct queue *q = owner;

    (void)pg;
    if (!q->started) {
        do_register(q);
        return;
    }
    listen_again(q);
    queue_heartbeat(q);
    q->events.woken(q->owner, true, true);
}

static void on_down(struct pg *pg, const char *why, void *owner)
{
    (void)pg, (void)why, (void)owner; /* loop/pg logs it and connects again */
}

/* The state that their claim saw is an old one. */
static void hold_reading(struct queue *q, const unsigned char *campaign)
{
    for (struct reading *r = q->readings; r; r = r->next)
        if (memcmp(r->batch->campaign, campaign, UUID_BYTES) == 0)
            r->batch->order = BATCH_HOLD;
}

static void on_notified(struct pg *pg, const char *channel, const char *payload,
                        void *owner)
{
    struct queue *q = owner;
    unsigned char campaign[UUID_BYTES] = {0};

    (void)pg;
    if (strcmp(channel, "presort_control") == 0) {
        const char *id = strrchr(payload, ' ');

        if (!uuid_parse(id ? id + 1 : payload, campaign))
            return;
        hold_reading(q, campaign);
        q->events.control(q->owner, campaign);
        return;
    }
    bool campaigns = strncmp(payload, "campaign", strlen("campaign")) == 0;

    q->events.woken(q->owner, campaigns, !campaigns);
}

void queue_start(struct queue *q)
{
    q->started = true;
    if (!queue_is_up(q))
        return;
    listen_again(q);
    queue_heartbeat(q);
}

static void on_stopped(void *arg, const PGresult *r)
{
    struct queue *q = arg;

    (void)r;
    q->stopped(q->owner);
}

void queue_stop(struct queue *q, void (*done)(void *owner))
{
    if (!queue_is_up(q)) {
        done(q->owner);
        return;
    }
    q->stopped = done;
    args_reset(&q->args);
    args_int(&q->args, q->worker);
    /* What a claim brings that is still under way. */
    pg_send(q->pg, &worker_release, &q->args, NULL, NULL);
    pg_sync(q->pg);
    pg_send(q->pg, &worker_stopped, &q->args, on_stopped, q);
    pg_sync(q->pg);
}

bool queue_is_up(const struct queue *q)
{
    return pg_is_up(q->pg) && q->worker > 0;
}

int queue_worker(const struct queue *q)
{
    return q->worker;
}

struct queue *queue_new(uv_loop_t *loop, const struct config *config,
                        const char *conninfo, const char *slot,
                        const struct queue_events *events, void *owner)
{
    static const struct pg_events pg_events = {on_up, on_down, on_notified};
    struct queue *q = memory_new(1, sizeof *q);

    q->config = config;
    q->events = *events;
    q->owner = owner;
    snprintf(q->slot, sizeof q->slot, "%s", slot);
    q->pg = pg_new(loop, "queue", conninfo, &pg_events, q);
    return q;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    pg_free(q->pg);
    for (struct reading *next; q->readings; q->readings = next) {
        next = q->readings->next;
        batch_free(q->readings->batch);
        free(q->readings);
    }
    args_fini(&q->args);
    free(q);
}
