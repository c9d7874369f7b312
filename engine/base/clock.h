/* base/clock - now, in the two kinds that matter. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970, UTC: for records. May jump. */
int64_t clock_wall_us(void);

/* Milliseconds since some start: for time-outs. Never jumps. */
int64_t clock_mono_ms(void);

/* Milliseconds between two such times; what is beyond 24 days is cut to that
 * (a paused campaign's batch is claimed long after it was due). */
int32_t clock_between_ms(int64_t from_us, int64_t to_us);

/* PostgreSQL's binary timestamptz counts microseconds since 2000-01-01. */
#define CLOCK_PG_EPOCH_US INT64_C(946684800000000)

enum { CLOCK_RFC3339_MAX = 32 };

/* "2026-11-23T05:41:00.123Z" into out (CLOCK_RFC3339_MAX bytes). */
void clock_rfc3339(int64_t wall_us, char *out);
#endif
