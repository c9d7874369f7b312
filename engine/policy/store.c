#include "policy/store.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "engine/policy/policy.sql.h"
#include "loop/pg.h"
#include <stdlib.h>
#include <string.h>

enum {
    STORE_TICK_MS = 1000,
    STORE_REFRESH_MS = 60 * 1000,
    STORE_PRUNE_MS = 60 * 60 * 1000,
    STORE_ROWS_MAX = 1000, /* written, or policies read, at a time */
    STORE_DAY_SECONDS = 86400,
    COUNT_TEXTS = 7,
};

struct count {
    int64_t day_seconds;
    char *texts[COUNT_TEXTS];
    int64_t n, sent;
};

struct policy_store {
    struct pg *pg;
    uv_timer_t *tick;
    struct args args;
    struct map rules; /* to a level */
    struct map sts;
    struct map counts;
    bool wanted, overflow;
    int64_t asking_round, round; /* round: -1 until rules were read */
    int64_t asked_ms, pruned_ms, read_us;
};

static const struct pg_statement read_round = {"policy_round",
                                               SQL_POLICY_ROUND};
static const struct pg_statement read_rules = {"policy_rules",
                                               SQL_POLICY_RULES};
static const struct pg_statement read_sts = {"policy_sts", SQL_POLICY_STS};
static const struct pg_statement store_sts = {"policy_sts_store",
                                              SQL_POLICY_STS_STORE};
static const struct pg_statement add_count = {"policy_count", SQL_POLICY_COUNT};
static const struct pg_statement prune = {"policy_prune", SQL_POLICY_PRUNE};
static const struct pg_statement listen_ = {"policy_listen", SQL_POLICY_LISTEN};

static bool has_rows(const PGresult *r)
{
    return r && PQresultStatus(r) == PGRES_TUPLES_OK;
}

static void complain(const char *what, const PGresult *r)
{
    char why[LOG_QUOTE_MAX];

    log_event(LOG_WARN, "tls_store", "at=%s why=%s", what,
              log_quote(pg_why(r), why));
}

/* ---- The operator's rules ---- */

/* Levels are kept as pointers into here: a map holds no NULL. */
static const enum smtp_tls levels[] = {SMTP_TLS_NONE, SMTP_TLS_OPPORTUNISTIC,
                                       SMTP_TLS_REQUIRED, SMTP_TLS_VERIFIED};

static const enum smtp_tls *level_named(const char *text)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(smtp_tls_text(levels[i]), text) == 0)
            return &levels[i];
    return &levels[3]; /* what we do not know must not be less */
}

static void on_round(void *arg, const PGresult *r)
{
    struct policy_store *s = arg;

    if (has_rows(r))
        s->asking_round = pg_bigint(r, 0, 0);
}

static void on_rules(void *arg, const PGresult *r)
{
    struct policy_store *s = arg;

    if (!has_rows(r)) {
        complain("rules", r);
        return;
    }
    map_fini(&s->rules);
    s->rules = (struct map){0};
    for (int row = 0; row < PQntuples(r); row++) {
        const enum smtp_tls *level = level_named(PQgetvalue(r, row, 1));

        map_put(&s->rules, PQgetvalue(r, row, 0), (void *)(uintptr_t)level);
    }
    s->round = s->asking_round;
}

bool policy_store_rule(const struct policy_store *s, const char *domain,
                       enum smtp_tls *level)
{
    const enum smtp_tls *found = map_get(&s->rules, domain);
    char pattern[DNS_NAME_MAX + 2];

    for (const char *dot = domain;
         !found && s->rules.n > 0 && (dot = strchr(dot, '.')); dot++) {
        snprintf(pattern, sizeof pattern, "*%s", dot);
        found = map_get(&s->rules, pattern);
    }
    if (found)
        *level = *found;
    return found != NULL;
}

/* ---- MTA-STS policies ---- */

static void kept_free(struct sts_kept *k)
{
    if (k)
        free(k->mx);
    free(k);
}

static void keep(struct policy_store *s, const char *domain,
                 const struct sts_kept *policy, const char *mx)
{
    struct sts_kept *k = map_get(&s->sts, domain);

    if (!k && s->sts.n >= POLICY_STS_MAX)
        return; /* it is fetched again when asked for again */
    if (!k)
        map_put(&s->sts, domain, k = memory_new(1, sizeof *k));
    free(k->mx);
    *k = *policy;
    k->mx = text_copy(mx);
}

