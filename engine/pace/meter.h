/*
 * pace/meter - never more than N in any second, minute, hour and day.
 *
 * The generic cell rate algorithm (GCRA), once per period: one time stamp says
 * it all. Of the N that a period allows a burst may go at once, the rest
 * follows evenly; the interval is chosen so that no window of a period's
 * length, wherever it begins, holds more than N. A meter starts with its burst
 * used up: a restart, or a worker that joins, must not be a way to more.
 *
 * A limit of fewer than there are workers can't be divided in whole numbers:
 * then they take turns. Time is cut at fixed moments, one for each mail that
 * the limit allows and a little longer apart than that; worker k of n has
 * every n-th of them, and may send one mail just then. So no window holds more
 * than N either, and nobody has to be told what others did.
 *
 * Time is an argument: microseconds of a clock that never jumps. No
 * allocation.
 */
#ifndef PACE_METER_H
#define PACE_METER_H

#include "pace/limits.h"
#include <stdbool.h>

enum meter_period {
    METER_SECOND,
    METER_MINUTE,
    METER_HOUR,
    METER_DAY,
    METER_PERIODS,
};

struct meter_gate {
    int64_t n;                     /* in a period; 0: open */
    int64_t interval_ns, slack_ns; /* slack: what a burst is ahead */
    int64_t next_ns;               /* theoretical arrival of the next one */
    /* Of turns (turn_ns 0: there are none): how long all workers' take, when
     * ours begin by the common clock, how long one may be used, how far two are
     * apart. Then next_ns: none before, for one was used. */
    int64_t turn_ns, first_ns, open_ns, apart_ns, clock_ns;
};

struct meter {
    struct meter_gate gates[METER_PERIODS]; /* {0}: open */
};

/* n in a period of so many ns, burst of them at once (0: a twentieth; half
 * at most). n 0
 * opens the gate. What was used of a former limit stays used. */
void meter_gate_set(struct meter_gate *gate, int64_t n, int64_t period_ns,
                    int64_t burst, int64_t now_us);
bool meter_gate_allows(const struct meter_gate *gate, int64_t now_us,
                       int64_t *when_us);
void meter_gate_spend(struct meter_gate *gate, int64_t now_us);

/* Of n for all workers, of which we are number mine: our share, or where they
 * are too few our turn. clock_us: what to add to now_us for a clock that all
 * workers share. */
void meter_gate_set_turns(struct meter_gate *gate, int64_t n, int64_t period_ns,
                          int64_t burst, unsigned mine, unsigned workers,
                          int64_t clock_us, int64_t now_us);

/* Turns in any case. What was sent at which of them is known without having
 * been kept: only a turn that is open could be used twice. */
void meter_gate_turns(struct meter_gate *gate, int64_t n, int64_t period_ns,
                      unsigned mine, unsigned workers, int64_t clock_us,
                      int64_t now_us);

/* Somebody may have sent one just now. */
void meter_gate_pass(struct meter_gate *gate, int64_t now_us);

/* The mails_per_... of limits, and their burst; of these the share of lane
 * number mine of n lanes. n is at
 * most the least limit, so that each lane has a share. */
void meter_set(struct meter *meter, const struct limits *limits, unsigned mine,
               unsigned n, int64_t now_us);

/* The same for limits that have to be divided among all workers: each gate by
 * meter_gate_set_turns. */
void meter_set_turns(struct meter *meter, const struct limits *limits,
                     unsigned mine, unsigned n, int64_t clock_us,
                     int64_t now_us);

/* May one go now? If not, *when_us is the earliest time worth asking again;
 * it is raised, never lowered, so that several meters can be asked in turn. */
bool meter_allows(const struct meter *meter, int64_t now_us, int64_t *when_us);
void meter_spend(struct meter *meter, int64_t now_us);

/* The limit that makes it wait longest (LIMITS: none does). */
enum limit meter_binding(const struct meter *meter, int64_t now_us);

/* About how many a second it lets through; 0: no limit. */
double meter_rate(const struct meter *meter);
#endif
