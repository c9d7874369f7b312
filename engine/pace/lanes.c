#include "pace/lanes.h"
#include <string.h>
#include <xxhash.h>

void lanes_set(struct lanes *lanes, const int32_t *workers, unsigned n,
               int32_t mine, int64_t quiet_until_us)
{
    if (n > LANES_WORKERS_MAX)
        n = LANES_WORKERS_MAX;
    memcpy(lanes->workers, workers, n * sizeof *workers);
    lanes->n = n;
    lanes->mine = mine;
    lanes->quiet_until_us = quiet_until_us;
}

/* A lane needs a share of each limit that is divided and not 0. */
static unsigned most_lanes(const struct limits *limits)
{
    unsigned most = LANES_WORKERS_MAX;

    for (int i = 0; i < LIMITS; i++) {
        int64_t limit = limits->of[i];

        if (limit > 0 && limit_is_divided((enum limit)i) && limit < most)
            most = (unsigned)limit;
    }
    return most;
}

static uint64_t score(const char *key, size_t len, int32_t worker)
{
    return XXH3_64bits_withSeed(key, len, (uint64_t)(uint32_t)worker);
}

/* How many workers come before ours; n if ours is not among them. */
static unsigned rank(const struct lanes *lanes, const char *key)
{
    size_t len = strlen(key);
    uint64_t mine = score(key, len, lanes->mine);
    unsigned before = 0;
    bool listed = false;

    for (unsigned i = 0; i < lanes->n; i++) {
        int32_t worker = lanes->workers[i];
        uint64_t its = score(key, len, worker);

        if (worker == lanes->mine)
            listed = true;
        else if (its > mine || (its == mine && worker < lanes->mine))
            before++;
    }
    return listed ? before : lanes->n;
}

bool lanes_divide(const struct limits *limits)
{
    for (int i = 0; i < LIMITS; i++)
        if (limits->of[i] > 0 && limit_is_divided((enum limit)i))
            return true;
    return false;
}

struct lane_share lanes_share(const struct lanes *lanes, const char *key,
                              const struct limits *limits, int64_t now_us)
{
    unsigned k = most_lanes(limits), mine;

    if (!lanes_divide(limits))
        return (struct lane_share){.mine = 0, .n = 1};
    if (k > lanes->n)
        k = lanes->n;
    mine = rank(lanes, key);
    if (now_us < lanes->quiet_until_us || mine >= k)
        return (struct lane_share){0};
    return (struct lane_share){.mine = mine, .n = k};
}

struct lane_share lanes_place(const struct lanes *lanes, const char *key,
                              int64_t now_us)
{
    unsigned mine = rank(lanes, key);

    if (now_us < lanes->quiet_until_us || mine >= lanes->n)
        return (struct lane_share){0};
    return (struct lane_share){.mine = mine, .n = lanes->n};
}
