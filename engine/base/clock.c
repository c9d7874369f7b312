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

void clock_rfc3339(int64_t wall_us, char *out)
{
    int64_t ms = wall_us / 1000;
    int64_t rest = ms % 1000;

    if (rest < 0)
        rest += 1000;
    time_t s = (time_t)((ms - rest) / 1000);
    struct tm tm;

    gmtime_r(&s, &tm);
    size_t n = strftime(out, CLOCK_RFC3339_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, CLOCK_RFC3339_MAX - n, ".%03dZ", (int)rest);
}
