/* mail/outcome - what happened to a mail. The names are those of the enum
 * types `verdict` and `reach` in migrations/0001. */
#ifndef MAIL_OUTCOME_H
#define MAIL_OUTCOME_H

#include "base/enum.h"
#include "base/mailid.h"
#include <stdbool.h>
#include <stdint.h>

#define VERDICT_TABLE(X)                                                       \
    X(VERDICT_DELIVERED, "delivered")                                          \
    X(VERDICT_DEFERRED, "deferred")                                            \
    X(VERDICT_BOUNCED, "bounced")                                              \
    X(VERDICT_IN_DOUBT, "in_doubt")                                            \
    X(VERDICT_EXPIRED, "expired")                                              \
    X(VERDICT_SUPPRESSED, "suppressed")                                        \
    X(VERDICT_CANCELLED, "cancelled")
ENUM_DECLARE(verdict, VERDICT_TABLE);
enum { VERDICTS = VERDICT_CANCELLED + 1 };

/* How far the reason reaches: a refused RCPT speaks of one recipient, a
 * refused greeting of the host. */
#define REACH_TABLE(X)                                                         \
    X(REACH_RECIPIENT, "recipient")                                            \
    X(REACH_MESSAGE, "message")                                                \
    X(REACH_HOST, "host")                                                      \
    X(REACH_SITE, "site")
ENUM_DECLARE(reach, REACH_TABLE);

enum { OUTCOME_CAMPAIGN_BYTES = 16 };

/* One outcome. Texts are borrowed; NULL or "" means none. */
struct settled {
    struct mailid mail;
    int attempt; /* 1, 2, ... */
    int64_t at_us;
    enum verdict verdict;
    bool final;
    bool has_reach;
    enum reach reach;
    unsigned code; /* 0: no reply */
    int32_t claimed_ms, waited_ms, took_ms;
    unsigned char campaign[OUTCOME_CAMPAIGN_BYTES]; /* or settle/stream; or 0 */
    const char *site, *enhanced, *step, *reply, *mx, *source;
    const char *category; /* bounce/category; of what failed */
};

/* What needed no server's word: it speaks of the message; or, if the mail is
 * suppressed, of the recipient. */
struct settled settled_plain(enum verdict verdict, const char *step,
                             const char *why);

bool settled_has_campaign(const struct settled *s);
#endif
