/*
 * api/pace - how fast campaigns go, from what lookers saw before: counts of
 * settled mails and when, in this process's memory. Safe to call from several
 * threads. No I/O, no clock.
 */
#ifndef API_PACE_H
#define API_PACE_H

#include <stdint.h>

enum {
    PACE_CAMPAIGNS_MAX = 64, /* the least lately looked at is forgotten */
    PACE_SAMPLES_MAX = 12,
    PACE_STEP_MS = 500, /* least time between samples */
    PACE_WINDOW_MS = 6000,
    PACE_ID_MAX = 37,
};

/* Notes that done mails of the campaign were settled at now_ms (of a clock
 * that never jumps) and returns the mails per second since the oldest sample
 * of the window; -1 if there is none that is old enough to say. */
double pace_note(const char *campaign, int64_t now_ms, int64_t done);
#endif
