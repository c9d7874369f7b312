#include "inbound/answers.h"
#include "bounce/scan.h"
#include <string.h>
#include <strings.h>

enum { NUMBER_DIGITS_MAX = 10 };

/* A number that is not zero, into out; false: the text begins with none. */
static bool take_number(struct span *text, char *out)
{
    size_t n = 0;

    while (n < text->len && text->s[n] >= '0' && text->s[n] <= '9')
        n++;
    if (!n || n > NUMBER_DIGITS_MAX || text->s[0] == '0')
        return false;
    memcpy(out, text->s, n);
    out[n] = '\0';
    text->s += n;
    text->len -= n;
    return true;
}

static void skip_spaces(struct span *text)
{
    while (text->len && (*text->s == ' ' || *text->s == '\r')) {
        text->s++;
        text->len--;
    }
}

size_t answers_search(const char *text, size_t len, struct mailbox_id *out,
                      size_t most)
{
    struct span rest = {text, len}, line;
    size_t n = 0;

    while (n < most && scan_line(&rest, &line)) {
        if (!scan_starts(line, "* SEARCH"))
            continue;
        line.s += 8;
        line.len -= 8;
        for (skip_spaces(&line); n < most && take_number(&line, out[n].id);
             skip_spaces(&line))
            out[n++].number = 0;
    }
    return n;
}

bool answers_validity(const char *text, size_t len, char *out, size_t size)
{
    static const char word[] = "UIDVALIDITY ";
    const char *at = memmem(text, len, word, sizeof word - 1);
    char number[NUMBER_DIGITS_MAX + 1];

    if (!at)
        return false;
    at += sizeof word - 1;
    struct span rest = {at, (size_t)(text + len - at)};

    if (!take_number(&rest, number) || strlen(number) >= size)
        return false;
    memcpy(out, number, strlen(number) + 1);
    return true;
}

/* One to 70 characters from 0x21 to 0x7E. */
static bool take_id(struct span text, char *out)
{
    if (!text.len || text.len >= MAILBOX_ID_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.s[i] < 0x21 || text.s[i] > 0x7e)
            return false;
    memcpy(out, text.s, text.len);
    out[text.len] = '\0';
    return true;
}

size_t answers_uidl(const char *text, size_t len, struct mailbox_id *out,
                    size_t most, bool (*skip)(const void *arg, const char *id),
                    const void *arg)
{
    struct span rest = {text, len}, line;
    char digits[NUMBER_DIGITS_MAX + 1];
    size_t n = 0;

    while (n < most && scan_line(&rest, &line)) {
        if (!take_number(&line, digits))
            continue;
        out[n].number = 0;
        for (const char *d = digits; *d; d++)
            out[n].number = out[n].number * 10 + (unsigned long)(*d - '0');
        if (take_id(scan_trim(line), out[n].id) && !skip(arg, out[n].id))
            n++;
    }
    return n;
}
