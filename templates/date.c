/*
 * A directive is "%", flags, a width, a letter:
 *
 *   -  no padding     _  padded with blanks     0  padded with zeros
 *   ^  upper case     #  the other case         :  colons in %z
 */
#include "templates/date.h"
#include <stdio.h>
#include <string.h>

static const char *const DAYS[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const MONTHS[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

enum { DAY = 24 * 60 * 60, WIDTH_MAX = 64, EXPANSION_MAX = 128 };

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970 to a date of the Gregorian calendar, which is taken to have
 * been in force always. Years begin in March, so that a leap day is the last
 * of one. */
static void civil(struct date *d, int64_t days)
{
    int64_t z = days + 719468, era = floor_divide(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t month = (5 * doy + 2) / 153;

    d->day = (int)(doy - (153 * month + 2) / 5 + 1);
    d->month = (int)(month < 10 ? month + 3 : month - 9);
    d->year = yoe + era * 400 + (d->month <= 2);
    bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    d->yearday = (int)(month < 10 ? doy + 59 + leap : doy - 306);
    d->weekday = (int)((days % 7 + 11) % 7);
}

static void set_wall(struct date *d)
{
    int64_t local = d->seconds + d->offset, days = floor_divide(local, DAY);
    int rest = (int)(local - days * DAY);

    civil(d, days);
    d->hour = rest / 3600;
    d->minute = rest / 60 % 60;
    d->second = rest % 60;
}

void date_at(struct date *d, int64_t seconds, int32_t nanoseconds,
             const struct template_values *values)
{
    *d = (struct date){
        .seconds = seconds, .nanoseconds = nanoseconds, .zone = "UTC"};
    if (values && values->zone)
        d->offset = values->zone(values->zone_context, seconds, &d->zone);
    set_wall(d);
}

/* Writing. */

struct directive {
    char flag;      /* '-', '_', '0' or 0 */
    bool up, other; /* ^ and # */
    int colons, width;
};

static void put_number(struct buf *out, const struct directive *f, int64_t v,
                       int width, char pad)
{
    char text[24];
    bool negative = v < 0;
    int n = snprintf(text, sizeof text, "%lld", (long long)(negative ? -v : v));
    char with = f->flag == '_' ? ' ' : f->flag == '0' ? '0' : pad;
    int left = (f->width ? f->width : width) - n - negative;

    if (f->flag == '-')
        left = 0;
    if (negative && with == '0')
        buf_add_char(out, '-');
    for (; left > 0; left--)
        buf_add_char(out, with);
    if (negative && with != '0')
        buf_add_char(out, '-');
    buf_add(out, text, (size_t)n);
}

static void put_word(struct buf *out, const struct directive *f,
                     const char *text, size_t n, bool lower)
{
    for (size_t i = n; f->width && i < (size_t)f->width && f->flag != '-'; i++)
        buf_add_char(out, f->flag == '0' ? '0' : ' ');
    for (size_t i = 0; i < n; i++) {
        char c = text[i];

        if (f->up || (f->other && !lower))
            c = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        else if (f->other)
            c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        buf_add_char(out, c);
    }
}

static void put_name(struct buf *out, const struct directive *f,
                     const char *name, size_t most)
{
    size_t n = strlen(name);

    put_word(out, f, name, n < most ? n : most, false);
}

/* %z, %:z, %::z, and %:::z with no more than is needed. */
static void put_offset(struct buf *out, const struct directive *f,
                       const struct date *d)
{
    int off = d->offset < 0 ? -d->offset : d->offset, most = f->width;
    bool blank = f->flag == '_';
    char text[16];
    int n = snprintf(text, sizeof text, blank ? "%d" : "%02d", off / 3600);

    if (f->colons < 3 || off % 3600)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s%02d",
                      f->colons ? ":" : "", off / 60 % 60);
    if (f->colons == 2 || (f->colons == 3 && off % 60))
        n += snprintf(text + n, sizeof text - (size_t)n, ":%02d", off % 60);
    if (blank && most == 0)
        most = f->colons == 2 ? 9 : f->colons == 1 ? 6 : 5;
    if (blank)
        for (int i = n + 1; i < most; i++)
            buf_add_char(out, ' ');
    buf_add_char(out, d->offset < 0 ? '-' : '+');
    if (!blank && f->flag != '-')
        for (int i = n + 1; i < most; i++)
            buf_add_char(out, '0');
    buf_add(out, text, (size_t)n);
}

/* %L, %N: width is the number of digits. */
static void put_fraction(struct buf *out, const struct date *d, int digits)
{
    char text[16];

    snprintf(text, sizeof text, "%09d", (int)d->nanoseconds);
    for (int i = 0; i < digits; i++)
        buf_add_char(out, i < 9 ? text[i] : '0');
}

/* ISO 8601: the week with the year's first Thursday is the first. */
static void iso_week(const struct date *d, int64_t *year, int *week)
{
    int monday = (d->weekday + 6) % 7;
    int64_t thursday = d->yearday - monday + 3;
    int64_t y = d->year;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    bool before =
        ((y - 1) % 4 == 0 && (y - 1) % 100 != 0) || (y - 1) % 400 == 0;

    if (thursday < 0) {
        thursday += 365 + before;
        y--;
    } else if (thursday >= 365 + leap) {
        thursday -= 365 + leap;
        y++;
    }
    *year = y;
    *week = (int)(thursday / 7) + 1;
}

/* What is a number and nothing else: its width and padding. False: not so. */
static bool number_of_letter(const struct date *d, char letter, int64_t *v,
                             int *width, char *pad)
{
    int twelve = d->hour % 12 ? d->hour % 12 : 12, week;
    int64_t iso;

    iso_week(d, &iso, &week);
    *width = 2;
    *pad = strchr("ekl", letter) ? ' ' : '0';
    switch (letter) {
    case 'C': *v = floor_divide(d->year, 100); return true;
    case 'y': *v = d->year - floor_divide(d->year, 100) * 100; return true;
    case 'm': *v = d->month; return true;
    case 'd':
    case 'e': *v = d->day; return true;
    case 'H':
    case 'k': *v = d->hour; return true;
    case 'I':
    case 'l': *v = twelve; return true;
    case 'M': *v = d->minute; return true;
    case 'S': *v = d->second; return true;
    case 'g': *v = iso - floor_divide(iso, 100) * 100; return true;
    case 'V': *v = week; return true;
    case 'U': *v = (d->yearday + 7 - d->weekday) / 7; return true;
    case 'W': *v = (d->yearday + 7 - (d->weekday + 6) % 7) / 7; return true;
    default: break;
    }
    *width = letter == 'j' ? 3 : letter == 'Y' || letter == 'G' ? 4 : 1;
    switch (letter) {
    case 'Y':
        *width += d->year < 0;
        *v = d->year;
        return true;
    case 'G': *v = iso; return true;
    case 'j': *v = d->yearday + 1; return true;
    case 'u': *v = d->weekday ? d->weekday : 7; return true;
    case 'w': *v = d->weekday; return true;
    case 's': *v = d->seconds; return true;
    default: return false;
    }
}

/* Letters that stand for formats. */
static const char *expansion(char letter)
{
    switch (letter) {
    case 'c': return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x': return "%m/%d/%y";
    case 'F': return "%Y-%m-%d";
    case 'T':
    case 'X': return "%H:%M:%S";
    case 'R': return "%H:%M";
    case 'r': return "%I:%M:%S %p";
    case 'v': return "%e-%^b-%Y";
    default: return NULL;
    }
}

static bool put_letter(struct buf *out, const struct date *d,
                       const struct directive *f, char letter)
{
    switch (letter) {
    case 'A': put_name(out, f, DAYS[d->weekday], SIZE_MAX); break;
    case 'a': put_name(out, f, DAYS[d->weekday], 3); break;
    case 'B': put_name(out, f, MONTHS[d->month - 1], SIZE_MAX); break;
    case 'b':
    case 'h': put_name(out, f, MONTHS[d->month - 1], 3); break;
    case 'p': put_word(out, f, d->hour < 12 ? "AM" : "PM", 2, true); break;
    case 'P': put_word(out, f, d->hour < 12 ? "am" : "pm", 2, false); break;
    case 'Z': put_word(out, f, d->zone, strlen(d->zone), true); break;
    case 'z': put_offset(out, f, d); break;
    case 'L': put_fraction(out, d, f->width ? f->width : 3); break;
    case 'N': put_fraction(out, d, f->width ? f->width : 9); break;
    case 'n': put_word(out, f, "\n", 1, false); break;
    case 't': put_word(out, f, "\t", 1, false); break;
    case '%': put_word(out, f, "%", 1, false); break;
    default: return false;
    }
    return true;
}

/* By way of the end of out, where there is room. */
static bool put_expansion(struct buf *out, const struct date *d,
                          const struct directive *f, char letter)
{
    const char *format = expansion(letter);
    const struct directive cased = {
        .flag = f->flag, .width = f->width, .up = f->up};
    size_t mark = out->len;
    char text[EXPANSION_MAX];

    if (!format || !date_format(d, format, strlen(format), out))
        return false;
    size_t n = out->len - mark < sizeof text ? out->len - mark : sizeof text;
    memcpy(text, out->data + mark, n);
    out->len = mark;
    put_word(out, &cased, text, n, false);
    return true;
}

/* Behind "%": the letter's place, or the end. */
static size_t read_directive(struct directive *f, const char *p, size_t len)
{
    size_t i = 0;

    for (; i < len && memchr("-_0^#", p[i], 5); i++) {
        if (p[i] == '^')
            f->up = true;
        else if (p[i] == '#')
            f->other = true;
        else
            f->flag = p[i];
    }
    for (; i < len && p[i] >= '0' && p[i] <= '9'; i++)
        if (f->width <= WIDTH_MAX)
            f->width = f->width * 10 + (p[i] - '0');
    if (f->width > WIDTH_MAX)
        f->width = WIDTH_MAX;
    for (; i < len && p[i] == ':'; i++)
        f->colons++;
    /* Locales' other ways to write it: there are none. */
    if (len - i > 1 &&
        ((p[i] == 'E' && memchr("cCxXyY", p[i + 1], 6)) ||
         (p[i] == 'O' && memchr("deHkIlmMSuUVwWy", p[i + 1], 15))))
        i++;
    return i;
}

bool date_format(const struct date *d, const char *format, size_t len,
                 struct buf *out)
{
    size_t start = out->len;

    for (size_t i = 0; i < len; i++) {
        struct directive f = {0};
        int64_t v;
        int width;
        char pad;

        if (format[i] != '%') {
            buf_add_char(out, format[i]);
            continue;
        }
        size_t at = i + 1 + read_directive(&f, format + i + 1, len - i - 1);
        if (at == len) {
            out->len = start;
            return false;
        }
        char letter = format[at];
        if (number_of_letter(d, letter, &v, &width, &pad))
            put_number(out, &f, v, width, pad);
        else if (f.colons > 3 || (!put_letter(out, d, &f, letter) &&
                                  !put_expansion(out, d, &f, letter)))
            buf_add(out, format + i, at + 1 - i);
        i = at;
    }
    return true;
}
