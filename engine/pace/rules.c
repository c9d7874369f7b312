/* pace/rules - the part of pace/site about limits of what is no site: a
 * campaign, a project, a sender, a source address. */
#include "base/memory.h"
#include "pace/state.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_A_SECOND 1e6
#define MINUTE_NS INT64_C(60000000000)

/* ---- Rules of the operator ---- */

struct rule_state *pace_rule_find(const struct pace *p, enum pace_scope scope,
                                  const char *name)
{
    char key[PACE_KEY_MAX];

    if (p->n_rules[scope] == 0 || !name || !name[0])
        return NULL;
    pace_key(key, pace_scope_text(scope), name);
    return map_get(&p->rules, key);
}

bool pace_has_rules(const struct pace *p, enum pace_scope scope)
{
    return p->n_rules[scope] > 0;
}

void pace_rules_start(struct pace *p)
{
    size_t at = 0;

    for (struct rule_state *r; (r = map_next(&p->rules, &at));)
        r->named = false;
}

bool pace_rule(struct pace *p, enum pace_scope scope, const char *name,
               const struct limits *limits)
{
    char key[PACE_KEY_MAX];
    struct rule_state *r;

    pace_key(key, pace_scope_text(scope), name);
    r = map_get(&p->rules, key);
    if (!r) {
        if (p->rules.n >= PACE_RULES_MAX)
            return false;
        r = memory_new(1, sizeof *r);
        r->scope = scope;
        r->ticket = ++p->tickets;
        snprintf(r->name, sizeof r->name, "%s", name);
        map_put(&p->rules, key, r);
        p->n_rules[scope]++;
    }
    r->limits = *limits;
    r->named = true;
    return true;
}

void pace_rules_forget_unnamed(struct pace *p)
{
    size_t at = 0;

    for (struct rule_state *r; (r = map_next(&p->rules, &at));) {
        char key[PACE_KEY_MAX];

        if (r->named)
            continue;
        pace_key(key, pace_scope_text(r->scope), r->name);
        map_remove(&p->rules, key);
        p->n_rules[r->scope]--;
        free(r);
        at = 0; /* removal may move others */
    }
}

static int64_t limit_of(const struct rule_state *r, enum limit limit)
{
    return r->limits.of[limit] > 0 ? r->limits.of[limit] : 0;
}

static void resolve(struct pace *p, struct rule_state *r, int64_t now_us)
{
    /* One place for all: a mail may need turns of several. */
    r->share = lanes_place(&p->lanes, "rules", now_us);
    permits_limit(&r->permits, limit_of(r, LIMIT_CONNECTIONS), r->share.mine,
                  r->share.n);
    if (r->share.n == 0)
        return;
    meter_set_turns(&r->meter, &r->limits, r->share.mine, r->share.n,
                    p->clock_us, now_us);
    meter_gate_set_turns(&r->connects,
                         limit_of(r, LIMIT_CONNECTIONS_PER_MINUTE), MINUTE_NS,
                         0, r->share.mine, r->share.n, p->clock_us, now_us);
}

void pace_rules_resolve(struct pace *p, int64_t now_us)
{
    size_t at = 0;

    p->counts = false;
    for (struct rule_state *r; (r = map_next(&p->rules, &at));) {
        if (r->scope == PACE_SITE || r->scope == PACE_RELAY)
            continue;
        resolve(p, r, now_us);
        p->counts |= r->scope != PACE_SOURCE &&
                     (limit_of(r, LIMIT_CONNECTIONS) > 0 ||
                      limit_of(r, LIMIT_CONNECTIONS_PER_MINUTE) > 0);
    }
}

/* ---- Asking ---- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* By time: so many mails a second, ... */
static bool time_allows(const struct rule_state *r, int64_t now_us,
                        int64_t *when_us)
{
    if (r->share.n == 0) {
        *when_us = PACE_NEVER_US;
        return false;
    }
    return meter_allows(&r->meter, now_us, when_us);
}

