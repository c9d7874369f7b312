#include "bounce/reply.h"
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* class "." 1*3digit "." 1*3digit              RFC 3463, 2 */
size_t bounce_status_length(const char *text, size_t len)
{
    size_t at = 1;

    if (len < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5'))
        return 0;
    for (int part = 0; part < 2; part++) {
        if (at >= len || text[at] != '.')
            return 0;
        size_t digits = 0;
        for (at++; at < len && is_digit(text[at]); at++)
            digits++;
        if (digits < 1 || digits > 3)
            return 0;
    }
    /* "5.1.1.8" is an address, "5.1.1." the end of a sentence. */
    if (at < len && is_alnum(text[at]))
        return 0;
    if (at + 1 < len && text[at] == '.' && is_digit(text[at + 1]))
        return 0;
    return at;
}

bool bounce_status_says_little(const char *status)
{
    return !status[0] || strcmp(status + 1, ".0.0") == 0;
}

static bool starts_word(const char *text, size_t at)
{
    if (at == 0)
        return true;
    char before = text[at - 1];
    if (before == '.' && at >= 2 && is_digit(text[at - 2]))
        return false;
    /* "550-5.7.1", the line of a longer reply */
    if (before == '-' && at >= 4 && is_digit(text[at - 2]) &&
        is_digit(text[at - 3]) && (text[at - 4] == '4' || text[at - 4] == '5'))
        return true;
    /* "[192.0.2.1]:465", "mx.example.net:25" */
    if (before == ':' && at >= 2 && text[at - 2] > ' ' && text[at - 2] != ':')
        return false;
    return !is_alnum(before) && before != '-' && before != '_' &&
           before != '@' && before != '/' && before != '=';
}

/* An ordinary place for a reply: line start, before a status, after a colon
 * or an arrow. */
static bool well_placed(const char *text, size_t len, size_t at)
{
    size_t back = at;

    while (back > 0 && (text[back - 1] == ' ' || text[back - 1] == '\t'))
        back--;
    if (back == 0 || strchr("\n\r:>([\"'", text[back - 1]))
        return true;
    return at + 4 < len &&
           bounce_status_length(text + at + 4, len - at - 4) > 0;
}

static bool is_code(const char *text, size_t len, size_t at)
{
    if (at + 3 > len || (text[at] != '4' && text[at] != '5') ||
        text[at + 1] < '0' || text[at + 1] > '7' || !is_digit(text[at + 2]))
        return false;
    if (!starts_word(text, at))
        return false;
    return at + 3 == len || strchr(" -:)],;\r\n\t#<\"'", text[at + 3]);
}

static unsigned number(const char *text)
{
    return (unsigned)(text[0] - '0') * 100 + (unsigned)(text[1] - '0') * 10 +
           (unsigned)(text[2] - '0');
}

void bounce_reply_find(const char *text, size_t len, struct bounce_reply *out)
{
    bool placed = false;

    *out = (struct bounce_reply){0};
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '4' && text[i] != '5')
            continue;
        if (!placed && is_code(text, len, i)) {
            placed = well_placed(text, len, i);
            if (placed || !out->code)
                out->code = number(text + i);
        }
        if (out->status[0] || !starts_word(text, i))
            continue;
        size_t n = bounce_status_length(text + i, len - i);
        if (n) {
            memcpy(out->status, text + i, n);
            out->status[n] = '\0';
        }
    }
}
