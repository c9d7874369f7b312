/* pace/ask - the part of pace/site that answers: may it go now? */
#include "pace/state.h"
#include <stdio.h>
#include <string.h>

#define US_A_SECOND 1e6
#define SECONDS_A_MINUTE 60.0

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t suspension_of(const struct suspension *list, size_t n, const char *name,
                      int64_t now_us)
{
    for (size_t i = 0; name && i < n; i++)
        if (list[i].until_us > now_us && strcmp(list[i].name, name) == 0)
            return list[i].until_us;
    return 0;
}

static bool is_ours(const struct pace *p, const char *source)
{
    for (size_t i = 0; i < p->n_sources; i++)
        if (strcmp(p->sources[i], source) == 0)
            return true;
    return false;
}

int64_t pace_sources_until(const struct pace_site *s, int64_t now_us)
{
    int64_t first = PACE_NEVER_US;
    size_t n = 0;

    for (size_t i = 0; i < PACE_SOURCES_MAX; i++) {
        if (s->sources[i].until_us <= now_us ||
            !is_ours(s->pace, s->sources[i].name))
            continue;
        n++;
        if (s->sources[i].until_us < first)
            first = s->sources[i].until_us;
    }
    return n > 0 && n >= s->pace->n_sources ? first : 0;
}

bool pace_parked(const struct pace_site *s, int64_t now_us, int64_t *until_us)
{
    int64_t sources_us = pace_sources_until(s, now_us);

    *until_us = 0;
    if (s->paused || s->share.n == 0) {
        *until_us = PACE_NEVER_US;
        return true;
    }
    if (s->suspended_until_us > now_us)
        *until_us = s->suspended_until_us;
    *until_us = later(*until_us, sources_us);
    return *until_us > now_us;
}

unsigned pace_connections(const struct pace_site *s)
{
    int64_t limit = s->limits.of[LIMIT_CONNECTIONS];
    unsigned most = UINT32_MAX;

    if (s->share.n == 0)
        return 0;
    if (limit > 0)
        most = (unsigned)limits_share(limit, s->share.mine, s->share.n);
    if (s->shape.lines > 0 && s->shape.lines < most)
        most = (unsigned)s->shape.lines;
    return most;
}

unsigned pace_mails_per_connection(const struct pace_site *s,
                                   const char *source)
{
    const struct rule_state *r = pace_rule_find(s->pace, PACE_SOURCE, source);
    int64_t limit = s->limits.of[LIMIT_MAILS_PER_CONNECTION];
    int64_t own = r ? r->limits.of[LIMIT_MAILS_PER_CONNECTION] : 0;

    if (own > 0 && (limit <= 0 || own < limit))
        limit = own;
    return limit > 0 ? (unsigned)limit : 0;
}

static bool may_open(struct pace_site *s, const struct pace_asker *by,
                     int64_t now_us, int64_t *when_us)
{
    bool full = s->open >= pace_connections(s);

    if (!full && turn_is_ours(&s->connecting, by->who, by->urgent, now_us))
        return true;
    turn_refused(&s->connecting, by->who, by->urgent, by->waits_us, now_us,
                 now_us);
    /* Alone it hears when one is closed. */
    *when_us = full && s->ledger.users < 2
                   ? PACE_NEVER_US
                   : later(*when_us, now_us + TURN_POLL_US);
    return false;
}

bool pace_may_connect(struct pace_site *s, const struct pace_asker *by,
                      int64_t now_us, int64_t *when_us)
{
    bool may;

    *when_us = now_us;
    if (pace_parked(s, now_us, when_us) || !may_open(s, by, now_us, when_us))
        return false;
    may = meter_gate_allows(&s->connects, now_us, when_us);
    return pace_source_may_connect(s, by, may, now_us, when_us) && may;
}

bool pace_may_send(struct pace_site *s, const struct pace_keys *keys,
                   int64_t now_us, int64_t *when_us)
{
    int64_t campaign_us;
    bool may;

    *when_us = now_us;
    if (pace_parked(s, now_us, when_us))
        return false;
    may = meter_allows(&s->meter, now_us, when_us);
    may &= meter_gate_allows(&s->shape.gate, now_us, when_us);
    campaign_us = suspension_of(s->campaigns, PACE_CAMPAIGNS_MAX,
                                keys->of[PACE_CAMPAIGN], now_us);
    if (campaign_us) {
        *when_us = later(*when_us, campaign_us);
        may = false;
    }
    may &= pace_warm_may(s, keys->of[PACE_SOURCE], now_us, when_us);
    return pace_rules_may(s, keys, may, now_us, when_us) && may;
}

int64_t pace_suspended_until(const struct pace_site *s, const char *campaign,
                             int64_t now_us)
{
    return suspension_of(s->campaigns, PACE_CAMPAIGNS_MAX, campaign, now_us);
}

const char *pace_suspended_next(const struct pace_site *s, size_t *at,
                                int64_t now_us, int64_t *until_us)
{
    while (*at < PACE_CAMPAIGNS_MAX) {
        const struct suspension *c = &s->campaigns[(*at)++];

        if (c->until_us > now_us) {
            *until_us = c->until_us;
            return c->name;
        }
    }
    return NULL;
}

/* New connections are few, and of little use each. */
static double connects_rate(const struct pace_site *s)
{
    int64_t mails = s->limits.of[LIMIT_MAILS_PER_CONNECTION];

    return mails > 0 ? (double)(s->connects.n * mails) / SECONDS_A_MINUTE : 0;
}

double pace_rate(const struct pace_site *s)
{
    double rate = meter_rate(&s->meter), connects = connects_rate(s);

    if (connects > 0 && (rate <= 0 || connects < rate))
        rate = connects;

    if (s->shape.rate > 0 && (rate <= 0 || s->shape.rate < rate))
        rate = s->shape.rate;
    return rate;
}