/* By number: mails under way, each on a connection; and a mail that is the
 * first on its connection counts as that being opened for it. A source has its
 * connections counted themselves. */
static bool number_allows(const struct rule_state *r,
                          const struct pace_keys *keys, int64_t now_us,
                          int64_t *when_us)
{
    bool may = true;

    if (r->scope == PACE_SOURCE)
        return true;
    if (keys->carried == 0)
        may = meter_gate_allows(&r->connects, now_us, when_us);
    if (permits_allow(&r->permits, now_us))
        return may;
    *when_us = later(*when_us, now_us + TURN_POLL_US);
    return false;
}

static bool rule_allows(const struct rule_state *r, const struct pace_site *s,
                        const struct pace_keys *keys, int64_t now_us,
                        int64_t *when_us)
{
    bool may = time_allows(r, now_us, when_us);

    may &= number_allows(r, keys, now_us, when_us);
    if (may && !turn_is_ours(&r->turn, s, keys->urgent, now_us)) {
        *when_us = later(*when_us, now_us + TURN_POLL_US);
        return false;
    }
    return may;
}

/* For people, who ask why. */
static void note_held(struct pace_site *s, const struct rule_state *r,
                      int64_t now_us)
{
    s->held_scope = r->scope;
    s->held_us = now_us;
    memcpy(s->held_name, r->name, sizeof s->held_name);
}

/* Of several rules that it waits for, the latest. */
static int64_t *wait_for(struct pace_site *s, const struct rule_state *r)
{
    struct pace_wait *at = &s->waits[0];

    for (size_t i = 0; i < PACE_WAITS_MAX; i++) {
        if (s->waits[i].ticket == r->ticket)
            return &s->waits[i].since_us;
        if (s->waits[i].since_us < at->since_us)
            at = &s->waits[i];
    }
    *at = (struct pace_wait){.ticket = r->ticket};
    return &at->since_us;
}

/* It has its turn only where nothing else is in its way. */
bool pace_rules_may(struct pace_site *s, const struct pace_keys *keys,
                    bool otherwise, int64_t now_us, int64_t *when_us)
{
    struct rule_state *held = NULL;
    unsigned n_held = 0;

    for (int i = PACE_CAMPAIGN; i < PACE_RELAY; i++) {
        struct rule_state *r =
            pace_rule_find(s->pace, (enum pace_scope)i, keys->of[i]);

        if (!r || rule_allows(r, s, keys, now_us, when_us))
            continue;
        note_held(s, r, now_us);
        held = r;
        n_held++;
    }
    if (n_held == 1 && otherwise) {
        turn_refused(&held->turn, s, keys->urgent, wait_for(s, held), *when_us,
                     now_us);
        permits_refused(&held->permits, now_us);
    }
    return n_held == 0;
}

bool pace_is_worn(const struct pace *p, const struct pace_keys *keys)
{
    for (int i = PACE_CAMPAIGN; i < PACE_SOURCE; i++) {
        const struct rule_state *r =
            pace_rule_find(p, (enum pace_scope)i, keys->of[i]);
        int64_t most = r ? limit_of(r, LIMIT_MAILS_PER_CONNECTION) : 0;

        if (most > 0 && keys->carried >= most)
            return true;
    }
    return false;
}

bool pace_counts_any(const struct pace *p)
{
    return p->counts;
}

bool pace_counts_connections(const struct pace *p, const struct pace_keys *keys)
{
    for (int i = PACE_CAMPAIGN; i < PACE_SOURCE; i++) {
        const struct rule_state *r =
            pace_rule_find(p, (enum pace_scope)i, keys->of[i]);

        if (r && (r->permits.limit > 0 || r->connects.n > 0))
            return true;
    }
    return false;
}

/* The least of what its limits let go. */
static double rate_of(const struct rule_state *r)
{
    double by_time = meter_rate(&r->meter), by_number = 0;

    if (r->scope != PACE_SOURCE)
        by_number = permits_rate(&r->permits);
    if (by_number <= 0 || (by_time > 0 && by_time < by_number))
        return by_time;
    return by_number;
}

