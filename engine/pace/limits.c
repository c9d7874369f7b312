#include "pace/limits.h"
#include <stdio.h>
#include <string.h>

ENUM_DEFINE(limit, LIMIT_TABLE);

enum { WORD_MAX = 64 };

struct limits limits_unset(void)
{
    struct limits limits;

    for (int i = 0; i < LIMITS; i++)
        limits.of[i] = LIMIT_UNSET;
    return limits;
}

/* LIMITS: there is none of that name. */
static int limit_named(const char *name, size_t len)
{
    for (int i = 0; i < LIMITS; i++) {
        const char *text = limit_text((enum limit)i);

        if (strlen(text) == len && memcmp(text, name, len) == 0)
            return i;
    }
    return LIMITS;
}

/* -1: not a number in range. */
static int64_t number_of(const char *s)
{
    int64_t n = 0;

    if (!*s)
        return -1;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return -1;
        n = n * 10 + (*s - '0');
        if (n > LIMIT_MOST)
            return -1;
    }
    return n > 0 ? n : -1;
}

static enum status parse_word(const char *word, struct limits *limits,
                              struct error *err)
{
    const char *equals = strchr(word, '=');
    int i = equals ? limit_named(word, (size_t)(equals - word)) : LIMITS;
    int64_t n;

    if (!equals)
        return fail(err, STATUS_INVALID, "\"%s\": expected NAME=NUMBER", word);
    if (i == LIMITS)
        return fail(err, STATUS_INVALID,
                    "\"%.*s\" is no limit; there are connections, "
                    "connections_per_minute, mails_per_connection, "
                    "mails_per_second, mails_per_minute, mails_per_hour, "
                    "mails_per_day and burst",
                    (int)(equals - word), word);
    if (limits->of[i] != LIMIT_UNSET)
        return fail(err, STATUS_INVALID, "%s is given twice",
                    limit_text((enum limit)i));
    n = strcmp(equals + 1, "none") == 0 ? LIMIT_NONE : number_of(equals + 1);
    if (n < 0)
        return fail(err, STATUS_INVALID,
                    "%s=%s: expected a number from 1 to %d, or none",
                    limit_text((enum limit)i), equals + 1, LIMIT_MOST);
    limits->of[i] = n;
    return STATUS_OK;
}

enum status limits_parse(const char *text, struct limits *out,
                         struct error *err)
{
    static const char blanks[] = " \t";
    struct limits limits = limits_unset();

    for (const char *at = text; *(at += strspn(at, blanks));) {
        size_t len = strcspn(at, blanks);
        char word[WORD_MAX];
        enum status status;

        if (len >= sizeof word)
            return fail(err, STATUS_INVALID, "\"%.20s...\" is too long", at);
        memcpy(word, at, len);
        word[len] = '\0';
        status = parse_word(word, &limits, err);
        if (status != STATUS_OK)
            return status;
        at += len;
    }
    *out = limits;
    return STATUS_OK;
}

void limits_text(const struct limits *limits, char *out)
{
    size_t len = 0;

    out[0] = '\0';
    for (int i = 0; i < LIMITS; i++) {
        const char *blank = len ? " " : "", *name = limit_text((enum limit)i);

        if (limits->of[i] == LIMIT_UNSET)
            continue;
        len += (size_t)(limits->of[i] == LIMIT_NONE
                            ? snprintf(out + len, LIMITS_TEXT_MAX - len,
                                       "%s%s=none", blank, name)
                            : snprintf(out + len, LIMITS_TEXT_MAX - len,
                                       "%s%s=%lld", blank, name,
                                       (long long)limits->of[i]));
    }
}

void limits_override(struct limits *limits, const struct limits *over)
{
    for (int i = 0; i < LIMITS; i++)
        if (over->of[i] != LIMIT_UNSET)
            limits->of[i] = over->of[i];
}

int64_t limits_share(int64_t limit, unsigned mine, unsigned n)
{
    return limit / n + (mine < limit % n);
}
