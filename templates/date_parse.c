/*
 * Words and numbers in any order, told apart by their shape: a clock has a
 * colon, a name of three letters or more is a month's or a day's, a number
 * with four digits is a year.
 */
#include "templates/date.h"
#include <string.h>
#include <strings.h>

struct reader {
    const char *at, *end;
    int64_t year, month, day; /* -1: not said */
    int64_t hour, minute, second, yearday;
    int32_t nanoseconds, offset;
    bool clock, zone, named, short_year;
    const char *zone_name;
};

static const char MONTHS[] = "janfebmaraprmayjunjulaugsepoctnovdec";
static const char DAYS[] = "sunmontuewedthufrisat";

static const struct zone {
    const char *name;
    int hours;
} zones[] = {
    {"utc", 0},  {"gmt", 0},  {"z", 0},    {"est", -5}, {"edt", -4},
    {"cst", -6}, {"cdt", -5}, {"mst", -7}, {"mdt", -6}, {"pst", -8},
    {"pdt", -7}, {"bst", 1},  {"cet", 1},  {"cest", 2}, {"jst", 9},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool number(struct reader *r, int64_t *v, int *digits)
{
    *v = *digits = 0;
    for (; r->at < r->end && is_digit(*r->at) && *digits < 18; r->at++) {
        *v = *v * 10 + (*r->at - '0');
        ++*digits;
    }
    return *digits > 0;
}

static bool next_is(const struct reader *r, char c)
{
    return r->end - r->at > 1 && *r->at == c && is_digit(r->at[1]);
}

static bool fraction(struct reader *r)
{
    int32_t scale = 100000000;

    r->at++;
    for (; r->at < r->end && is_digit(*r->at); r->at++, scale /= 10)
        r->nanoseconds += (*r->at - '0') * scale;
    return true;
}

/* hour is read; ":" follows. */
static bool read_clock(struct reader *r, int64_t hour)
{
    int n;

    r->clock = true;
    r->hour = hour;
    r->at++;
    if (!number(r, &r->minute, &n))
        return false;
    if (next_is(r, ':')) {
        r->at++;
        if (!number(r, &r->second, &n))
            return false;
        if (next_is(r, '.') || next_is(r, ','))
            fraction(r);
    }
    return r->hour <= 24 && r->minute < 60 && r->second <= 60;
}

/* +0100, +01:00, +01, -5 */
static bool read_offset(struct reader *r)
{
    int sign = *r->at++ == '-' ? -1 : 1, n;
    int64_t v, minutes = 0;

    if (!number(r, &v, &n))
        return false;
    if (n > 2) {
        minutes = v % 100;
        v /= 100;
    } else if (next_is(r, ':')) {
        r->at++;
        if (!number(r, &minutes, &n))
            return false;
    }
    r->zone = true;
    r->zone_name = "";
    r->offset = sign * (int32_t)(v * 3600 + minutes * 60);
    return v < 24 && minutes < 60;
}

static bool read_word(struct reader *r)
{
    const char *start = r->at;
    size_t n;

    while (r->at < r->end && is_letter(*r->at))
        r->at++;
    n = (size_t)(r->at - start);
    if (n >= 3)
        for (size_t i = 0; i < 12; i++)
            if (strncasecmp(start, MONTHS + 3 * i, 3) == 0) {
                r->month = (int64_t)i + 1;
                return r->named = true;
            }
    if (n >= 3)
        for (size_t i = 0; i < 7; i++)
            if (strncasecmp(start, DAYS + 3 * i, 3) == 0)
                return true;
    if (n == 2 && (start[1] == 'm' || start[1] == 'M') && r->hour >= 0) {
        r->hour = r->hour % 12 + (*start == 'p' || *start == 'P' ? 12 : 0);
        return r->clock = true;
    }
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        if (strlen(zones[i].name) == n &&
            strncasecmp(start, zones[i].name, n) == 0 && r->clock) {
            r->zone = true;
            r->zone_name = zones[i].hours ? "" : "UTC";
            r->offset = zones[i].hours * 3600;
            return true;
        }
    return true; /* "at", "of", "T", "th" */
}

/* 14-Mar-2016: the month is next. */
static bool read_named_parts(struct reader *r, int64_t first, char mark)
{
    int n;

    read_word(r);
    r->day = first;
    if (next_is(r, mark)) {
        r->at++;
        number(r, &r->year, &n);
    }
    return r->month > 0;
}

/* 3/14, 2016/3, 2016-074 (the day of the year). */
static bool take_two(struct reader *r, char mark, int64_t first, int digits,
                     int64_t second, int n)
{
    if (mark == '/') {
        r->year = digits > 2 ? first : r->year;
        r->month = digits > 2 ? second : first;
        r->day = digits > 2 ? r->day : second;
        return true;
    }
    r->year = first;
    r->month = 1;
    r->day = r->yearday = second;
    return mark == '-' && digits == 4 && n == 3 && second > 0 && second < 367;
}

/* Behind "v-", "v/" or "v.": the rest of 2016-03-14, 14/3/2016 or 16.3.14, as
 * Ruby reads them: what has more than two digits is the year, else the
 * first. */
static bool read_parts(struct reader *r, int64_t first, int digits)
{
    char mark = *r->at++;
    int64_t second = 0, third = -1;
    int n = 0, m = 0;

    if (is_letter(*r->at))
        return read_named_parts(r, first, mark);
    if (!number(r, &second, &n))
        return false;
    if (!next_is(r, mark))
        return take_two(r, mark, first, digits, second, n);
    r->at++;
    number(r, &third, &m);
    r->year = n > 2 ? second : m > 2 ? third : first;
    r->month = n > 2 ? third : second;
    r->day = n > 2 || m > 2 ? first : third;
    r->short_year = n <= 2 && m <= 2 && digits <= 2;
    return true;
}

/* Is it the first dot of 1.5.2016? */
static bool is_dotted(const struct reader *r)
{
    const char *p = r->at + 1;

    while (p < r->end && is_digit(*p))
        p++;
    return next_is(r, '.') && r->end - p > 1 && *p == '.' && is_digit(p[1]);
}

/* 20160314, 20160314T054100 */
static bool read_run(struct reader *r, int64_t v)
{
    int n;
    int64_t clock;

    r->year = v / 10000;
    r->month = v / 100 % 100;
    r->day = v % 100;
    if (r->at < r->end && (*r->at == 'T' || *r->at == 't')) {
        r->at++;
        if (number(r, &clock, &n) && n == 6) {
            r->clock = true;
            r->hour = clock / 10000;
            r->minute = clock / 100 % 100;
            r->second = clock % 100;
        }
    }
    return r->hour < 25;
}

static bool read_number(struct reader *r)
{
    int64_t v;
    int digits;

    if (!number(r, &v, &digits))
        return false;
    if (next_is(r, ':'))
        return read_clock(r, v);
    if (r->end - r->at > 1 && (*r->at == '-' || *r->at == '/') && r->day < 0 &&
        (is_digit(r->at[1]) || is_letter(r->at[1])))
        return read_parts(r, v, digits);
    if (r->day < 0 && is_dotted(r))
        return read_parts(r, v, digits);
    if (digits == 8 && r->day < 0)
        return read_run(r, v);
    if (r->end - r->at > 1 &&
        (strncasecmp(r->at, "am", 2) == 0 || strncasecmp(r->at, "pm", 2) == 0))
        r->hour = v;
    else if (digits > 2 || (r->named && r->day >= 0))
        r->year = v;
    else
        r->day = v;
    return true;
}

static bool read_all(struct reader *r)
{
    while (r->at < r->end) {
        char c = *r->at;
        bool good = true;

        if (is_digit(c))
            good = read_number(r);
        else if (is_letter(c))
            good = read_word(r);
        else if ((c == '+' || c == '-') && r->clock && r->end - r->at > 1 &&
                 is_digit(r->at[1]))
            good = read_offset(r);
        else
            r->at++;
        if (!good)
            return false;
    }
    return true;
}

static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* February 30 is March 1 or 2, as it is to Ruby. */
static bool is_day(int64_t y, int64_t m, int64_t d, int64_t most)
{
    return m >= 1 && m <= 12 && d >= 1 && d <= most && y >= 0 && y <= 9999;
}

/* What is not said is today's down to the first thing that is, then 1. */
static bool fill(struct reader *r, const struct template_values *values)
{
    struct date now;

    if (r->year < 0 && r->month < 0 && r->day < 0 && !r->clock)
        return false;
    date_at(&now, values->now_us / 1000000, 0, values);
    if (r->day < 0)
        r->day = r->year < 0 && r->month < 0 ? now.day : 1;
    if (r->month < 0)
        r->month = r->year < 0 ? now.month : 1;
    if (r->year < 0)
        r->year = now.year;
    else if (r->year < 100 && (r->named || r->short_year))
        r->year += r->year < 69 ? 2000 : 1900;
    r->hour = r->hour < 0 ? 0 : r->hour;
    return r->hour <= 24 &&
           is_day(r->year, r->month, r->day, r->yearday ? 366 : 31);
}

bool date_parse(struct date *d, const char *text, size_t len,
                const struct template_values *values)
{
    struct reader r = {
        .at = text, .end = text + len, .year = -1, .month = -1, .day = -1};
    int64_t wall;

    r.hour = -1;
    if (len > 0 && *text == '-') /* a number below 0 */
        return false;
    if (!read_all(&r) || !fill(&r, values))
        return false;
    wall = days_of(r.year, r.month, r.day) * 86400 + r.hour * 3600 +
           r.minute * 60 + r.second;
    if (r.zone) {
        struct template_values fixed = {0};

        date_at(d, wall, r.nanoseconds, &fixed);
        d->seconds = wall - r.offset;
        d->offset = r.offset;
        d->zone = r.zone_name;
        return true;
    }
    /* The offset depends on the moment, and the moment on the offset. */
    date_at(d, wall, r.nanoseconds, values);
    date_at(d, wall - d->offset, r.nanoseconds, values);
    date_at(d, wall - d->offset, r.nanoseconds, values);
    return true;
}
