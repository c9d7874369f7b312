/*
 * api/rate - a token bucket: so many requests a second, and as many at once.
 * No clock: time is an argument. The caller locks.
 */
#ifndef API_RATE_H
#define API_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
    int64_t millionths; /* of a token */
    int64_t at_us;      /* when that was right; 0: never used, full */
};

/* What the RateLimit headers say. */
struct rate_answer {
    bool allowed;
    int64_t limit, remaining;
    int64_t reset_seconds; /* until the bucket is full again */
    int64_t retry_seconds; /* until one more is allowed; 0 if allowed */
};

/* Takes one token. now_us never runs backwards. limit: 1 .. 10,000,000. */
struct rate_answer rate_take(struct rate *r, int64_t limit, int64_t now_us);
#endif
