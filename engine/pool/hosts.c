#include "pool/hosts.h"
#include <stdlib.h>
#include <string.h>

static bool same_address(const struct pool_host *a, const struct pool_host *b)
{
    return a->address_len == b->address_len &&
           memcmp(&a->address, &b->address, a->address_len) == 0;
}

struct host *hosts_find(struct hosts *h, const struct pool_host *at)
{
    for (size_t i = 0; i < h->n; i++)
        if (same_address(&h->all[i].at, at))
            return &h->all[i];
    return NULL;
}

void hosts_set(struct hosts *h, const struct pool_host *list, size_t n)
{
    struct host fresh[POOL_HOSTS_MAX] = {0};

    if (n > POOL_HOSTS_MAX)
        n = POOL_HOSTS_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct host *known = hosts_find(h, &list[i]);

        if (known)
            fresh[i] = *known;
        fresh[i].at = list[i];
    }
    memcpy(h->all, fresh, sizeof fresh);
    h->n = n;
}

static bool is_up(const struct host *host, int64_t now_ms)
{
    return host->failures == 0 || now_ms >= host->down_until_ms;
}

/* Can it be reached from where we leave? */
static bool fits(const struct hosts *h, const struct host *host)
{
    return h->family == AF_UNSPEC || host->at.address.ss_family == h->family;
}

struct host *hosts_choose(struct hosts *h, int64_t now_ms)
{
    struct host *chosen = NULL;
    uint32_t weights = 0;

    for (size_t i = 0; i < h->n; i++) {
        struct host *host = &h->all[i];
        uint32_t weight = host->at.weight ? host->at.weight : 1;

        if (!fits(h, host) || !is_up(host, now_ms) ||
            (chosen && host->at.group > chosen->at.group))
            continue;
        if (chosen && host->at.group < chosen->at.group)
            weights = 0;
        weights += weight;
        if (arc4random_uniform(weights) < weight)
            chosen = host;
    }
    return chosen;
}

int64_t hosts_up_again_ms(const struct hosts *h)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < h->n; i++)
        if (fits(h, &h->all[i]) && h->all[i].down_until_ms < first)
            first = h->all[i].down_until_ms;
    return first;
}

int64_t hosts_reachable(const struct hosts *h)
{
    int64_t n = 0;

    for (size_t i = 0; i < h->n; i++)
        n += fits(h, &h->all[i]);
    return n;
}

bool hosts_reach(const struct hosts *h, sa_family_t family)
{
    for (size_t i = 0; i < h->n; i++)
        if (family == AF_UNSPEC || h->all[i].at.address.ss_family == family)
            return true;
    return false;
}

bool hosts_are_failing(const struct hosts *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (fits(h, &h->all[i]) && h->all[i].failures == 0)
            return false;
    return h->n > 0;
}

bool hosts_are_down(const struct hosts *h, int64_t now_ms)
{
    for (size_t i = 0; i < h->n; i++)
        if (fits(h, &h->all[i]) && is_up(&h->all[i], now_ms))
            return false;
    return h->n > 0;
}

bool hosts_are_unfit(const struct hosts *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (fits(h, &h->all[i]) && !h->all[i].unfit)
            return false;
    return true;
}

unsigned hosts_failures(const struct hosts *h)
{
    unsigned most = 0;

    for (size_t i = 0; i < h->n; i++)
        if (h->all[i].failures > most)
            most = h->all[i].failures;
    return most;
}
