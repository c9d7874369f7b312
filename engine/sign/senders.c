#include "sign/senders.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/dns.h"
#include "engine/sign/senders.sql.h"
#include "loop/pg.h"
#include "sign/published.h"
#include "sign/secret.h"
#include <stdlib.h>

enum {
    SENDERS_TICK_MS = 100,
    SENDERS_POLL_MS = 30 * 1000,
    SENDERS_KEYS_MAX = 2, /* one of each kind */
};

/* A key made in the thread. */
struct made_key {
    enum dkim_algorithm algorithm;
    struct buf selector, record, sealed;
};

struct question {
    struct senders *senders;
    struct published_record *record;
    const char *name; /* asked for: DMARC's moves up the tree */
};

/* The one domain that is worked on. */
struct task {
    bool busy;
    int64_t id;
    char domain[DNS_NAME_MAX];
    int64_t verify_wanted_us; /* 0: nobody waits */
    bool look_up;
    struct buf records_before;
    struct made_key keys[SENDERS_KEYS_MAX];
    size_t n_keys;
    bool unmade; /* the thread could not */
    struct error why;
    struct published published;
    struct question questions[PUBLISHED_MAX];
    size_t open; /* questions */
};

struct senders {
    const struct config *config;
    uv_loop_t *loop;
    struct pg *pg;
    uv_timer_t *tick; /* heap: outlives us until libuv lets go */
    uv_work_t work;
    bool working, dying; /* freed when the thread is done */
    bool wanted;
    int64_t asked_ms;
    struct dns *dns; /* made when first asked */
    char hostname[DNS_NAME_MAX];
    struct seal seal;
    struct task task;
    struct args args;
};

static const struct pg_statement claim = {"senders_claim", SQL_SENDERS_CLAIM};
static const struct pg_statement read_keys = {"senders_keys", SQL_SENDERS_KEYS};
static const struct pg_statement add_key = {"senders_add_key",
                                            SQL_SENDERS_ADD_KEY};
static const struct pg_statement keys_made = {"senders_keys_made",
                                              SQL_SENDERS_KEYS_MADE};
static const struct pg_statement tell = {"senders_tell", SQL_SENDERS_TELL};
static const struct pg_statement store = {"senders_store", SQL_SENDERS_STORE};
static const struct pg_statement listen_ = {"senders_listen",
                                            SQL_SENDERS_LISTEN};

static bool is_rows(const PGresult *r)
{
    return r && PQresultStatus(r) == PGRES_TUPLES_OK;
}

/* What is left undone is claimed again, by us or others, when the claim is old.
 */
static void give_up(struct senders *s, const char *what, const char *why)
{
    char quoted[LOG_QUOTE_MAX];

    log_event(LOG_WARN, "sending_domain_failed", "domain=%s at=%s why=%s",
              s->task.domain, what, log_quote(why, quoted));
    s->task.busy = false;
}

/* ---- Written down ---- */

static void on_stored(void *arg, const PGresult *r)
{
    struct senders *s = arg;

    if (!r || PQresultStatus(r) != PGRES_COMMAND_OK) {
        give_up(s, "store", pg_why(r));
        return;
    }
    s->task.busy = false;
    s->wanted = true; /* perhaps there is another */
}

static void write_down(struct senders *s)
{
    struct task *t = &s->task;
    const char *status = published_status(&t->published);
    struct buf json = {0};

    if (!pg_is_up(s->pg)) {
        give_up(s, "store", "the database is away");
        return;
    }
    published_write(&t->published, &json);
    args_reset(&s->args);
    args_bigint(&s->args, t->id);
    args_text(&s->args, json.data, json.len);
    args_text(&s->args, status, strlen(status));
    args_bool(&s->args, t->look_up);
    if (t->verify_wanted_us)
        args_time(&s->args, t->verify_wanted_us);
    else
        args_null(&s->args);
    pg_send(s->pg, &store, &s->args, on_stored, s);
    pg_sync(s->pg);
    if (t->look_up)
        log_event(LOG_INFO, "sending_domain_checked", "domain=%s status=%s",
                  t->domain, status);
    buf_fini(&json);
}

/* ---- Looked up ---- */

/* One label less, while two are left. */
static const char *parent_of(const char *name)
{
    const char *parent = strchr(name, '.');

    return parent && strchr(parent + 1, '.') ? parent + 1 : NULL;
}

static void on_answer(void *arg, const struct dns_answer *answer);

