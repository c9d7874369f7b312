#include "api/time_parse.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define SECOND_US INT64_C(1000000)
#define TRY_AS                                                                 \
    "is to be a time such as \"2026-11-23T05:41:00Z\" or \"in 10 min\""

/* Exactly n digits. */
static bool digits(const char **at, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return true;
}

static bool one_of(const char **at, const char *set)
{
    if (**at == 0 || !strchr(set, **at))
        return false;
    (*at)++;
    return true;
}

/* Days from 1970-01-01 in the Gregorian calendar: whole years, the leap days
 * before this one, whole months. Years count from March, so that the leap day
 * is the last of its year. */
static int64_t days_from_civil(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int m = month <= 2 ? month + 9 : month - 3;
    int64_t in_year = (153 * m + 2) / 5 + day - 1;

    return (int64_t)365 * y + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool read_date(const char **at, int64_t *days)
{
    int year, month, day;

    if (!digits(at, 4, &year) || !one_of(at, "-") || !digits(at, 2, &month) ||
        !one_of(at, "-") || !digits(at, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_in(year, month))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

/* Digits beyond the microsecond are read and dropped. */
static bool read_fraction(const char **at, int64_t *us)
{
    int64_t unit = SECOND_US / 10;
    const char *first = *at;

    for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
        *us += (**at - '0') * unit;
    return *at > first;
}

static bool read_clock(const char **at, int64_t *us)
{
    int hour, minute, second = 0;

    *us = 0;
    if (!digits(at, 2, &hour) || !one_of(at, ":") || !digits(at, 2, &minute))
        return false;
    if (one_of(at, ":")) {
        if (!digits(at, 2, &second))
            return false;
        if (one_of(at, ".,") && !read_fraction(at, us))
            return false;
    }
    /* 60 is a leap second (RFC 3339 5.6): the next minute's first. */
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *us += (hour * 3600 + minute * 60 + second) * SECOND_US;
    return true;
}

static bool read_offset(const char **at, int64_t *us)
{
    bool west = **at == '-';
    int hour, minute = 0;

    *us = 0;
    if (one_of(at, "Zz"))
        return true;
    if (!one_of(at, "+-") || !digits(at, 2, &hour))
        return false;
    if (one_of(at, ":") || **at)
        if (!digits(at, 2, &minute))
            return false;
    if (hour > 23 || minute > 59)
        return false;
    *us = (hour * 3600 + minute * 60) * SECOND_US * (west ? -1 : 1);
    return true;
}

static bool read_absolute(const char *text, int64_t *out)
{
    int64_t days, clock_us, offset_us;

    if (!read_date(&text, &days) || !one_of(&text, "Tt ") ||
        !read_clock(&text, &clock_us) || !read_offset(&text, &offset_us))
        return false;
    *out = days * 86400 * SECOND_US + clock_us - offset_us;
    return *text == 0;
}

static int64_t unit_seconds(const char *unit)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"s", 1},        {"sec", 1},     {"second", 1},
                 {"m", 60},       {"min", 60},    {"minute", 60},
                 {"h", 3600},     {"hr", 3600},   {"hour", 3600},
                 {"d", 86400},    {"day", 86400}, {"w", 7 * 86400},
                 {"week", 604800}};
    size_t len = strlen(unit);

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i].name);

        if (strncasecmp(unit, units[i].name, n) != 0)
            continue;
        if (len == n || (len == n + 1 && n > 1 && (unit[n] | 32) == 's'))
            return units[i].seconds;
    }
    return 0;
}

static bool read_relative(const char *text, int64_t *out)
{
    int64_t n = 0;
    int count = 0;

    if (strncasecmp(text, "in ", 3) == 0)
        text += 3;
    text += strspn(text, " ");
    if (strncasecmp(text, "an ", 3) == 0 || strncasecmp(text, "a ", 2) == 0) {
        n = 1;
        text += strcspn(text, " ");
    } else {
        for (; *text >= '0' && *text <= '9' && count < 9; text++, count++)
            n = n * 10 + (*text - '0');
        if (count == 0)
            return false;
    }
    text += strspn(text, " ");
    int64_t unit = unit_seconds(text);

    *out = n * unit * SECOND_US;
    return unit > 0;
}

enum status time_parse(const char *text, int64_t now_us, int64_t *out,
                       struct error *err)
{
    int64_t delay_us;

    if (strnlen(text, TIME_PARSE_MAX + 1) > TIME_PARSE_MAX)
        return fail(err, STATUS_INVALID, TRY_AS);
    if (read_absolute(text, out))
        return STATUS_OK;
    if (!read_relative(text, &delay_us))
        return fail(err, STATUS_INVALID, TRY_AS);
    *out = now_us + delay_us;
    return STATUS_OK;
}
