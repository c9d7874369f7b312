/*
 * templates/date - dates read as people write them, and written by a format
 * as Ruby's strftime does. No I/O, no clock: the zone is the caller's
 * function.
 */
#ifndef TEMPLATES_DATE_H
#define TEMPLATES_DATE_H

#include "base/buf.h"
#include "templates/template.h"

/* A moment and how a clock on the wall shows it. */
struct date {
    int64_t seconds; /* since 1970, UTC */
    int32_t nanoseconds;
    int32_t offset;   /* seconds east of UTC */
    const char *zone; /* "UTC", "CET"; "" where only the offset is known */
    int64_t year;
    int month, day, hour, minute, second; /* 1..12, 1..31, ... */
    int weekday, yearday;                 /* from 0; Sunday is 0 */
};

/* The zone's, or UTC's. */
void date_at(struct date *d, int64_t seconds, int32_t nanoseconds,
             const struct template_values *values);

/* "2026-11-23 05:41", "March 14, 2016", "Fri Jul 16 01:00:00 2004",
 * "Mon, 23 Nov 2026 05:41:00 +0100"; what is missing is today's, or 0. */
bool date_parse(struct date *d, const char *text, size_t len,
                const struct template_values *values);

/* False: the format ends within a directive; out is as before. Allocates
 * nothing but out's growth. */
bool date_format(const struct date *d, const char *format, size_t len,
                 struct buf *out);
#endif
