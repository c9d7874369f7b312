/*
 * sink/rules - how the sink misbehaves, and towards whom.
 *
 * A rule is written PATTERN[=SHARE][+TIMES][@STEP][:REPLY], for example
 *
 *     *@slow.example=10%+2@dot:451 4.3.0 queue full
 *
 * PATTERN is a shell pattern for the recipient (at step mail: for the sender),
 * compared without case. SHARE (0.25 or 25%) picks that part of the matching
 * addresses by a hash, so that an address always fares alike. With TIMES the
 * rule applies to an address so often and no more. STEP is mail, rcpt (the
 * usual one), data or dot. REPLY begins with a code that suits the action;
 * 421 also ends the connection. PATTERN can't contain ':'.
 *
 * No I/O; the clock is an argument. Memory is bounded by sink/seen: past its
 * limit a rule with TIMES and a greylist no longer apply to new addresses.
 */
#ifndef SINK_RULES_H
#define SINK_RULES_H

#include "base/status.h"
#include "cli/sink/seen.h"

#define SINK_STEP_TABLE(X)                                                     \
    X(SINK_AT_MAIL, "mail")                                                    \
    X(SINK_AT_RCPT, "rcpt")                                                    \
    X(SINK_AT_DATA, "data")                                                    \
    X(SINK_AT_DOT, "dot")
ENUM_DECLARE(sink_step, SINK_STEP_TABLE);

/* What a rule does, and what became of a recipient: the words of the log. */
#define SINK_DEED_TABLE(X)                                                     \
    X(SINK_ACCEPTED, "accepted")                                               \
    X(SINK_REFUSED, "refused")                                                 \
    X(SINK_DEFERRED, "deferred")                                               \
    X(SINK_DROPPED, "dropped")                                                 \
    X(SINK_DROPPED_ACCEPTED, "dropped_accepted")
ENUM_DECLARE(sink_deed, SINK_DEED_TABLE);

enum {
    SINK_RULES_MAX = 64,
    SINK_PATTERN_MAX = 256,
    SINK_REPLY_MAX = 256,
    SINK_TIMES_MAX = 1000000,
};

struct sink_rule {
    enum sink_deed deed;
    enum sink_step step;
    char pattern[SINK_PATTERN_MAX];
    double share;        /* 0 .. 1 */
    int64_t times;       /* 0: always */
    int64_t greylist_ms; /* 0: no greylist */
    uint64_t seed;
    char reply[SINK_REPLY_MAX]; /* without CRLF; "" for a drop */
};

struct sink_rules {
    struct sink_rule rules[SINK_RULES_MAX]; /* {0} has no rule */
    size_t n;
    struct sink_seen seen;
};

void sink_rules_fini(struct sink_rules *rules);

/* Add what --refuse or --defer were given. deed is SINK_REFUSED or
 * SINK_DEFERRED. */
MUST_USE enum status sink_rules_add(struct sink_rules *rules,
                                    enum sink_deed deed, const char *text,
                                    struct error *err);

/* PATTERN[=SHARE][+TIMES]: the connection closes in place of the reply to
 * DATA (step data) or to the final dot (step dot). */
MUST_USE enum status sink_rules_add_drop(struct sink_rules *rules,
                                         enum sink_deed deed,
                                         enum sink_step step, const char *text,
                                         struct error *err);

/* SECONDS[,PATTERN] */
MUST_USE enum status sink_rules_add_greylist(struct sink_rules *rules,
                                             const char *text,
                                             struct error *err);

/* The first rule that applies, counting it for TIMES, or NULL. */
const struct sink_rule *sink_rules_match(struct sink_rules *rules,
                                         enum sink_step step,
                                         const char *sender,
                                         const char *recipient, int64_t now_ms);
#endif
