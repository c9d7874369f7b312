#include "settle/retry.h"

enum { RETRY_LEAST_MS = 500 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Transactional mail never waits longer than others. */
int64_t retry_wait_ms(const struct config *config, bool transactional,
                      int tries, uint32_t random)
{
    int64_t wait = config->retry_first_seconds * 1000;
    int64_t most = config->retry_most_seconds * 1000;

    if (transactional) {
        wait = least(wait, config->transactional_retry_first_seconds * 1000);
        most = least(most, config->transactional_retry_most_seconds * 1000);
    }

    for (int i = 1; i < tries && wait < most; i++)
        wait *= 2;
    if (wait > most)
        wait = most;
    int64_t chance = wait * config->retry_jitter_percent / 100;

    wait += chance * (int64_t)(random % 1001) / 1000 - chance / 2;
    return wait < RETRY_LEAST_MS ? RETRY_LEAST_MS : wait;
}
