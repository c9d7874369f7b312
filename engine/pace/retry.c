#include "pace/retry.h"

enum { RETRY_LEAST_MS = 500 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct retry retry_schedule(const struct config *config, int64_t first_s,
                            int64_t most_s, bool transactional)
{
    struct retry r = {config->retry_first_seconds, config->retry_most_seconds};

    if (first_s > 0) {
        r.first_s = first_s;
        r.most_s = r.most_s < first_s ? first_s : r.most_s;
    }
    if (most_s > 0)
        r.most_s = most_s;
    if (transactional) {
        r.first_s = least(r.first_s, config->transactional_retry_first_seconds);
        r.most_s = least(r.most_s, config->transactional_retry_most_seconds);
    }
    r.first_s = least(r.first_s, r.most_s);
    return r;
}

int64_t retry_own_s(const struct limits *limits, enum limit which)
{
    return limits->of[which] > 0 ? limits->of[which] : 0;
}

struct retry retry_by_text(const struct config *config, const char *limits)
{
    struct limits own;

    if (limits_parse(limits, &own, NULL) != STATUS_OK)
        own = limits_unset();
    return retry_schedule(config, retry_own_s(&own, LIMIT_RETRY_FIRST),
                          retry_own_s(&own, LIMIT_RETRY_MOST), false);
}

int64_t retry_wait_ms(const struct retry *retry, int64_t jitter_percent,
                      int tries, uint32_t random)
{
    int64_t wait = retry->first_s * 1000, most = retry->most_s * 1000;

    for (int i = 1; i < tries && wait < most; i++)
        wait *= 2;
    if (wait > most)
        wait = most;
    wait += wait * jitter_percent / 100 * (int64_t)(random % 1001) / 1000;
    return wait < RETRY_LEAST_MS ? RETRY_LEAST_MS : wait;
}