/* DMARC's record may stand at a domain above (RFC 7489, 6.6.3). */
static bool ask_above(struct question *q, const struct dns_answer *answer)
{
    const char *above =
        q->record->kind == RECORD_DMARC && (answer->outcome == DNS_NO_NAME ||
                                            answer->outcome == DNS_NO_DATA)
            ? parent_of(q->name)
            : NULL;
    char name[DNS_NAME_MAX + sizeof "_dmarc."];

    if (!above)
        return false;
    q->name = above;
    snprintf(name, sizeof name, "_dmarc.%s", above);
    dns_ask(q->senders->dns, name, DNS_TXT, on_answer, q);
    return true;
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct question *q = arg;

    if (ask_above(q, answer))
        return;
    record_check(q->record->kind, q->record->value, answer,
                 &q->record->finding);
    if (--q->senders->task.open == 0)
        write_down(q->senders);
}

static void look_up(struct senders *s)
{
    struct task *t = &s->task;
    struct error err;

    if (!s->dns && dns_new(s->loop, s->config, &s->dns, &err) != STATUS_OK) {
        give_up(s, "look-up", err.text);
        return;
    }
    t->open = t->published.n;
    for (size_t i = 0; i < t->published.n; i++) {
        struct published_record *r = &t->published.at[i];

        t->questions[i] = (struct question){s, r, t->domain};
        dns_ask(s->dns, r->name, r->kind == RECORD_MX ? DNS_MX : DNS_TXT,
                on_answer, &t->questions[i]);
    }
}

/* ---- What is to be published ---- */

static void on_keys(void *arg, const PGresult *r)
{
    struct senders *s = arg;
    struct task *t = &s->task;

    if (!is_rows(r)) {
        give_up(s, "keys", pg_why(r));
        return;
    }
    published_init(&t->published, s->config, s->hostname, t->domain);
    for (int at = 0; at < PQntuples(r); at++)
        published_add_key(&t->published, t->domain, PQgetvalue(r, at, 0),
                          PQgetvalue(r, at, 1), PQgetvalue(r, at, 2)[0] != 0);
    published_recall(&t->published, t->records_before.data,
                     t->records_before.len);
    if (t->look_up)
        look_up(s);
    else
        write_down(s);
}

static void publish(struct senders *s)
{
    args_reset(&s->args);
    args_bigint(&s->args, s->task.id);
    pg_send(s->pg, &read_keys, &s->args, on_keys, s);
    pg_sync(s->pg);
}

/* ---- Keys ---- */

static void keys_reset(struct task *t)
{
    for (size_t i = 0; i < SENDERS_KEYS_MAX; i++) {
        buf_reset(&t->keys[i].selector);
        buf_reset(&t->keys[i].record);
        buf_reset(&t->keys[i].sealed);
    }
    t->unmade = false;
}

/* In the thread: touches its task's keys alone. */
static enum status make_key(const struct senders *s, struct made_key *made,
                            struct error *err)
{
    const char *domain = s->task.domain;
    struct dkim_key *key = NULL;
    struct buf pem = {0};

    secret_selector(&made->selector);
    secret_generate(made->algorithm, &pem);
    enum status status =
        dkim_key_new(domain, made->selector.data, pem.data, pem.len, &key, err);

    if (status == STATUS_OK)
        status = dkim_key_record(key, &made->record, err);
    if (status == STATUS_OK)
        secret_seal(&s->seal, domain, made->selector.data, &pem, &made->sealed);
    dkim_key_free(key);
    seal_wipe(&pem);
    return status;
}

static void make_keys(uv_work_t *work)
{
    struct senders *s = work->data;
    struct task *t = &s->task;

    for (size_t i = 0; i < t->n_keys && !t->unmade; i++)
        t->unmade = make_key(s, &t->keys[i], &t->why) != STATUS_OK;
}

/* All of them, or none. */
static void add_keys(struct senders *s)
{
    struct task *t = &s->task;

    for (size_t i = 0; i < t->n_keys; i++) {
        const struct made_key *k = &t->keys[i];
        const char *algorithm = dkim_algorithm_text(k->algorithm);

        args_reset(&s->args);
        args_bigint(&s->args, t->id);
        args_text(&s->args, k->selector.data, k->selector.len);
        args_text(&s->args, algorithm, strlen(algorithm));
        args_text(&s->args, k->record.data, k->record.len);
        args_text(&s->args, k->sealed.data, k->sealed.len);
        pg_send(s->pg, &add_key, &s->args, NULL, NULL);
    }
    args_reset(&s->args);
    args_bigint(&s->args, t->id);
    pg_send(s->pg, &keys_made, &s->args, NULL, NULL);
    pg_send(s->pg, &tell, NULL, NULL, NULL);
    pg_sync(s->pg);
    log_event(LOG_INFO, "dkim_keys_made", "domain=%s keys=%zu", t->domain,
              t->n_keys);
    publish(s);
}

static void on_made(uv_work_t *work, int cancelled)
{
    struct senders *s = work->data;

    s->working = false;
    seal_fini(&s->seal);
    if (s->dying)
        senders_free(s);
    else if (cancelled || s->task.unmade)
        give_up(s, "keys", cancelled ? "cancelled" : s->task.why.text);
    else if (!pg_is_up(s->pg))
        give_up(s, "keys", "the database is away");
    else
        add_keys(s);
}