bool pace_rule_rate(const struct pace *p, enum pace_scope scope,
                    const char *name, double *rate)
{
    const struct rule_state *r = pace_rule_find(p, scope, name);

    *rate = r ? rate_of(r) : 0;
    return !r || r->share.n > 0;
}

bool pace_rules_allow(const struct pace *p, const struct pace_keys *keys,
                      int64_t now_us)
{
    int64_t when_us = now_us;
    bool all = true;

    for (int i = PACE_CAMPAIGN; i < PACE_RELAY; i++) {
        const struct rule_state *r =
            pace_rule_find(p, (enum pace_scope)i, keys->of[i]);

        all &= !r || (time_allows(r, now_us, &when_us) &&
                      number_allows(r, keys, now_us, &when_us));
    }
    return all;
}

double pace_rules_rate(const struct pace *p, const struct pace_keys *keys)
{
    double lowest = 0, rate;

    for (int i = PACE_CAMPAIGN; i < PACE_RELAY; i++) {
        (void)pace_rule_rate(p, (enum pace_scope)i, keys->of[i], &rate);
        if (rate > 0 && (lowest <= 0 || rate < lowest))
            lowest = rate;
    }
    return lowest;
}

/* Promised times end at the latest one, and what was cut to that is promised
 * anew when it comes back. */
int64_t pace_rules_later(struct pace *p, const struct pace_keys *keys,
                         size_t kept, size_t n, int64_t most_us, int64_t now_us)
{
    int64_t latest_us = now_us;

    for (int i = PACE_CAMPAIGN; i < PACE_RELAY; i++) {
        struct rule_state *r =
            pace_rule_find(p, (enum pace_scope)i, keys->of[i]);
        double rate = r ? rate_of(r) : 0, each_us;

        if (!r || r->share.n == 0 || rate <= 0)
            continue;
        each_us = US_A_SECOND / rate;
        if (each_us > (double)most_us)
            each_us = (double)most_us;
        r->later_us =
            later(r->later_us,
                  now_us + sooner((int64_t)((double)kept * each_us), most_us));
        r->later_us = sooner(r->later_us + (int64_t)((double)n * each_us),
                             now_us + most_us);
        latest_us = later(latest_us, r->later_us);
    }
    return latest_us;
}

enum limit pace_rule_binding(const struct rule_state *r, int64_t now_us)
{
    enum limit binding = meter_binding(&r->meter, now_us);
    int64_t when_us = now_us;

    if (binding != (enum limit)LIMITS)
        return binding;
    if (!permits_allow(&r->permits, now_us))
        return LIMIT_CONNECTIONS;
    if (!meter_gate_allows(&r->connects, now_us, &when_us))
        return LIMIT_CONNECTIONS_PER_MINUTE;
    return (enum limit)LIMITS;
}

/* ---- Telling ---- */

unsigned pace_rules_spend(struct pace_site *s, const struct pace_keys *keys,
                          int64_t now_us)
{
    unsigned counted = 0;

    for (int i = PACE_CAMPAIGN; i < PACE_RELAY; i++) {
        struct rule_state *r =
            pace_rule_find(s->pace, (enum pace_scope)i, keys->of[i]);

        if (!r)
            continue;
        meter_spend(&r->meter, now_us);
        turn_served(&r->turn, s, wait_for(s, r));
        if (i == PACE_SOURCE)
            continue;
        permits_use(&r->permits, now_us);
        if (keys->carried == 0)
            meter_gate_spend(&r->connects, now_us);
        counted |= 1U << i;
    }
    return counted;
}

void pace_done(struct pace *p, const struct pace_keys *keys, unsigned counted,
               int64_t now_us)
{
    for (int i = PACE_CAMPAIGN; i < PACE_SOURCE; i++) {
        struct rule_state *r =
            counted & (1U << i)
                ? pace_rule_find(p, (enum pace_scope)i, keys->of[i])
                : NULL;

        if (r)
            permits_free(&r->permits, now_us);
    }
}

