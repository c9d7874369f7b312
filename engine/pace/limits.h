/*
 * pace/limits - how much of what is allowed, and how soon deferred mail comes
 * again, as a person writes it:
 *
 *     connections=5 mails_per_connection=50 mails_per_hour=2000 retry_first=10m
 *
 * A limit that is not named is left to who comes before (the provider's data,
 * the settings); `none` lifts it. No I/O.
 */
#ifndef PACE_LIMITS_H
#define PACE_LIMITS_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* member, name */
#define LIMIT_TABLE(X)                                                         \
    X(LIMIT_CONNECTIONS, "connections")                                        \
    X(LIMIT_CONNECTIONS_PER_MINUTE, "connections_per_minute")                  \
    X(LIMIT_MAILS_PER_CONNECTION, "mails_per_connection")                      \
    X(LIMIT_MAILS_PER_SECOND, "mails_per_second")                              \
    X(LIMIT_MAILS_PER_MINUTE, "mails_per_minute")                              \
    X(LIMIT_MAILS_PER_HOUR, "mails_per_hour")                                  \
    X(LIMIT_MAILS_PER_DAY, "mails_per_day")                                    \
    X(LIMIT_BURST, "burst")                                                    \
    X(LIMIT_RETRY_FIRST, "retry_first")                                        \
    X(LIMIT_RETRY_MOST, "retry_most")
ENUM_DECLARE(limit, LIMIT_TABLE);

enum {
    LIMITS = LIMIT_RETRY_MOST + 1,
    LIMITS_TEXT_MAX = 512,
    LIMITS_WAIT_MAX = 32,
    LIMIT_MOST = 1000000000,
    LIMIT_RETRY_SECONDS_MAX = 604800, /* as of the settings retry_... */
};

enum { LIMIT_UNSET = -1, LIMIT_NONE = 0 };

struct limits {
    int64_t of[LIMITS]; /* LIMIT_UNSET, LIMIT_NONE, or 1 .. LIMIT_MOST; of
                           LIMIT_RETRY_... seconds */
};

/* Nothing is said. */
struct limits limits_unset(void);

/* Only sites and relays have it: when to try again. */
bool limit_is_of_sites(enum limit limit);

/* Lanes take a share of it each. */
bool limit_is_divided(enum limit limit);

/* Words NAME=NUMBER (retry_...: a duration) or NAME=none, separated by blanks,
 * each name once; into out, which is whole or untouched. err names the word. */
MUST_USE enum status limits_parse(const char *text, struct limits *out,
                                  struct error *err);

/* The same in one spelling; out has LIMITS_TEXT_MAX bytes. "" if unset. */
void limits_text(const struct limits *limits, char *out);

/* A duration, as 90s or 4h; out has LIMITS_WAIT_MAX bytes. */
void limits_wait_text(int64_t seconds, char *out);

/* What `over` says, and else what was there; of two waits that contradict, the
 * one that `over` says. */
void limits_override(struct limits *limits, const struct limits *over);

/* The integer share of the lane number mine (0 ..) of n lanes: the shares of
 * all lanes add up to the limit, and differ by 1 at most. */
int64_t limits_share(int64_t limit, unsigned mine, unsigned n);
#endif
