#include "pace/limits.h"
#include "base/quantity.h"
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

bool limit_is_of_sites(enum limit limit)
{
    return limit >= LIMIT_RETRY_FIRST;
}

bool limit_is_divided(enum limit limit)
{
    return limit < LIMIT_BURST && limit != LIMIT_MAILS_PER_CONNECTION;
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

static bool is_duration(int i)
{
    return i == LIMIT_RETRY_FIRST || i == LIMIT_RETRY_MOST;
}

static enum status parse_duration(int i, const char *text, int64_t *out,
                                  struct error *err)
{
    if (quantity_parse(QUANTITY_SECONDS, text, out, NULL) == STATUS_OK &&
        *out > 0 && *out <= LIMIT_RETRY_SECONDS_MAX)
        return STATUS_OK;
    return fail(err, STATUS_INVALID,
                "%s=%s: expected a duration from 1s to 7d, or none",
                limit_text((enum limit)i), text);
}

static enum status parse_value(int i, const char *text, int64_t *out,
                               struct error *err)
{
    if (strcmp(text, "none") == 0) {
        *out = LIMIT_NONE;
        return STATUS_OK;
    }
    if (is_duration(i))
        return parse_duration(i, text, out, err);
    *out = number_of(text);
    if (*out > 0)
        return STATUS_OK;
    return fail(err, STATUS_INVALID,
                "%s=%s: expected a number from 1 to %d, or none",
                limit_text((enum limit)i), text, LIMIT_MOST);
}

static enum status parse_word(const char *word, struct limits *limits,
                              struct error *err)
{
    const char *equals = strchr(word, '=');
    int i = equals ? limit_named(word, (size_t)(equals - word)) : LIMITS;

    if (!equals)
        return fail(err, STATUS_INVALID, "\"%s\": expected NAME=NUMBER", word);
    if (i == LIMITS)
        return fail(err, STATUS_INVALID,
                    "\"%.*s\" is no limit; there are connections, "
                    "connections_per_minute, mails_per_connection, "
                    "mails_per_second, mails_per_minute, mails_per_hour, "
                    "mails_per_day, burst, "
                    "retry_first and retry_most",
                    (int)(equals - word), word);
    if (limits->of[i] != LIMIT_UNSET)
        return fail(err, STATUS_INVALID, "%s is given twice",
                    limit_text((enum limit)i));
    return parse_value(i, equals + 1, &limits->of[i], err);
}

static bool waits_contradict(const struct limits *limits)
{
    return limits->of[LIMIT_RETRY_MOST] > 0 &&
           limits->of[LIMIT_RETRY_FIRST] > limits->of[LIMIT_RETRY_MOST];
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
    if (waits_contradict(&limits))
        return fail(err, STATUS_INVALID,
                    "retry_first is longer than retry_most");
    *out = limits;
    return STATUS_OK;
}

/* In the largest unit that it is a whole number of. */
void limits_wait_text(int64_t seconds, char *out)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"d", 86400}, {"h", 3600}, {"m", 60}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (seconds % units[i].seconds == 0) {
            snprintf(out, LIMITS_WAIT_MAX, "%lld%s",
                     (long long)(seconds / units[i].seconds), units[i].name);
            return;
        }
    snprintf(out, LIMITS_WAIT_MAX, "%llds", (long long)seconds);
}

static void value_text(int i, int64_t n, char *out)
{
    if (n == LIMIT_NONE)
        snprintf(out, LIMITS_WAIT_MAX, "none");
    else if (is_duration(i))
        limits_wait_text(n, out);
    else
        snprintf(out, LIMITS_WAIT_MAX, "%lld", (long long)n);
}

void limits_text(const struct limits *limits, char *out)
{
    size_t len = 0;

    out[0] = '\0';
    for (int i = 0; i < LIMITS; i++) {
        char value[LIMITS_WAIT_MAX];

        if (limits->of[i] == LIMIT_UNSET)
            continue;
        value_text(i, limits->of[i], value);
        len +=
            (size_t)snprintf(out + len, LIMITS_TEXT_MAX - len, "%s%s=%s",
                             len ? " " : "", limit_text((enum limit)i), value);
    }
}

void limits_override(struct limits *limits, const struct limits *over)
{
    for (int i = 0; i < LIMITS; i++)
        if (over->of[i] != LIMIT_UNSET)
            limits->of[i] = over->of[i];
    if (waits_contradict(limits)) {
        int said = over->of[LIMIT_RETRY_MOST] > 0 ? LIMIT_RETRY_MOST
                                                  : LIMIT_RETRY_FIRST;

        limits->of[LIMIT_RETRY_FIRST] = limits->of[LIMIT_RETRY_MOST] =
            limits->of[said];
    }
}

int64_t limits_share(int64_t limit, unsigned mine, unsigned n)
{
    return limit / n + (mine < limit % n);
}
