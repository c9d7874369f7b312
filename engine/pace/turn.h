/*
 * pace/turn - who is next, where several wait for one limit.
 *
 * Who has waited for longest is served first, and transactional mail before a
 * campaign's. Whoever is being served goes on until somebody has waited for
 * TURN_PATIENCE_US, so that nothing is lost by taking turns; who no longer asks
 * is forgotten. The TURN_MAX that wait for longest are remembered: each keeps
 * its own time, so the others are among them sooner or later.
 *
 * Time is an argument: microseconds of a clock that never jumps. No I/O, no
 * allocation.
 */
#ifndef PACE_TURN_H
#define PACE_TURN_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TURN_MAX = 8,
    TURN_PATIENCE_US = 200 * 1000,
    TURN_STALE_US = 1000 * 1000,
    TURN_POLL_US = 50 * 1000, /* who waits asks again */
};

/* {0}: nobody waits. */
struct turn {
    struct turn_waiter {
        const void *who; /* only compared */
        bool urgent;
        int64_t since_us, until_us; /* it waits; it asks again before */
    } waiters[TURN_MAX];
    unsigned n;
};

/* May who (any address that names it) be served now? */
bool turn_is_ours(const struct turn *t, const void *who, bool urgent,
                  int64_t now_us);
/* Does somebody else wait? */
bool turn_is_wanted(const struct turn *t, const void *who, int64_t now_us);

/* It was not served: for want of room, or for somebody else's turn, and asks
 * again at when_us, about. *since_us is who's: since when it waits, 0 while it
 * does not. */
void turn_refused(struct turn *t, const void *who, bool urgent,
                  int64_t *since_us, int64_t when_us, int64_t now_us);
void turn_served(struct turn *t, const void *who, int64_t *since_us);
#endif
