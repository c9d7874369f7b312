/*
 * pool/hosts - the hosts of a destination: which are up, and whose turn it is.
 * No I/O; the clock is an argument. Part of pool/pool.
 */
#ifndef POOL_HOSTS_H
#define POOL_HOSTS_H

#include "pool/pool.h"

/* An address and how it fared. */
struct host {
    struct pool_host at;
    unsigned failures; /* in a row */
    int64_t down_until_ms;
    bool unfit; /* the last of them: for mail that requires TLS, for good */
};

struct hosts {
    struct host all[POOL_HOSTS_MAX];
    size_t n;
    sa_family_t family; /* of our own end: others are left out; or AF_UNSPEC */
};

/* As pool_hosts. */
void hosts_set(struct hosts *h, const struct pool_host *list, size_t n);

/* The one at that address, or NULL. */
struct host *hosts_find(struct hosts *h, const struct pool_host *at);

/* The best group that has a host up; within it by chance and weight. NULL if
 * none is up. */
struct host *hosts_choose(struct hosts *h, int64_t now_ms);

/* When the first of them may be tried again; INT64_MAX: there is none. */
int64_t hosts_up_again_ms(const struct hosts *h);

/* How many there are that our own end can reach. */
int64_t hosts_reachable(const struct hosts *h);
bool hosts_reach(const struct hosts *h, sa_family_t family);

/* Of all that can be reached: the last attempt failed; they are down now; it
 * failed as they are unfit. False without any host, but for the last. */
bool hosts_are_failing(const struct hosts *h);
bool hosts_are_down(const struct hosts *h, int64_t now_ms);
bool hosts_are_unfit(const struct hosts *h);

/* The most that any has failed in a row. */
unsigned hosts_failures(const struct hosts *h);
#endif