static void on_sts(void *arg, const PGresult *r)
{
    struct policy_store *s = arg;

    if (!has_rows(r)) {
        complain("policies", r);
        return;
    }
    for (int row = 0; row < PQntuples(r); row++) {
        struct sts_kept k = {.max_age_seconds = pg_bigint(r, row, 4),
                             .fetched_us = pg_time(r, row, 5),
                             .expires_us = pg_time(r, row, 6)};

        snprintf(k.id, sizeof k.id, "%s", PQgetvalue(r, row, 1));
        if (sts_mode_parse(PQgetvalue(r, row, 2), &k.mode))
            keep(s, PQgetvalue(r, row, 0), &k, PQgetvalue(r, row, 3));
        if (k.fetched_us > s->read_us)
            s->read_us = k.fetched_us;
    }
    s->wanted |= PQntuples(r) == STORE_ROWS_MAX; /* there are more */
}

const struct sts_kept *policy_store_sts(struct policy_store *s,
                                        const char *domain)
{
    struct sts_kept *k = map_get(&s->sts, domain);

    if (!k || k->expires_us > clock_wall_us())
        return k;
    kept_free(map_remove(&s->sts, domain));
    return NULL;
}

void policy_store_keep(struct policy_store *s, const char *domain,
                       const char *id, const struct sts *policy)
{
    int64_t now_us = clock_wall_us();
    struct sts_kept k = {
        .mode = policy->mode,
        .max_age_seconds = policy->max_age_seconds,
        .fetched_us = now_us,
        .expires_us = now_us + policy->max_age_seconds * 1000000,
    };
    const char *mode = sts_mode_text(policy->mode);

    snprintf(k.id, sizeof k.id, "%s", id);
    keep(s, domain, &k, policy->mx);
    if (!pg_is_up(s->pg))
        return; /* the others fetch it themselves */
    args_reset(&s->args);
    args_text(&s->args, domain, strlen(domain));
    args_text(&s->args, id, strlen(id));
    args_text(&s->args, mode, strlen(mode));
    args_text(&s->args, policy->mx, strlen(policy->mx));
    args_bigint(&s->args, policy->max_age_seconds);
    pg_send(s->pg, &store_sts, &s->args, NULL, NULL);
    pg_sync(s->pg);
}

/* ---- Counts ---- */

static void count_free(struct count *c)
{
    for (size_t i = 0; i < COUNT_TEXTS; i++)
        free(c->texts[i]);
    free(c);
}

static void texts_of(const struct policy_session *from,
                     const char *texts[COUNT_TEXTS])
{
    const char *const all[COUNT_TEXTS] = {
        from->domain,  from->policy,       from->result, from->sending_ip,
        from->mx_host, from->receiving_ip, from->reason};

    memcpy((void *)texts, all, sizeof all);
}

static struct count *count_new(const struct policy_session *from, int64_t day)
{
    struct count *c = memory_new(1, sizeof *c);
    const char *texts[COUNT_TEXTS];

    texts_of(from, texts);
    for (size_t i = 0; i < COUNT_TEXTS; i++)
        c->texts[i] = text_copy(texts[i]);
    c->day_seconds = day;
    return c;
}

/* A policy may have 64 KB, which its host chose: the key is of all of it. */
void policy_session_key(const struct policy_session *session,
                        int64_t day_seconds, char out[DIGEST_TEXT_MAX])
{
    const char *texts[COUNT_TEXTS];
    struct digest d;

    texts_of(session, texts);
    digest_start(&d);
    digest_add(&d, &day_seconds, sizeof day_seconds);
    for (size_t i = 0; i < COUNT_TEXTS; i++)
        digest_add_text(&d, texts[i]);
    digest_end_text(&d, out);
}

void policy_store_count(struct policy_store *s,
                        const struct policy_session *from)
{
    int64_t day =
        clock_wall_us() / 1000000 / STORE_DAY_SECONDS * STORE_DAY_SECONDS;
    char key[DIGEST_TEXT_MAX];
    struct count *c;

    policy_session_key(from, day, key);
    c = map_get(&s->counts, key);
    if (!c && s->counts.n >= POLICY_COUNTS_MAX) {
        if (!s->overflow)
            log_event(LOG_WARN, "tls_counts_lost", "rows=%d",
                      POLICY_COUNTS_MAX);
        s->overflow = true;
        return;
    }
    if (!c)
        map_put(&s->counts, key, c = count_new(from, day));
    c->n++;
}

static void on_counted(void *arg, const PGresult *r)
{
    struct count *c = arg;

    if (r && PQresultStatus(r) == PGRES_COMMAND_OK)
        c->n -= c->sent;
    c->sent = 0;
}