/* ---- A source's connections ---- */

bool pace_source_may_connect(struct pace_site *s, const struct pace_asker *by,
                             bool otherwise, int64_t now_us, int64_t *when_us)
{
    struct rule_state *r = pace_rule_find(s->pace, PACE_SOURCE, by->source);
    bool may;

    if (!r)
        return true;
    if (r->share.n == 0) {
        *when_us = PACE_NEVER_US;
        return false;
    }
    may = meter_gate_allows(&r->connects, now_us, when_us);
    if (!permits_allow(&r->permits, now_us) ||
        !turn_is_ours(&r->connecting, s, by->urgent, now_us)) {
        *when_us = later(*when_us, now_us + TURN_POLL_US);
        may = false;
    }
    if (may)
        return true;
    note_held(s, r, now_us);
    if (otherwise) {
        turn_refused(&r->connecting, s, by->urgent, &s->waits_source_us,
                     *when_us, now_us);
        permits_refused(&r->permits, now_us);
    }
    return false;
}

unsigned pace_source_opened(struct pace_site *s, const char *source,
                            int64_t now_us)
{
    struct rule_state *r = pace_rule_find(s->pace, PACE_SOURCE, source);

    if (!r)
        return 0;
    permits_use(&r->permits, now_us);
    meter_gate_spend(&r->connects, now_us);
    turn_served(&r->connecting, s, &s->waits_source_us);
    return r->ticket;
}

void pace_source_closed(struct pace *p, unsigned ticket, int64_t now_us)
{
    size_t at = 0;

    if (ticket == 0)
        return;
    for (struct rule_state *r; (r = map_next(&p->rules, &at));)
        if (r->ticket == ticket)
            permits_free(&r->permits, now_us);
}

unsigned pace_source_ticket(const struct pace *p, const char *source)
{
    const struct rule_state *r = pace_rule_find(p, PACE_SOURCE, source);

    return r ? r->ticket : 0;
}

static enum pace_yield source_yields(const struct pace_site *s,
                                     const char *source, int64_t now_us)
{
    const struct rule_state *r = pace_rule_find(s->pace, PACE_SOURCE, source);

    if (!r || r->permits.limit == 0)
        return PACE_KEEP;
    if (r->permits.used > permits_cap(&r->permits, now_us))
        return PACE_YIELD_NOW;
    return turn_is_wanted(&r->connecting, s, now_us) &&
                   !permits_allow(&r->permits, now_us)
               ? PACE_YIELD_SOON
               : PACE_KEEP;
}

enum pace_yield pace_yields(const struct pace_site *s,
                            const struct pace_asker *by, int64_t now_us)
{
    if (s->open >= pace_connections(s) &&
        turn_is_wanted(&s->connecting, by->who, now_us))
        return PACE_YIELD_SOON;
    return source_yields(s, by->source, now_us);
}

/* ---- The store of permits ---- */

bool pace_permits_ask(struct pace *p, size_t *at, int64_t now_us,
                      struct pace_permits *out)
{
    for (struct rule_state *r; (r = map_next(&p->rules, at));) {
        if (!permits_ask(&r->permits, now_us, &out->want))
            continue;
        out->scope = r->scope;
        out->name = r->name;
        out->limit = r->permits.limit;
        return true;
    }
    return false;
}

void pace_permits_told(struct pace *p, enum pace_scope scope, const char *name,
                       unsigned held, bool asked, int64_t now_us)
{
    struct rule_state *r = pace_rule_find(p, scope, name);

    if (r)
        permits_told(&r->permits, held, asked, now_us);
}

void pace_permits_lost(struct pace *p)
{
    size_t at = 0;

    for (struct rule_state *r; (r = map_next(&p->rules, &at));)
        permits_lost(&r->permits);
}

void pace_permits_unsure(struct pace *p)
{
    size_t at = 0;

    for (struct rule_state *r; (r = map_next(&p->rules, &at));)
        r->permits.settled = false;
}
