/*
 * pace/permits - how many connections there may be at a time for what has no
 * connections of its own on the other side: a source address, a campaign, a
 * project, a sender.
 *
 * Their limit is for all workers together. Connections last, so turns by the
 * clock (pace/meter) can't share them, and there may be fewer than workers: the
 * store keeps them, as numbered permits that a worker takes and gives back
 * (migrations, permits_settle). This is what one worker knows of its own: it
 * uses no more than it holds, says how many it wants, and lets go of what it
 * does not need. Where there are fewer than workers, and another one asks, each
 * has its permit for PERMITS_TURN_US.
 *
 *
 * Time is an argument: microseconds of a clock that never jumps. No I/O, no
 * allocation.
 */
#ifndef PACE_PERMITS_H
#define PACE_PERMITS_H

#include <stdbool.h>
#include <stdint.h>

enum { PERMITS_TURN_US = 2 * 1000000 };

/* {0}: no limit. */
struct permits {
    int64_t limit;    /* of all workers; 0: none */
    unsigned share;   /* the most that are ours */
    bool scarce;      /* fewer than workers: each has one for a while */
    unsigned held;    /* that the store gave us */
    unsigned used;    /* connections, or mails under way */
    bool settled;     /* the store has been asked since the limit is known */
    bool asked;       /* other workers would have ours */
    int64_t got_us;   /* since when we hold any */
    int64_t again_us; /* not asked for before: it is others' turn */
    int64_t told_us;  /* when the store was asked last */
    int64_t refused_us, busy_us; /* when one was refused here; all were used */

    double used_us; /* in all, of those that were used of late, ... */
    double n_used;  /* ... so many */
    int64_t at_us;  /* up to then it is counted */
};

/* Of workers in all. limit 0: none. mine: our place among them (0 ..); workers
 * 0: we have none yet. */
void permits_limit(struct permits *p, int64_t limit, unsigned mine,
                   unsigned workers);

/* May one more be used? Who is refused says so: more are asked for. */
bool permits_allow(const struct permits *p, int64_t now_us);
void permits_refused(struct permits *p, int64_t now_us);
void permits_use(struct permits *p, int64_t now_us);
/* One is free again. */
void permits_free(struct permits *p, int64_t now_us);

/* How many may be used by now: more are in use until they end. */
unsigned permits_cap(const struct permits *p, int64_t now_us);

/* Is the store to be asked? Then *want is how many we would hold; what we give
 * back is not ours from now on. */
bool permits_ask(struct permits *p, int64_t now_us, unsigned *want);
/* It said how many we hold, and whether others ask for these. */
void permits_told(struct permits *p, unsigned held, bool asked, int64_t now_us);
/* Nothing is ours any more: we are another worker now. */
void permits_lost(struct permits *p);

/* About how many mails a second, where one is used for a mail; 0: no limit. */
double permits_rate(const struct permits *p);
#endif