static void send_count(struct policy_store *s, struct count *c)
{
    args_reset(&s->args);
    args_bigint(&s->args, c->day_seconds);
    for (size_t i = 0; i < COUNT_TEXTS; i++)
        args_text(&s->args, c->texts[i], strlen(c->texts[i]));
    args_bigint(&s->args, c->n);
    c->sent = c->n;
    pg_send(s->pg, &add_count, &s->args, on_counted, c);
}

/* The connection is idle here: nothing refers to a count. */
static void forget_written(struct policy_store *s)
{
    size_t at = 0, n = 0;

    for (struct count *c; (c = map_next(&s->counts, &at));)
        n += c->n > 0;
    if (n > 0 || s->counts.n == 0)
        return;
    at = 0;
    for (struct count *c; (c = map_next(&s->counts, &at));)
        count_free(c);
    map_fini(&s->counts);
    s->counts = (struct map){0};
    s->overflow = false;
}

static bool write_counts(struct policy_store *s)
{
    size_t at = 0, n = 0;

    forget_written(s);
    for (struct count *c;
         n < STORE_ROWS_MAX && (c = map_next(&s->counts, &at));) {
        if (c->n == 0)
            continue;
        send_count(s, c);
        n++;
    }
    return n > 0;
}

/* ---- The connection ---- */

/* The round first: the rules are of that one then, or a later one. */
static void read_all(struct policy_store *s)
{
    s->wanted = false;
    pg_send(s->pg, &read_round, NULL, on_round, s);
    args_reset(&s->args);
    args_int(&s->args, POLICY_RULES_MAX);
    pg_send(s->pg, &read_rules, &s->args, on_rules, s);
    args_reset(&s->args);
    args_time(&s->args, s->read_us);
    args_int(&s->args, STORE_ROWS_MAX);
    pg_send(s->pg, &read_sts, &s->args, on_sts, s);
}

static void on_tick(uv_timer_t *timer)
{
    struct policy_store *s = timer->data;
    int64_t now_ms = clock_mono_ms();
    bool sent;

    if (!pg_is_idle(s->pg))
        return;
    sent = write_counts(s);
    if (s->wanted || now_ms - s->asked_ms >= STORE_REFRESH_MS) {
        s->asked_ms = now_ms;
        read_all(s);
        sent = true;
    }
    if (now_ms - s->pruned_ms >= STORE_PRUNE_MS) {
        s->pruned_ms = now_ms;
        pg_send(s->pg, &prune, NULL, NULL, NULL);
        sent = true;
    }
    if (sent)
        pg_sync(s->pg);
}

static void on_up(struct pg *pg, void *owner)
{
    struct policy_store *s = owner;

    s->asked_ms = clock_mono_ms();
    pg_send(pg, &listen_, NULL, NULL, NULL);
    pg_sync(pg); /* what is read before that commits could change unheard */
    read_all(s);
    pg_sync(pg);
}

static void on_down(struct pg *pg, const char *why, void *owner)
{
    (void)pg, (void)why, (void)owner; /* loop/pg logs it and connects again */
}

static void on_notified(struct pg *pg, const char *channel, const char *payload,
                        void *owner)
{
    struct policy_store *s = owner;

    (void)channel;
    if (strcmp(payload, "tls") != 0)
        return;
    read_all(s);
    pg_sync(pg);
}

/* ---- Coming and going ---- */

struct policy_store *policy_store_new(uv_loop_t *loop, const char *conninfo)
{
    static const struct pg_events events = {on_up, on_down, on_notified};
    struct policy_store *s = memory_new(1, sizeof *s);

    s->round = -1;
    s->pruned_ms = clock_mono_ms() - STORE_PRUNE_MS;
    s->pg = pg_new(loop, "tls", conninfo, &events, s);
    s->tick = memory_new(1, sizeof *s->tick);
    uv_timer_init(loop, s->tick);
    s->tick->data = s;
    uv_timer_start(s->tick, on_tick, STORE_TICK_MS, STORE_TICK_MS);
    return s;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void policy_store_free(struct policy_store *s)
{
    size_t at = 0;

    if (!s)
        return;
    uv_timer_stop(s->tick);
    uv_close((uv_handle_t *)s->tick, free_handle);
    pg_free(s->pg);
    args_fini(&s->args);
    for (struct sts_kept *k; (k = map_next(&s->sts, &at));)
        kept_free(k);
    map_fini(&s->sts);
    map_fini(&s->rules);
    at = 0;
    for (struct count *c; (c = map_next(&s->counts, &at));)
        count_free(c);
    map_fini(&s->counts);
    free(s);
}

int64_t policy_store_round(const struct policy_store *s)
{
    return s->round;
}
