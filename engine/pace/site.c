#include "pace/site.h"
#include "base/memory.h"
#include "pace/state.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ENUM_DEFINE(pace_scope, PACE_SCOPE_TABLE);

#define MINUTE_NS INT64_C(60000000000)

void pace_key(char *out, const char *kind, const char *name)
{
    snprintf(out, PACE_KEY_MAX, "%s %s", kind, name);
}

bool pace_scope_named(const char *text, enum pace_scope *scope)
{
    for (int i = 0; i < PACE_SCOPES; i++)
        if (strcmp(pace_scope_text((enum pace_scope)i), text) == 0) {
            *scope = (enum pace_scope)i;
            return true;
        }
    return false;
}

/* ---- A site's limits ---- */

static void override_by(struct limits *limits, const char *text)
{
    struct limits over;

    if (limits_parse(text, &over, NULL) == STATUS_OK)
        limits_override(limits, &over);
}

/* What part of the site's mail is ours: one of so many. Where no limit is
 * divided all workers may send alike. */
static void set_part(struct pace_site *s, int64_t now_us)
{
    unsigned part_of = s->share.n;

    if (!lanes_divide(&s->limits))
        part_of = s->pace->lanes.n;
    if (part_of == 0)
        part_of = 1;
    if (s->part_of > 0 && s->part_of != part_of)
        shape_scale(&s->shape, (double)s->part_of / part_of, now_us);
    s->part_of = part_of;
}

void pace_resolve(struct pace_site *s, int64_t now_us)
{
    const struct rule_state *rule =
        pace_rule_find(s->pace, s->relay ? PACE_RELAY : PACE_SITE, s->name);
    struct limits limits = s->relay ? limits_unset() : s->pace->standard;
    struct lane_share was = s->share;
    char key[PACE_KEY_MAX];

    if (s->provider)
        override_by(&limits, s->provider->limits);
    if (rule)
        limits_override(&limits, &rule->limits);
    s->ledger.changes += memcmp(&s->limits, &limits, sizeof limits) != 0;
    s->limits = limits;
    pace_key(key, s->relay ? "relay" : "site", s->name);
    s->share = lanes_share(&s->pace->lanes, key, &limits, now_us);
    s->ledger.changes += was.n != s->share.n || was.mine != s->share.mine;
    set_part(s, now_us);
    if (s->share.n == 0)
        return;
    meter_set(&s->meter, &limits, s->share.mine, s->share.n, now_us);
    meter_gate_set(&s->connects,
                   limits_share(limits.of[LIMIT_CONNECTIONS_PER_MINUTE] > 0
                                    ? limits.of[LIMIT_CONNECTIONS_PER_MINUTE]
                                    : 0,
                                s->share.mine, s->share.n),
                   MINUTE_NS, limits.of[LIMIT_CONNECTIONS], now_us);
    pace_warming_resolve(s, now_us);
}

static void resolve_all(struct pace *p, int64_t now_us)
{
    size_t at = 0;

    pace_rules_resolve(p, now_us);
    for (struct pace_site *s; (s = map_next(&p->sites, &at));)
        pace_resolve(s, now_us);
}

void pace_rules_done(struct pace *p, int64_t now_us)
{
    pace_rules_forget_unnamed(p);
    resolve_all(p, now_us);
}

void pace_lanes(struct pace *p, const int32_t *workers, unsigned n,
                int32_t mine, int64_t quiet_until_us, int64_t clock_us,
                int64_t now_us)
{
    p->clock_us = clock_us;
    lanes_set(&p->lanes, workers, n, mine, quiet_until_us);
    resolve_all(p, now_us);
}

/* Of the site's connections. */
static unsigned share_of(const struct pace_site *s)
{
    int64_t limit = s->limits.of[LIMIT_CONNECTIONS];

    return s->share.n > 0
               ? (unsigned)limits_share(limit, s->share.mine, s->share.n)
               : 0;
}

bool pace_has_made_room(const struct pace *p)
{
    size_t at = 0;

    for (const struct pace_site *s; (s = map_next(&p->sites, &at));)
        if (s->limits.of[LIMIT_CONNECTIONS] > 0 && s->open > share_of(s))
            return false;
    return true;
}

