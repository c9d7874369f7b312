#include "sites.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "engine/pace/sites.sql.h"
#include "loop/pg.h"
#include "sites_permits.h"
#include "sites_report.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SITES_TICK_MS = 100,
    SITES_POLL_MS = 5000,
    SITES_REPORT_MS = 1500,
    SITES_LEARNED_MS = 3000,
    SITES_CROWDED_MS = 500,
    SITES_ROOM_MS = 60 * 1000,       /* who joins waits no longer for room */
    SITES_STATE_SECONDS = 7 * 86400, /* older is forgotten */
    SITES_LATE_SECONDS = 15,         /* a commit, after its time */
    SITES_CLOCK_SHARE = 16,
    SITES_CLOCK_OFF_US = 1000000, /* no delay, but another clock */
};

/* What the store says of a site, whether it is in use here or not. */
struct known {
    char label[SITES_LABEL_MAX];
    struct pace_saved saved;
    bool has_saved, paused, named;
    int64_t retried_us; /* wall clock */
};

struct sites {
    const struct config *config;
    void (*counted)(void *owner);
    void (*changed)(void *owner);
    void *owner;
    struct pace *pace;
    struct map known;
    struct pg *pg;
    uv_timer_t *tick; /* heap: outlives us until libuv lets go */
    struct args args;
    int worker;              /* 0: none yet */
    char host[PACE_ID_TEXT]; /* "@HOST": whatever address of it is used */
    bool known_once, has_state, wanted, state_wanted, alone_told;
    int64_t started_us; /* of us, wall clock of the store */
    int64_t clock_us;   /* its clock, less ours that never jumps */
    int64_t up_ms;      /* the store has been reached since */
    int64_t read_ms, state_ms, asked_ms, report_ms, learned_ms;
    int64_t crowded_ms; /* connections are to end for who joined, since */
    size_t at;          /* where the next report starts */
    char *domains[SITES_DOMAINS_MAX], *sites[SITES_DOMAINS_MAX];
    size_t n_domains;
};

