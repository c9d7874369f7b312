/* pace/keep - the part of pace/site that outlives a restart, and that workers
 * have in common. */
#include "pace/state.h"
#include <stdio.h>
#include <string.h>

enum {
    /* Times go by two clocks to the store and back: so far apart they are the
     * same, or workers would put each other off without end. */
    KEEP_SAME_US = 1000000,
};

static struct suspension *soonest(struct suspension *list, size_t n)
{
    struct suspension *at = &list[0];

    for (size_t i = 1; i < n; i++)
        if (list[i].until_us < at->until_us)
            at = &list[i];
    return at;
}

void suspension_add(struct suspension *list, size_t n, const char *name,
                    int64_t until_us)
{
    struct suspension *at = NULL;

    for (size_t i = 0; i < n && !at; i++)
        if (strcmp(list[i].name, name) == 0)
            at = &list[i];
    if (!at) {
        at = soonest(list, n);
        at->until_us = 0;
        snprintf(at->name, sizeof at->name, "%s", name);
    }
    if (at->until_us < until_us)
        at->until_us = until_us;
}

/* ---- To the store ---- */

static bool save_list(const struct suspension *list, size_t n, int64_t now_us,
                      struct pace_blamed *out)
{
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        if (list[i].until_us <= now_us)
            continue;
        out[i].until_us = list[i].until_us;
        memcpy(out[i].name, list[i].name, sizeof out[i].name);
        any = true;
    }
    return any;
}

void pace_save(const struct pace_site *s, int64_t now_us,
               struct pace_saved *out)
{
    int64_t until_us = pace_sources_until(s, now_us);

    *out = (struct pace_saved){
        .has_lane = s->share.n > 0,
        .rate = s->shape.rate * s->part_of,
        .lines = s->shape.lines * s->part_of,
    };
    if (s->suspended_until_us > now_us)
        out->suspended_until_us = s->suspended_until_us;
    if (s->suspended_until_us > until_us)
        until_us = s->suspended_until_us;
    save_list(s->sources, PACE_SOURCES_MAX, now_us, out->sources);
    if (save_list(s->campaigns, PACE_CAMPAIGNS_MAX, now_us, out->campaigns))
        memcpy(out->campaign_why, s->campaign_why, sizeof out->campaign_why);
    if (until_us > now_us) {
        out->shut_until_us = until_us;
        memcpy(out->why, s->why, sizeof out->why);
    }
}

/* ---- From the store ---- */

static bool hear_one(struct suspension *list, size_t n,
                     const struct pace_blamed *said, int64_t now_us)
{
    int64_t was_us = 0;

    if (said->until_us <= now_us)
        return false;
    for (size_t i = 0; i < n; i++)
        if (list[i].until_us > now_us && strcmp(list[i].name, said->name) == 0)
            was_us = list[i].until_us;
    if (said->until_us <= was_us + KEEP_SAME_US)
        return false;
    /* Of more than there is room for, those that last longest are known. */
    if (!was_us && soonest(list, n)->until_us >= said->until_us)
        return false;
    suspension_add(list, n, said->name, said->until_us);
    return true;
}

static bool hear_list(struct suspension *list, size_t n, int64_t now_us,
                      const struct pace_blamed *said)
{
    bool any = false;

    for (size_t i = 0; i < n; i++)
        any |= hear_one(list, n, &said[i], now_us);
    return any;
}

static bool hear_site(struct pace_site *s, int64_t until_us, int64_t now_us)
{
    int64_t was_us = s->suspended_until_us > now_us ? s->suspended_until_us : 0;

    if (until_us <= now_us || until_us <= was_us + KEEP_SAME_US)
        return false;
    s->suspended_until_us = until_us;
    return true;
}

bool pace_hear(struct pace_site *s, const struct pace_saved *said,
               int64_t now_us)
{
    bool site = hear_site(s, said->suspended_until_us, now_us) |
                hear_list(s->sources, PACE_SOURCES_MAX, now_us, said->sources);
    bool campaign =
        hear_list(s->campaigns, PACE_CAMPAIGNS_MAX, now_us, said->campaigns);

    if (site && said->why[0])
        memcpy(s->why, said->why, sizeof s->why);
    if (campaign && said->campaign_why[0])
        memcpy(s->campaign_why, said->campaign_why, sizeof s->campaign_why);
    /* Who has a lane finds out for itself how much goes. */
    if (s->share.n == 0)
        shape_restore(&s->shape, said->rate / s->part_of,
                      said->lines / s->part_of, now_us);
    s->ledger.changes += site || campaign;
    return site || campaign;
}

void pace_restore(struct pace_site *s, const struct pace_saved *said,
                  int64_t now_us)
{
    pace_hear(s, said, now_us);
    shape_restore(&s->shape, said->rate / s->part_of, said->lines / s->part_of,
                  now_us);
    s->ledger.changes++;
}

int64_t pace_saved_until(const struct pace *p, const struct pace_saved *said,
                         int64_t now_us)
{
    int64_t first_us = PACE_NEVER_US, until_us = said->suspended_until_us;
    unsigned n = 0;

    for (size_t i = 0; i < PACE_SOURCES_MAX; i++) {
        if (said->sources[i].until_us <= now_us)
            continue;
        n++;
        if (said->sources[i].until_us < first_us)
            first_us = said->sources[i].until_us;
    }
    if (n > 0 && n >= p->n_sources && first_us > until_us)
        until_us = first_us;
    return until_us > now_us ? until_us : 0;
}
