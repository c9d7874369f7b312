#include "base/clock.h"
#include <stdio.h>
#include <time.h>

int64_t clock_wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int32_t clock_between_ms(int64_t from_us, int64_t to_us)
{
    int64_t us;

    if (__builtin_sub_overflow(to_us, from_us, &us))
        return to_us > from_us ? INT32_MAX : INT32_MIN;
    int64_t ms = us / 1000;

    if (ms > INT32_MAX)
        return INT32_MAX;
    return ms < INT32_MIN ? INT32_MIN : (int32_t)ms;
}

void clock_rfc3339(int64_t wall_us, char *out)
{
    int64_t ms = wall_us / 1000;
    int64_t rest = ms % 1000;

    if (rest < 0)
        rest += 1000;
    time_t s = (time_t)((ms - rest) / 1000);
    struct tm tm;

    gmtime_r(&s, &tm);
    /* Four digits (RFC 3339, 5.6), where %Y writes as many as it takes. */
    size_t n =
        (size_t)snprintf(out, CLOCK_RFC3339_MAX, "%04d", tm.tm_year + 1900);
    n += strftime(out + n, CLOCK_RFC3339_MAX - n, "-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, CLOCK_RFC3339_MAX - n, ".%03dZ", (int)rest);
}