#define STATEMENT(name, SQL)                                                   \
    static const struct pg_statement name = {#name, SQL}
STATEMENT(sites_listen, SQL_SITES_LISTEN);
STATEMENT(sites_limits, SQL_SITES_LIMITS);
STATEMENT(sites_orders, SQL_SITES_ORDERS);
STATEMENT(sites_state, SQL_SITES_STATE);
STATEMENT(sites_workers, SQL_SITES_WORKERS);
STATEMENT(sites_heard, SQL_SITES_HEARD);
STATEMENT(sites_joined, SQL_SITES_JOINED);
STATEMENT(sites_forget_bounds, SQL_SITES_FORGET_BOUNDS);
STATEMENT(sites_forget, SQL_SITES_FORGET);
STATEMENT(sites_permits, SQL_SITES_PERMITS);
STATEMENT(sites_report, SQL_SITES_REPORT);
STATEMENT(sites_learned, SQL_SITES_LEARNED);
STATEMENT(sites_domains, SQL_SITES_DOMAINS);

int64_t sites_now_us(void)
{
    return clock_mono_ms() * 1000;
}

/* ---- Names ---- */

static struct pace_site *site_labelled(const struct sites *s, const char *label)
{
    size_t len = strlen(SITES_RELAY);
    bool relay = strncmp(label, SITES_RELAY, len) == 0;

    return pace_find(s->pace, relay ? label + len : label, relay);
}

static struct known *known_of(struct sites *s, const char *label)
{
    struct known *k = map_get(&s->known, label);

    if (k || s->known.n >= SITES_KNOWN_MAX)
        return k;
    k = memory_new(1, sizeof *k);
    snprintf(k->label, sizeof k->label, "%s", label);
    map_put(&s->known, label, k);
    return k;
}

/* ---- The store speaks ---- */

static bool has_rows(const PGresult *r)
{
    return r && PQresultStatus(r) == PGRES_TUPLES_OK;
}

static void on_limits(void *arg, const PGresult *rows)
{
    struct sites *s = arg;
    char why[LOG_QUOTE_MAX];

    if (!has_rows(rows))
        return;
    pace_rules_start(s->pace);
    for (int row = 0; row < PQntuples(rows); row++) {
        const char *name = PQgetvalue(rows, row, 1);
        enum pace_scope scope;
        struct limits limits;
        struct error err = {"no such scope"};

        if (!pace_scope_named(PQgetvalue(rows, row, 0), &scope) ||
            limits_parse(PQgetvalue(rows, row, 2), &limits, &err) != STATUS_OK)
            log_event(LOG_ERROR, "limit_unusable", "name=%s why=%s", name,
                      log_quote(err.text, why));
        else if (!pace_rule(s->pace, scope, name, &limits))
            log_event(LOG_ERROR, "limit_unusable", "name=%s why=\"too many\"",
                      name);
    }
    pace_rules_done(s->pace, sites_now_us());
}

static void order(struct sites *s, struct known *k, bool paused,
                  int64_t retried_us)
{
    struct pace_site *site = site_labelled(s, k->label);
    bool again = s->known_once && retried_us > k->retried_us;

    k->paused = paused;
    k->retried_us = retried_us;
    if (again)
        k->has_saved = false;
    if (!site)
        return;
    pace_pause(site, paused);
    pace_ledger(site)->retried_us = retried_us;
    if (again)
        pace_retry(site, sites_now_us());
}

static void on_orders(void *arg, const PGresult *rows)
{
    struct sites *s = arg;
    size_t at = 0;

    if (!has_rows(rows))
        return;
    for (struct known *k; (k = map_next(&s->known, &at));)
        k->named = false;
    for (int row = 0; row < PQntuples(rows); row++) {
        struct known *k = known_of(s, PQgetvalue(rows, row, 0));

        if (!k)
            continue;
        k->named = true;
        order(s, k, *PQgetvalue(rows, row, 1) != 0, pg_time(rows, row, 2));
    }
    at = 0;
    for (struct known *k; (k = map_next(&s->known, &at));)
        if (!k->named && k->paused)
            order(s, k, false, k->retried_us);
    s->known_once = true;
}

/* What any worker learned, in use here or not. */
static void on_state(void *arg, const PGresult *rows)
{
    struct sites *s = arg;
    bool any = false;

    if (!has_rows(rows))
        return;
    s->has_state = true;
    s->state_ms = s->asked_ms;
    for (int row = 0; row < PQntuples(rows); row++) {
        struct known *k = known_of(s, PQgetvalue(rows, row, 0));
        int64_t retried_us = pg_time(rows, row, 8);
        struct pace_site *site;

        if (!k)
            continue;
        /* Learned after an order that was not read yet. */
        if (retried_us > k->retried_us)
            order(s, k, k->paused, retried_us);
        sites_read_learned(rows, row, s->host, &k->saved);
        k->has_saved = true;
        site = site_labelled(s, k->label);
        if (site)
            any |= pace_hear(site, &k->saved, sites_now_us());
    }
    if (any)
        s->changed(s->owner);
}

/* Who joined and is not known to all others has no lane yet. */
static bool all_heard(const PGresult *rows, int worker, int64_t started_us)
{
    for (int row = 0; row < PQntuples(rows); row++)
        if (pg_int(rows, row, 0) != worker &&
            pg_time(rows, row, 2) < started_us)
            return false;
    return true;
}

/* Who joined waits for this: not before we keep to what is left to us. */
static void tell_heard(struct sites *s, int64_t last_us)
{
    int64_t now_ms = clock_mono_ms();

    if (!pg_is_up(s->pg))
        return;
    if (s->crowded_ms == 0)
        s->crowded_ms = now_ms;
    if (!pace_has_made_room(s->pace) &&
        now_ms - s->crowded_ms < SITES_ROOM_MS) {
        s->read_ms = now_ms - SITES_POLL_MS + SITES_CROWDED_MS;
        return;
    }
    s->crowded_ms = 0;
    args_reset(&s->args);
    args_int(&s->args, s->worker);
    args_time(&s->args, last_us);
    pg_send(s->pg, &sites_heard, &s->args, NULL, NULL);
    pg_sync(s->pg);
}

/* The store's clock is everybody's. What is read of it is late by the way here:
 * the least late counts, but slowly less, as clocks run apart. */
static void set_clock(struct sites *s, int64_t store_us)
{
    int64_t ahead_us = store_us - sites_now_us();

    if (ahead_us > s->clock_us || s->clock_us - ahead_us > SITES_CLOCK_OFF_US)
        s->clock_us = ahead_us;
    else
        s->clock_us -= (s->clock_us - ahead_us) / SITES_CLOCK_SHARE;
}

/* After that who was not seen is gone, with a margin for a heartbeat on its
 * way. */
static int64_t lease_s(const struct sites *s)
{
    return s->config->lease_seconds + s->config->lease_seconds / 4 + 1;
}

static void on_workers(void *arg, const PGresult *rows)
{
    struct sites *s = arg;
    int32_t ids[LANES_WORKERS_MAX];
    unsigned n = 0;
    int64_t last_us = 0, mine_us = INT64_MAX;

    if (!has_rows(rows) || s->worker == 0)
        return;
    for (int row = 0; row < PQntuples(rows) && n < LANES_WORKERS_MAX; row++) {
        int64_t started_us = pg_time(rows, row, 1);

        ids[n++] = pg_int(rows, row, 0);
        last_us = started_us > last_us ? started_us : last_us;
        if (ids[n - 1] == s->worker)
            mine_us = started_us;
    }
    if (n > 0)
        set_clock(s, pg_time(rows, 0, 3));
    /* When the store was away, who lives has yet to say so. */
    if (clock_mono_ms() - s->up_ms < lease_s(s) * 1000 &&
        pace_lacks_worker(s->pace, ids, n))
        return;
    pace_lanes(s->pace, ids, n, s->worker,
               all_heard(rows, s->worker, mine_us) ? 0 : INT64_MAX, s->clock_us,
               sites_now_us());
    s->changed(s->owner);
    tell_heard(s, last_us);
}

/* What was written since the last time, or all. */
static void read_state(struct sites *s)
{
    int64_t now_ms = clock_mono_ms(), seconds = SITES_STATE_SECONDS;

    if (s->has_state)
        seconds = (now_ms - s->state_ms) / 1000 + SITES_LATE_SECONDS;
    s->state_wanted = false;
    s->asked_ms = now_ms;
    args_reset(&s->args);
    args_int(&s->args, (int32_t)seconds);
    pg_send(s->pg, &sites_state, &s->args, on_state, s);
}

static void read_all(struct sites *s)
{
    read_state(s);
    pg_send(s->pg, &sites_limits, NULL, on_limits, s);
    pg_send(s->pg, &sites_orders, NULL, on_orders, s);
    args_reset(&s->args);
    args_int(&s->args, (int32_t)lease_s(s));
    pg_send(s->pg, &sites_workers, &s->args, on_workers, s);
    pg_sync(s->pg);
}

static void on_permits(void *arg, const PGresult *rows)
{
    struct sites *s = arg;

    if (has_rows(rows))
        sites_permits_read(s->pace, rows);
    else
        pace_permits_unsure(s->pace);
}

/* ---- The store is told ---- */

static void report(struct sites *s)
{
    size_t at = 0;

    for (struct pace_site *site; (site = pace_next(s->pace, &at));) {
        pace_ledger(site)->waiting = 0;
        pace_ledger(site)->stranded = false;
    }
    s->counted(s->owner);
    if (!sites_report_args(s->pace, s->worker, &s->at, &s->args))
        return;
    pg_send(s->pg, &sites_report, &s->args, NULL, NULL);
    pg_sync(s->pg);
}

static void learned(struct sites *s)
{
    if (!sites_learned_args(s->pace, s->worker, s->host, &s->args))
        return;
    pg_send(s->pg, &sites_learned, &s->args, NULL, NULL);
    pg_sync(s->pg);
}

void sites_learn_domain(struct sites *s, const char *domain, const char *site)
{
    if (s->n_domains == SITES_DOMAINS_MAX || strcmp(domain, site) == 0)
        return;
    s->domains[s->n_domains] = text_copy(domain);
    s->sites[s->n_domains++] = text_copy(site);
}

static void forget_domains(struct sites *s)
{
    for (size_t i = 0; i < s->n_domains; i++) {
        free(s->domains[i]);
        free(s->sites[i]);
    }
    s->n_domains = 0;
}

static void add_texts(struct args *args, char *const *texts, size_t n)
{
    args_array_start(args, ARGS_ELEMENT_TEXT);
    for (size_t i = 0; i < n; i++)
        args_element_text(args, texts[i], strlen(texts[i]));
    args_array_end(args);
}

static void tell_domains(struct sites *s)
{
    args_reset(&s->args);
    add_texts(&s->args, s->domains, s->n_domains);
    add_texts(&s->args, s->sites, s->n_domains);
    pg_send(s->pg, &sites_domains, &s->args, NULL, NULL);
    pg_sync(s->pg);
    forget_domains(s);
}

/* ---- Time, and the connection ---- */

static void on_tick(uv_timer_t *timer)
{
    struct sites *s = timer->data;
    int64_t now_ms = clock_mono_ms();

    if (!pg_is_idle(s->pg))
        return;
    if (s->worker &&
        sites_permits_args(s->pace, s->worker, lease_s(s), &s->args)) {
        pg_send(s->pg, &sites_permits, &s->args, on_permits, s);
        pg_sync(s->pg);
    } else if (s->wanted || now_ms - s->read_ms >= SITES_POLL_MS) {
        s->wanted = false;
        s->read_ms = now_ms;
        read_all(s);
    } else if (s->state_wanted) {
        read_state(s);
        pg_sync(s->pg);
    } else if (s->worker && now_ms - s->learned_ms >= SITES_LEARNED_MS) {
        s->learned_ms = now_ms;
        learned(s);
    } else if (s->n_domains > 0) {
        tell_domains(s);
    } else if (s->worker && now_ms - s->report_ms >= SITES_REPORT_MS) {
        s->report_ms = now_ms;
        report(s);
    }
}

static void join(struct sites *s)
{
    if (s->alone_told || s->worker == 0 || !pg_is_up(s->pg))
        return;
    s->alone_told = s->wanted = true;
    args_reset(&s->args);
    args_int(&s->args, s->worker);
    pg_send(s->pg, &sites_forget, &s->args, NULL, NULL);
    pg_send(s->pg, &sites_forget_bounds, NULL, NULL, NULL);
    pg_send(s->pg, &sites_joined, NULL, NULL, NULL);
    pg_sync(s->pg);
}

static void on_up(struct pg *pg, void *owner)
{
    struct sites *s = owner;

    s->wanted = true;
    s->up_ms = clock_mono_ms();
    pg_send(pg, &sites_listen, NULL, NULL, NULL);
    pg_sync(pg);
    join(s);
}

static void on_down(struct pg *pg, const char *why, void *owner)
{
    (void)pg, (void)why, (void)owner; /* loop/pg logs it and connects again */
}

static void on_notified(struct pg *pg, const char *channel, const char *payload,
                        void *owner)
{
    struct sites *s = owner;

    (void)pg, (void)channel;
    s->wanted |=
        strcmp(payload, "sites") == 0 || strcmp(payload, "workers") == 0;
    s->state_wanted |= strcmp(payload, "learned") == 0;
}

void sites_start(struct sites *s, int worker)
{
    s->worker = worker;
    s->alone_told = false;
    pace_permits_lost(s->pace);
    join(s);
}

/* ---- Asking ---- */

bool sites_are_known(const struct sites *s)
{
    return s->known_once;
}

struct pace *sites_pace(struct sites *s)
{
    return s->pace;
}

struct pace_site *sites_find(const struct sites *s, const char *label)
{
    return site_labelled(s, label);
}

bool sites_held(const struct sites *s, const char *name)
{
    const struct pace_site *site = site_labelled(s, name);
    const struct known *k = site ? NULL : map_get(&s->known, name);
    int64_t now_us = sites_now_us(), until_us;

    if (site)
        return pace_parked(site, now_us, &until_us);
    return k &&
           (k->paused ||
            (k->has_saved && pace_saved_until(s->pace, &k->saved, now_us) > 0));
}

bool sites_campaign_held(const struct sites *s, const char *label,
                         const char *campaign)
{
    const struct pace_site *site = site_labelled(s, label);
    const struct known *k = site ? NULL : map_get(&s->known, label);
    int64_t now_us = sites_now_us();

    if (site)
        return pace_suspended_until(site, campaign, now_us) > 0;
    for (size_t i = 0; k && k->has_saved && i < PACE_CAMPAIGNS_MAX; i++)
        if (k->saved.campaigns[i].until_us > now_us &&
            strcmp(k->saved.campaigns[i].name, campaign) == 0)
            return true;
    return false;
}

struct pace_site *sites_site(struct sites *s, const char *name, bool relay)
{
    struct pace_site *site = pace_find(s->pace, name, relay);
    char label[SITES_LABEL_MAX];
    struct known *k;

    if (site)
        return site;
    site = pace_site(s->pace, name, relay, sites_now_us());
    sites_label(site, label);
    k = map_get(&s->known, label);
    if (k && k->has_saved)
        pace_restore(site, &k->saved, sites_now_us());
    if (k)
        pace_pause(site, k->paused);
    pace_ledger(site)->retried_us = k ? k->retried_us : INT64_MIN;
    return site;
}

void sites_release(struct sites *s, struct pace_site *site)
{
    if (--pace_ledger(site)->users == 0 && pace_is_plain(site, sites_now_us()))
        pace_forget(s->pace, site);
}

/* ---- Coming and going ---- */

struct sites *sites_new(uv_loop_t *loop, const struct config *config,
                        const char *conninfo, void (*counted)(void *owner),
                        void (*changed)(void *owner), void *owner)
{
    static const struct pg_events events = {on_up, on_down, on_notified};
    struct sites *s = memory_new(1, sizeof *s);
    struct limits standard = limits_unset();

    standard.of[LIMIT_CONNECTIONS] = config->site_connections_max;
    standard.of[LIMIT_CONNECTIONS_PER_MINUTE] =
        config->site_connections_per_minute;
    standard.of[LIMIT_MAILS_PER_CONNECTION] = config->site_connection_mails_max;
    standard.of[LIMIT_MAILS_PER_SECOND] = config->site_mails_per_second;
    s->config = config;
    s->counted = counted;
    s->changed = changed;
    s->owner = owner;
    s->pace = pace_new(&standard);
    s->host[0] = '@';
    gethostname(s->host + 1, sizeof s->host - 2);
    s->pg = pg_new(loop, "sites", conninfo, &events, s);
    s->tick = memory_new(1, sizeof *s->tick);
    uv_timer_init(loop, s->tick);
    s->tick->data = s;
    uv_timer_start(s->tick, on_tick, 0, SITES_TICK_MS);
    return s;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void sites_free(struct sites *s)
{
    size_t at = 0;

    if (!s)
        return;
    uv_timer_stop(s->tick);
    uv_close((uv_handle_t *)s->tick, free_handle);
    pg_free(s->pg);
    for (struct known *k; (k = map_next(&s->known, &at));)
        free(k);
    map_fini(&s->known);
    forget_domains(s);
    pace_free(s->pace);
    args_fini(&s->args);
    free(s);
}
