/* pace/source - the part of pace/site about the addresses that mail leaves
 * from: who is blamed, and who is being warmed up. */
#include "pace/state.h"
#include <stdio.h>
#include <string.h>

#define DAY_NS INT64_C(86400000000000)

enum { WARM_TURNS_MOST = 432 }; /* a day: more would be too close together */

bool pace_source_may(const struct pace_site *s, const char *source,
                     int64_t now_us)
{
    return suspension_of(s->sources, PACE_SOURCES_MAX, source, now_us) == 0;
}

int64_t pace_source_until(const struct pace_site *s, const char *source,
                          int64_t now_us)
{
    return suspension_of(s->sources, PACE_SOURCES_MAX, source, now_us);
}

/* ---- Warm-up ---- */

static const struct warming *warming_of(const struct pace_site *s,
                                        const char *source)
{
    for (size_t i = 0; source && i < s->n_warming; i++)
        if (strcmp(s->warming[i].source, source) == 0)
            return &s->warming[i];
    return NULL;
}

/* What was sent is not kept over a restart. Few mails a day go at fixed moments
 * of the common clock, as turns, of which nothing has to be kept; of more, one
 * counts as sent when we begin. */
static void allow(struct warming *w, struct lane_share was,
                  const struct pace *p, int64_t now_us)
{
    struct meter_gate *gate = &w->meter.gates[METER_DAY];
    bool begins = gate->n == 0;

    if (w->share.n == 0)
        return;
    if (w->per_day <= WARM_TURNS_MOST) {
        meter_gate_turns(gate, w->per_day, DAY_NS, w->share.mine, w->share.n,
                         p->clock_us, now_us);
        begins |= was.n != w->share.n || was.mine != w->share.mine;
    } else {
        meter_gate_set(gate,
                       limits_share(w->per_day, w->share.mine, w->share.n),
                       DAY_NS, 0, now_us);
    }
    if (begins)
        meter_gate_pass(gate, now_us);
}

void pace_warming_resolve(struct pace_site *s, int64_t now_us)
{
    for (size_t i = 0; i < s->n_warming; i++) {
        struct warming *w = &s->warming[i];
        struct limits limits = limits_unset();
        struct lane_share was = w->share;
        char key[PACE_KEY_MAX + PACE_ID_TEXT];

        limits.of[LIMIT_MAILS_PER_DAY] = w->per_day;
        snprintf(key, sizeof key, "warm %s %s", w->source, s->name);
        w->share = lanes_share(&s->pace->lanes, key, &limits, now_us);
        allow(w, was, s->pace, now_us);
    }
}

bool pace_warm(struct pace_site *s, const char *source, int64_t per_day,
               int64_t now_us)
{
    size_t i = 0;

    while (i < s->n_warming && strcmp(s->warming[i].source, source) != 0)
        i++;
    if (i == s->n_warming) {
        if (per_day == 0 || i == PACE_WARMING_MAX)
            return per_day == 0;
        s->warming[i] = (struct warming){0};
        snprintf(s->warming[i].source, sizeof s->warming[i].source, "%s",
                 source);
        s->n_warming++;
    }
    if (s->warming[i].per_day == per_day)
        return true;
    if (per_day == 0)
        s->warming[i] = s->warming[--s->n_warming];
    else
        s->warming[i].per_day = per_day;
    pace_warming_resolve(s, now_us);
    return true;
}

bool pace_warm_may(const struct pace_site *s, const char *source,
                   int64_t now_us, int64_t *when_us)
{
    const struct warming *w = warming_of(s, source);

    if (!w)
        return true;
    if (w->share.n == 0) {
        *when_us = PACE_NEVER_US;
        return false;
    }
    return meter_allows(&w->meter, now_us, when_us);
}

void pace_warm_spend(struct pace_site *s, const char *source, int64_t now_us)
{
    for (size_t i = 0; source && i < s->n_warming; i++)
        if (strcmp(s->warming[i].source, source) == 0)
            meter_spend(&s->warming[i].meter, now_us);
}

const struct warming *pace_warm_binding(const struct pace_site *s,
                                        int64_t now_us)
{
    for (size_t i = 0; i < s->n_warming; i++) {
        int64_t when_us = now_us;

        if (!pace_warm_may(s, s->warming[i].source, now_us, &when_us))
            return &s->warming[i];
    }
    return NULL;
}