bool pace_lacks_worker(const struct pace *p, const int32_t *workers, unsigned n)
{
    for (unsigned i = 0; i < p->lanes.n; i++) {
        unsigned k = 0;

        while (k < n && workers[k] != p->lanes.workers[i])
            k++;
        if (k == n)
            return true;
    }
    return false;
}

unsigned pace_workers(const struct pace *p)
{
    return p->lanes.n;
}

void pace_sources(struct pace *p, const char *const *names, size_t n)
{
    free(p->sources);
    p->sources = n > 0 ? memory_new(n, sizeof *p->sources) : NULL;
    p->n_sources = n;
    for (size_t i = 0; i < n; i++)
        snprintf(p->sources[i], sizeof p->sources[i], "%s", names[i]);
}

/* ---- Sites come and go ---- */

struct pace_site *pace_find(const struct pace *p, const char *name, bool relay)
{
    char key[PACE_KEY_MAX];

    pace_key(key, relay ? "relay" : "site", name);
    return map_get(&p->sites, key);
}

struct pace_site *pace_site(struct pace *p, const char *name, bool relay,
                            int64_t now_us)
{
    struct pace_site *s = pace_find(p, name, relay);
    char key[PACE_KEY_MAX];

    if (s)
        return s;
    s = memory_new(1, sizeof *s);
    s->pace = p;
    s->relay = relay;
    snprintf(s->name, sizeof s->name, "%s", name);
    s->provider = relay ? NULL : provider_named(name);
    pace_resolve(s, now_us);
    pace_key(key, relay ? "relay" : "site", name);
    map_put(&p->sites, key, s);
    return s;
}

bool pace_foresee(struct pace *p, const char *name, int64_t now_us,
                  double *rate)
{
    struct pace_site s = {.pace = p, .provider = provider_named(name)};

    *rate = 0;
    if (!s.provider && !pace_rule_find(p, PACE_SITE, name))
        return true;
    snprintf(s.name, sizeof s.name, "%s", name);
    pace_resolve(&s, now_us);
    *rate = pace_rate(&s);
    return s.share.n > 0;
}

bool pace_is_plain(const struct pace_site *s, int64_t now_us)
{
    int64_t until_us = now_us;
    size_t at = 0;

    for (size_t i = 0; i < PACE_SOURCES_MAX; i++)
        if (s->sources[i].until_us > now_us)
            return false;
    /* Nor is what was sent of a limit, or of a warm-up. */
    if (s->n_warming > 0 || !meter_allows(&s->meter, now_us, &until_us) ||
        !meter_gate_allows(&s->connects, now_us, &until_us))
        return false;
    return s->open == 0 && s->shape.rate <= 0 && s->shape.lines <= 0 &&
           !pace_parked(s, now_us, &until_us) &&
           !pace_suspended_next(s, &at, now_us, &until_us);
}

void pace_forget(struct pace *p, struct pace_site *s)
{
    char key[PACE_KEY_MAX];

    pace_key(key, s->relay ? "relay" : "site", s->name);
    map_remove(&p->sites, key);
    free(s);
}

struct pace_site *pace_next(const struct pace *p, size_t *at)
{
    return map_next(&p->sites, at);
}

const char *pace_name(const struct pace_site *s)
{
    return s->name;
}

bool pace_is_relay(const struct pace_site *s)
{
    return s->relay;
}

const struct limits *pace_limits(const struct pace_site *s)
{
    return &s->limits;
}

struct lane_share pace_share(const struct pace_site *s)
{
    return s->share;
}

const struct shape *pace_shape(const struct pace_site *s)
{
    return &s->shape;
}

const struct provider *pace_provider(const struct pace_site *s)
{
    return s->provider;
}

struct pace *pace_new(const struct limits *standard)
{
    struct pace *p = memory_new(1, sizeof *p);

    p->standard = *standard;
    pace_sources(p, &(const char *){""}, 1);
    return p;
}

void pace_free(struct pace *p)
{
    size_t at = 0;

    if (!p)
        return;
    for (struct pace_site *s; (s = map_next(&p->sites, &at));)
        free(s);
    at = 0;
    for (struct rule_state *r; (r = map_next(&p->rules, &at));)
        free(r);
    free(p->sources);
    map_fini(&p->sites);
    map_fini(&p->rules);
    free(p);
}
