#include "gate.h"

struct pace_keys gate_keys(const struct gate *g, const struct batch *b,
                           const char *sender)
{
    struct pace_keys keys = {.carried = 0};

    if (b->campaign_text[0])
        keys.of[PACE_CAMPAIGN] = b->campaign_text;
    keys.of[PACE_PROJECT] = b->project_text;
    keys.of[PACE_SENDER] = sender;
    keys.of[PACE_SOURCE] = g->source;
    keys.urgent = b->class == BATCH_TRANSACTIONAL;
    return keys;
}

bool gate_may_send(struct gate *g, const struct pace_keys *keys, int64_t now_us)
{
    int64_t when_us;

    if (pace_may_send(g->site, keys, now_us, &when_us)) {
        bool worn = pace_is_worn(g->pace, keys);

        g->worn |= worn;
        return !worn;
    }
    if (when_us < g->when_us)
        g->when_us = when_us;
    return false;
}

bool gate_is_shut(const struct gate *g, int64_t now_us, int64_t *until_us)
{
    return pace_parked(g->site, now_us, until_us);
}

void gate_outcome(struct gate *g, const struct pace_keys *keys,
                  struct smtp_result *result, int64_t now_us)
{
    struct pace_verdict verdict =
        pace_outcome(g->site, keys, result->verdict, result->code,
                     result->enhanced, result->text, now_us);

    if (verdict.keep && result->verdict == VERDICT_BOUNCED)
        result->verdict = VERDICT_DEFERRED;
}
