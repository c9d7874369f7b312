/*
 * bounce/category - the one vocabulary for what a refusal, a bounce, a
 * complaint or a notice means: a category, whether it is hard, how far it
 * reaches and what follows. docs/bounces.md shows this table.
 *
 * Hard says that the address will not take mail, today or next year. How far
 * it reaches says whom the reason concerns: only what reaches the recipient may
 * ever suppress one. Constants only: no I/O, no allocation.
 */
#ifndef BOUNCE_CATEGORY_H
#define BOUNCE_CATEGORY_H

#include "base/enum.h"
#include <stdbool.h>

#define BOUNCE_REACH_TABLE(X)                                                  \
    X(BOUNCE_REACH_RECIPIENT, "recipient")                                     \
    X(BOUNCE_REACH_MESSAGE, "message")                                         \
    X(BOUNCE_REACH_SENDER, "sender")                                           \
    X(BOUNCE_REACH_SOURCE, "source_address")                                   \
    X(BOUNCE_REACH_SITE, "site")
ENUM_DECLARE(bounce_reach, BOUNCE_REACH_TABLE);

/* What the engine does next, where the reply leaves it a choice. */
#define BOUNCE_FOLLOW_TABLE(X)                                                 \
    X(BOUNCE_RETRY, "retry")                                                   \
    X(BOUNCE_GIVE_UP, "give_up")                                               \
    X(BOUNCE_SUPPRESS, "suppress")                                             \
    X(BOUNCE_SLOW_DOWN, "slow_down")                                           \
    X(BOUNCE_CHANGE_SOURCE, "change_source")                                   \
    X(BOUNCE_NOTHING, "nothing")
ENUM_DECLARE(bounce_follow, BOUNCE_FOLLOW_TABLE);

/* category, its name, hard, reach, what follows a permanent refusal (a
 * temporary one is retried, slower where the row says so), meaning */
/* clang-format off */
#define CATEGORY_TABLE(X)                                                      \
    X(CATEGORY_INVALID_RECIPIENT, "invalid_recipient", true,  BOUNCE_REACH_RECIPIENT, BOUNCE_SUPPRESS,      "no such mailbox")                               \
    X(CATEGORY_BAD_DOMAIN,        "bad_domain",        true,  BOUNCE_REACH_RECIPIENT, BOUNCE_SUPPRESS,      "the domain is not there or takes no mail")      \
    X(CATEGORY_MAILBOX_FULL,      "mailbox_full",      false, BOUNCE_REACH_RECIPIENT, BOUNCE_GIVE_UP,       "over quota")                                    \
    X(CATEGORY_DISABLED,          "disabled",          false, BOUNCE_REACH_RECIPIENT, BOUNCE_GIVE_UP,       "the mailbox is there, but suspended or unused") \
    X(CATEGORY_TOO_BIG,           "too_big",           false, BOUNCE_REACH_MESSAGE,   BOUNCE_GIVE_UP,       "the message is bigger than they take")          \
    X(CATEGORY_SPAM_OR_REPUTATION,"spam_or_reputation",false, BOUNCE_REACH_SOURCE,    BOUNCE_CHANGE_SOURCE, "they blame our address or the content")         \
    X(CATEGORY_AUTH_OR_POLICY,    "auth_or_policy",    false, BOUNCE_REACH_SENDER,    BOUNCE_GIVE_UP,       "authentication or a rule of theirs")            \
    X(CATEGORY_RATE_LIMITED,      "rate_limited",      false, BOUNCE_REACH_SITE,      BOUNCE_SLOW_DOWN,     "too much, too fast")                            \
    X(CATEGORY_TRANSIENT,         "transient",         false, BOUNCE_REACH_SITE,      BOUNCE_RETRY,         "their side or the way there is out of order")   \
    X(CATEGORY_RELAY_PROBLEM,     "relay_problem",     false, BOUNCE_REACH_SITE,      BOUNCE_GIVE_UP,       "the server does not handle this domain's mail") \
    X(CATEGORY_OTHER,             "other",             false, BOUNCE_REACH_MESSAGE,   BOUNCE_GIVE_UP,       "refused for a reason that nobody said")         \
    X(CATEGORY_COMPLAINT,         "complaint",         false, BOUNCE_REACH_RECIPIENT, BOUNCE_SUPPRESS,      "the recipient called it spam")                  \
    X(CATEGORY_AUTO_REPLY,        "auto_reply",        false, BOUNCE_REACH_RECIPIENT, BOUNCE_NOTHING,       "a vacation notice: the mail arrived")           \
    X(CATEGORY_DELIVERED,         "delivered",         false, BOUNCE_REACH_RECIPIENT, BOUNCE_NOTHING,       "a notice of success")
/* clang-format on */

enum bounce_category {
#define X_(member, name, hard, reach, follow, meaning) member,
    CATEGORY_TABLE(X_)
#undef X_
};
enum { CATEGORIES = CATEGORY_DELIVERED + 1 };

struct category_row {
    const char *name;
    bool hard;
    enum bounce_reach reach;
    enum bounce_follow follow;
    const char *meaning;
};

/* Static; never NULL. */
const struct category_row *category_row(enum bounce_category category);

/* The name of a category, as APIs and the command line print it. */
const char *category_text(enum bounce_category category);
#endif
