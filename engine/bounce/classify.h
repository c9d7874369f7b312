/*
 * bounce/classify - what a refusal means, from what is known of it: the SMTP
 * step, the code, the enhanced status (RFC 3463, RFC 5248) and the words.
 *
 * Words decide first, by the rules of rules.def, in their order; then the
 * enhanced status, by status.def; then the code and the step. Words that
 * blame our address or the content stand before those about mailboxes, so
 * that such a refusal never counts against the recipient, whatever its codes
 * say. Pure: no I/O, no allocation, nothing is kept.
 */
#ifndef BOUNCE_CLASSIFY_H
#define BOUNCE_CLASSIFY_H

#include "bounce/category.h"
#include <stddef.h>

#define BOUNCE_STEP_TABLE(X)                                                   \
    X(BOUNCE_STEP_UNKNOWN, "unknown")                                          \
    X(BOUNCE_STEP_CONNECT, "connect")                                          \
    X(BOUNCE_STEP_HELO, "helo")                                                \
    X(BOUNCE_STEP_MAIL, "mail")                                                \
    X(BOUNCE_STEP_RCPT, "rcpt")                                                \
    X(BOUNCE_STEP_DATA, "data")
ENUM_DECLARE(bounce_step, BOUNCE_STEP_TABLE);

/* How sure the answer is, the surest last. */
enum bounce_ground {
    BOUNCE_BY_NOTHING,
    BOUNCE_BY_CODE,
    BOUNCE_BY_STATUS,
    BOUNCE_BY_WORDS,
};

struct bounce_evidence {
    enum bounce_step step;
    unsigned code;      /* 0: none */
    const char *status; /* "5.1.1"; NULL or "": none */
    const char *text;   /* UTF-8 or not; need not end with a NUL */
    size_t text_len;
    const char *source; /* our own IP address as text; NULL: not known */
};

struct bounce_verdict {
    enum bounce_category category;
    bool hard; /* never for a temporary refusal */
    enum bounce_reach reach;
    enum bounce_follow follow;
    enum bounce_ground ground;
    int rule; /* row of rules.def that decided, or -1 */
};

struct bounce_verdict bounce_classify(const struct bounce_evidence *e);

/* The verdict that a category alone gives; temporary ones are never hard. */
struct bounce_verdict bounce_verdict_of(enum bounce_category category,
                                        bool temporary);

/* The rules, for the tests and the page: fixture is a reply that the rule,
 * and no earlier one, must match. */
struct bounce_rule {
    enum bounce_category category;
    const char *when;    /* code or status prefixes; "" any */
    const char *phrase;  /* bounce/phrase */
    const char *fixture; /* "550 5.1.1 user unknown" */
};
const struct bounce_rule *bounce_rules(size_t *n);
#endif
