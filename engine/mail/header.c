#include "mail/header.h"
#include "base/utf8.h"
#include "mail/domain.h"
#include "mail/encode.h"
#include <stdbool.h>
#include <string.h>

enum {
    FOLD_AT = 78, /* RFC 5322 2.1.1: "SHOULD be no more than 78" */
    PLAIN_WORD_MAX =
        900, /* "MUST be no more than 998": a longer word is encoded,
           so that it can be folded; 98 are left for the name */
};

/* Characters on the line that out ends with. */
static size_t column(const struct buf *out, size_t start)
{
    const char *line = memrchr(out->data + start, '\n', out->len - start);

    return line ? (size_t)(out->data + out->len - line) - 1 : out->len - start;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

enum status header_name_check(const char *name, struct error *err)
{
    size_t len = strlen(name);

    if (len == 0)
        return fail(err, STATUS_INVALID, "the name is empty");
    if (len > HEADER_NAME_MAX)
        return fail(err, STATUS_INVALID, "the name has more than %d bytes",
                    HEADER_NAME_MAX);
    if (!is_letter(name[0]))
        return fail(err, STATUS_INVALID, "the name must begin with a letter");
    for (size_t i = 0; i < len; i++)
        if (!is_letter(name[i]) && !strchr("0123456789-_.", name[i]))
            return fail(err, STATUS_INVALID,
                        "character %zu of the name is not allowed (letters, "
                        "digits and -_. are)",
                        i + 1);
    return STATUS_OK;
}

/* Unstructured fields. */

/* As ASCII with every word short enough? Anything that a reader could take
 * for an encoded word must be encoded itself, or it would not come back. */
static bool is_plain(const char *value, size_t len)
{
    size_t word = 0;

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)value[i] >= 0x80 ||
            (value[i] == '=' && i + 1 < len && value[i + 1] == '?'))
            return false;
        word = value[i] == ' ' ? 0 : word + 1;
        if (word > PLAIN_WORD_MAX)
            return false;
    }
    return true;
}

/* Folded before white space, which stays part of the value. A run of spaces
 * goes to the new line whole, so that no line is white space only. */
static void add_plain(struct buf *out, size_t start, const char *value,
                      size_t len)
{
    for (size_t at = 0, end; at < len; at = end) {
        size_t blanks = at;

        while (blanks < len && value[blanks] == ' ')
            blanks++;
        end = blanks;
        while (end < len && value[end] != ' ')
            end++;
        if (at > 0 && column(out, start) + (end - at) > FOLD_AT)
            buf_add(out, "\r\n", 2);
        buf_add(out, value + at, end - at);
    }
}

/* Returns the new length. */
static size_t clean(char *value, size_t len)
{
    size_t to = 0;

    for (size_t at = 0; at < len; at++) {
        if (value[at] == '\r' && at + 1 < len && value[at + 1] == '\n')
            continue;
        value[to] = is_control(value[at]) ? ' ' : value[at];
        to += value[to] != ' ' || to > 0;
    }
    while (to > 0 && value[to - 1] == ' ')
        to--;
    return to;
}

void header_text(struct buf *out, const char *name, char *value, size_t len)
{
    size_t start = out->len;

    len = clean(value, len);
    buf_add_text(out, name);
    buf_add_char(out, ':');
    if (len > 0)
        buf_add_char(out, ' ');
    if (is_plain(value, len))
        add_plain(out, start, value, len);
    else
        encode_words(out, value, len, column(out, start));
    buf_add(out, "\r\n", 2);
}

/* Address lists. */

/* Atoms and single spaces need no quotes (RFC 5322 3.2.5). "=" is an atom
 * character, but what looks like an encoded word would be read as one. */
static bool is_phrase(const char *name)
{
    if (name[0] == ' ' || strstr(name, "  ") || strstr(name, "=?"))
        return false;
    for (const char *p = name; *p; p++)
        if (!is_letter(*p) && !strchr("0123456789 !#$%&'*+-/=?^_`{|}~", *p))
            return false;
    return name[strlen(name) - 1] != ' ';
}

