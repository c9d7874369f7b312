/*
 * pace/lanes - which workers send to a site, and what share of its limits each
 * has: so that limits hold over processes and machines without a shared
 * counter.
 *
 * Every worker knows the same list of live workers and ranks them for a site by
 * rendezvous hashing: when one comes or goes, only its own lanes move. The
 * first k of them have a lane, k being at most the site's smallest limit, and
 * each has 1/k of every limit, in whole numbers that add up to it.
 *
 * Lists differ for a moment when workers come and go. It errs on the side of
 * sending less: a worker that joins keeps silent until all others have said
 * that they know of it and made room; the share of one that died is unused
 * until its lease is over, as long as it may think that it has it.
 *
 * No I/O, no clock, no allocation.
 */
#ifndef PACE_LANES_H
#define PACE_LANES_H

#include "pace/limits.h"
#include <stdbool.h>

enum { LANES_WORKERS_MAX = 1024 };

struct lanes {
    int32_t workers[LANES_WORKERS_MAX]; /* live ones, in any order */
    unsigned n;
    int32_t mine;
    int64_t quiet_until_us; /* no lane is ours before */
};

/* A worker's share: lane number `mine` of n. n 0: it has none. */
struct lane_share {
    unsigned mine, n;
};

/* The list as it was read, with or without ourselves; more than
 * LANES_WORKERS_MAX are cut off, and the worker that is not in the list has no
 * lane. quiet_until_us: INT64_MAX until the others are known to have it, too.
 */
void lanes_set(struct lanes *lanes, const int32_t *workers, unsigned n,
               int32_t mine, int64_t quiet_until_us);

/* The share of a site (or campaign, sender, ...: any key) with these limits.
 * Where there is nothing to divide everybody has all of it. */
struct lane_share lanes_share(const struct lanes *lanes, const char *key,
                              const struct limits *limits, int64_t now_us);

/* Is there something to divide? */
bool lanes_divide(const struct limits *limits);

/* A place among all live workers, for limits of which each has a share or its
 * turn (pace/meter). n 0: it has none yet. */
struct lane_share lanes_place(const struct lanes *lanes, const char *key,
                              int64_t now_us);
#endif