static void start_keys(struct senders *s, const char *wanted)
{
    struct task *t = &s->task;
    bool both = strcmp(wanted, "both") == 0;
    struct error err;

    if (seal_read(&s->seal, s->config, true, &err) != STATUS_OK) {
        give_up(s, "seal", err.text);
        return;
    }
    keys_reset(t);
    t->n_keys = 0;
    if (both || strcmp(wanted, "rsa2048") == 0)
        t->keys[t->n_keys++].algorithm = DKIM_RSA;
    if (both || strcmp(wanted, "ed25519") == 0)
        t->keys[t->n_keys++].algorithm = DKIM_ED25519;
    s->work.data = s;
    s->working = uv_queue_work(s->loop, &s->work, make_keys, on_made) == 0;
    if (!s->working)
        give_up(s, "keys", "no thread");
}

/* ---- The next domain ---- */

static void on_claimed(void *arg, const PGresult *r)
{
    struct senders *s = arg;
    struct task *t = &s->task;

    t->busy = false;
    if (!is_rows(r)) {
        snprintf(t->domain, sizeof t->domain, "-");
        give_up(s, "claim", pg_why(r));
        return;
    }
    if (PQntuples(r) == 0)
        return;
    t->busy = true;
    t->id = pg_bigint(r, 0, 0);
    snprintf(t->domain, sizeof t->domain, "%s", PQgetvalue(r, 0, 1));
    t->verify_wanted_us = PQgetisnull(r, 0, 3) ? 0 : pg_time(r, 0, 3);
    t->look_up = PQgetvalue(r, 0, 4)[0] != 0;
    buf_reset(&t->records_before);
    buf_add_text(&t->records_before, PQgetvalue(r, 0, 5));
    if (PQgetvalue(r, 0, 2)[0])
        start_keys(s, PQgetvalue(r, 0, 2));
    else
        publish(s);
}

static void on_tick(uv_timer_t *timer)
{
    struct senders *s = timer->data;
    int64_t now_ms = clock_mono_ms();
    struct error ignored;

    if (s->task.busy || s->working || !pg_is_idle(s->pg) ||
        (!s->wanted && now_ms - s->asked_ms < SENDERS_POLL_MS))
        return;
    bool sealed = seal_read(&s->seal, s->config, false, &ignored) == STATUS_OK;

    seal_fini(&s->seal);
    s->wanted = false;
    s->asked_ms = now_ms;
    s->task.busy = true;
    args_reset(&s->args);
    args_bool(&s->args, sealed);
    pg_send(s->pg, &claim, &s->args, on_claimed, s);
    pg_sync(s->pg);
}

static void on_up(struct pg *pg, void *owner)
{
    struct senders *s = owner;

    s->wanted = true;
    pg_send(pg, &listen_, NULL, NULL, NULL);
    pg_sync(pg);
}

static void on_down(struct pg *pg, const char *why, void *owner)
{
    (void)pg, (void)why, (void)owner; /* loop/pg logs it and connects again */
}

static void on_notified(struct pg *pg, const char *channel, const char *payload,
                        void *owner)
{
    struct senders *s = owner;

    (void)pg, (void)channel;
    s->wanted |= strcmp(payload, "domain") == 0 || strcmp(payload, "dkim") == 0;
}

/* ---- Coming and going ---- */

struct senders *senders_new(uv_loop_t *loop, const struct config *config,
                            const char *conninfo, const char *hostname)
{
    static const struct pg_events events = {on_up, on_down, on_notified};
    struct senders *s = memory_new(1, sizeof *s);

    s->config = config;
    s->loop = loop;
    snprintf(s->hostname, sizeof s->hostname, "%s", hostname);
    s->pg = pg_new(loop, "senders", conninfo, &events, s);
    s->tick = memory_new(1, sizeof *s->tick);
    uv_timer_init(loop, s->tick);
    s->tick->data = s;
    uv_timer_start(s->tick, on_tick, 0, SENDERS_TICK_MS);
    return s;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void stop(struct senders *s)
{
    uv_timer_stop(s->tick);
    uv_close((uv_handle_t *)s->tick, free_handle);
    pg_free(s->pg);
    dns_free(s->dns);
    s->dying = true;
}

void senders_free(struct senders *s)
{
    if (!s)
        return;
    if (!s->dying)
        stop(s);
    if (s->working)
        return; /* on_made comes back here */
    for (size_t i = 0; i < SENDERS_KEYS_MAX; i++) {
        buf_fini(&s->task.keys[i].selector);
        buf_fini(&s->task.keys[i].record);
        buf_fini(&s->task.keys[i].sealed);
    }
    buf_fini(&s->task.records_before);
    args_fini(&s->args);
    free(s);
}