static void add_quoted(struct buf *out, const char *name)
{
    buf_add_char(out, '"');
    for (const char *p = name; *p; p++) {
        if (*p == '"' || *p == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *p);
    }
    buf_add_char(out, '"');
}

/* What must stand on one line: all of a quoted string, an atom, the shortest
 * encoded word. */
static size_t name_width(const char *name)
{
    size_t escapes = 0;

    if (!utf8_is_ascii(name, strlen(name)))
        return ENCODE_WORD_MIN;
    if (is_phrase(name))
        return strcspn(name, " ");
    for (const char *p = name; *p; p++)
        escapes += *p == '"' || *p == '\\';
    return strlen(name) + escapes + 2;
}

static void add_name(struct buf *out, size_t start, const char *name)
{
    if (!utf8_is_ascii(name, strlen(name)))
        encode_words(out, name, strlen(name), column(out, start));
    else if (is_phrase(name))
        add_plain(out, start, name, strlen(name));
    else
        add_quoted(out, name);
}

/* A space, or a fold if the n characters that follow would not fit. */
static void add_gap(struct buf *out, size_t start, size_t n)
{
    if (column(out, start) + 1 + n > FOLD_AT)
        buf_add(out, "\r\n", 2);
    buf_add_char(out, ' ');
}

void header_addresses(struct buf *out, const char *name,
                      const struct address *list, size_t n)
{
    size_t start = out->len;

    buf_add_text(out, name);
    buf_add_char(out, ':');
    for (size_t i = 0; i < n; i++) {
        const struct address *a = &list[i];
        char ascii[ADDRESS_MAX];
        const char *spec = domain_ascii_spec(a->spec, ascii);
        size_t len = strlen(spec);

        if (!a->name[0]) {
            add_gap(out, start, len + 1);
            buf_add(out, spec, len);
        } else {
            add_gap(out, start, i > 0 ? name_width(a->name) : 0);
            add_name(out, start, a->name);
            add_gap(out, start, len + 3);
            buf_add_char(out, '<');
            buf_add(out, spec, len);
            buf_add_char(out, '>');
        }
        if (i + 1 < n)
            buf_add_char(out, ',');
    }
    buf_add(out, "\r\n", 2);
}

/* Dates. */

static char *put_number(char *to, int64_t v, int digits)
{
    for (int i = digits - 1; i >= 0; i--, v /= 10)
        to[i] = (char)('0' + v % 10);
    return to + digits;
}

static char *put_name(char *to, const char *names, int64_t i)
{
    memcpy(to, names + 3 * i, 3);
    return to + 3;
}

/* Written by hand: strftime speaks the locale's language, and this costs less
 * than looking into a cache would. Days to a date as in the proleptic
 * Gregorian calendar, counted from 1 March of year 0. */
void header_date(struct buf *out, int64_t wall_us)
{
    const int64_t day_us = INT64_C(86400000000);
    int64_t days = wall_us / day_us - (wall_us % day_us < 0);
    int64_t second = (wall_us - days * day_us) / 1000000;
    int64_t z = days + 719468, era = (z < 0 ? z - 146096 : z) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t m = (5 * doy + 2) / 153, month = m < 10 ? m + 2 : m - 10;
    int64_t year = era * 400 + yoe + (month < 2);
    char line[] = "Date: Mon, 23 Nov 2026 05:41:00 +0000\r\n", *to = line + 6;

    to = put_name(to, "SunMonTueWedThuFriSat", ((days + 4) % 7 + 7) % 7);
    to = put_number(to + 2, doy - (153 * m + 2) / 5 + 1, 2);
    to = put_name(to + 1, "JanFebMarAprMayJunJulAugSepOctNovDec", month);
    to = put_number(to + 1, year, 4);
    to = put_number(to + 1, second / 3600, 2);
    to = put_number(to + 1, second / 60 % 60, 2);
    put_number(to + 1, second % 60, 2);
    buf_add(out, line, sizeof line - 1);
}
