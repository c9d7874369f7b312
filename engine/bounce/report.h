/*
 * bounce/report - what a bounce mail said: a kind, and for each recipient what
 * happened. This is what `presort bounce` prints and what settling takes.
 *
 * All foreign text in it is valid UTF-8 without control characters, cut at its
 * limit. The caller owns the memory; functions here allocate nothing.
 */
#ifndef BOUNCE_REPORT_H
#define BOUNCE_REPORT_H

#include "bounce/classify.h"
#include "bounce/reply.h"
#include "mail/address.h"

enum {
    BOUNCE_RECIPIENTS_MAX = 256, /* of one mail; more are not told */
    BOUNCE_DIAGNOSTIC_MAX = 1024,
    BOUNCE_TOKEN_MAX = 65,
    BOUNCE_FEEDBACK_MAX = 32,
    BOUNCE_MESSAGE_ID_MAX = 256,
};

#define BOUNCE_KIND_TABLE(X)                                                   \
    X(BOUNCE_KIND_BOUNCE, "bounce")                                            \
    X(BOUNCE_KIND_COMPLAINT, "complaint")                                      \
    X(BOUNCE_KIND_AUTO_REPLY, "auto_reply")                                    \
    X(BOUNCE_KIND_DELIVERED, "delivered")                                      \
    X(BOUNCE_KIND_OTHER, "other")
ENUM_DECLARE(bounce_kind, BOUNCE_KIND_TABLE);

/* RFC 3464, 2.3.3; relayed and expanded are delivered. */
#define BOUNCE_ACTION_TABLE(X)                                                 \
    X(BOUNCE_ACTION_FAILED, "failed")                                          \
    X(BOUNCE_ACTION_DELAYED, "delayed")                                        \
    X(BOUNCE_ACTION_DELIVERED, "delivered")
ENUM_DECLARE(bounce_action, BOUNCE_ACTION_TABLE);

struct bounce_recipient {
    char address[ADDRESS_MAX]; /* "" if only the token names the mail */
    enum bounce_action action;
    bool has_action; /* the report says so itself */
    enum bounce_category category;
    bool hard;
    enum bounce_reach reach;
    enum bounce_follow follow;
    enum bounce_ground ground;
    char status[BOUNCE_STATUS_MAX];
    unsigned code;
    char diagnostic[BOUNCE_DIAGNOSTIC_MAX];
};

struct bounce_report {
    enum bounce_kind kind;
    char token[BOUNCE_TOKEN_MAX];           /* of the return path, or "" */
    char feedback[BOUNCE_FEEDBACK_MAX];     /* RFC 5965 Feedback-Type, or "" */
    char message_id[BOUNCE_MESSAGE_ID_MAX]; /* of the original, or "" */
    size_t n;
    struct bounce_recipient recipients[BOUNCE_RECIPIENTS_MAX];
};

void bounce_report_reset(struct bounce_report *r);

/* A recipient with this address, new or known; NULL if there is no room or
 * the address is none. Letters' case makes no difference. */
struct bounce_recipient *bounce_report_add(struct bounce_report *r,
                                           const char *address, size_t len);

/* Append text, cleaned and with its white space folded, behind what stands
 * there. */
void bounce_report_say(struct bounce_recipient *to, const char *text,
                       size_t len);

/* Foreign text into out of size bytes: cleaned, folded, cut. */
void bounce_clean(char *out, size_t size, const char *text, size_t len);
#endif
