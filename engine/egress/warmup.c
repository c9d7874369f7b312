#include "egress/warmup.h"
#include <stdlib.h>
#include <string.h>

enum { MAILS_MOST = 1000000000 };

bool warmup_is_valid(const char *schedule)
{
    for (const char *at = schedule;; at++) {
        char *end;
        long n = strtol(at, &end, 10);

        if (end == at || *at < '0' || *at > '9' || n < 1 || n > MAILS_MOST)
            return false;
        if (*end == 0)
            return true;
        if (*end != ',')
            return false;
        at = end;
    }
}

int64_t warmup_per_day(const char *schedule, int day)
{
    const char *at = schedule;

    if (day < 1 || !warmup_is_valid(schedule))
        return 0;
    for (int i = 1; i < day; i++) {
        at = strchr(at, ',');
        if (!at)
            return 0;
        at++;
    }
    return strtol(at, NULL, 10);
}
