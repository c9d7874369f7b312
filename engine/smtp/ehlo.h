/*
 * smtp/ehlo - what a server's EHLO reply offers. A pure parser: no I/O, no
 * allocation; unknown keywords and parameters are passed over.
 */
#ifndef SMTP_EHLO_H
#define SMTP_EHLO_H

#include <stdint.h>

/* Bit and keyword. */
#define SMTP_CAP_TABLE(X)                                                      \
    X(SMTP_CAP_PIPELINING, 0, "PIPELINING")                   /* RFC 2920 */   \
    X(SMTP_CAP_SIZE, 1, "SIZE")                               /* RFC 1870 */   \
    X(SMTP_CAP_8BITMIME, 2, "8BITMIME")                       /* RFC 6152 */   \
    X(SMTP_CAP_ENHANCEDSTATUSCODES, 3, "ENHANCEDSTATUSCODES") /* RFC 2034 */   \
    X(SMTP_CAP_SMTPUTF8, 4, "SMTPUTF8")                       /* RFC 6531 */   \
    X(SMTP_CAP_STARTTLS, 5, "STARTTLS")                       /* RFC 3207 */   \
    X(SMTP_CAP_AUTH, 6, "AUTH")                               /* RFC 4954 */   \
    X(SMTP_CAP_CHUNKING, 7, "CHUNKING")                       /* RFC 3030 */   \
    X(SMTP_CAP_DSN, 8, "DSN")                                 /* RFC 3461 */   \
    X(SMTP_CAP_LIMITS, 9, "LIMITS")                           /* RFC 9422 */   \
    X(SMTP_CAP_REQUIRETLS, 10, "REQUIRETLS")                  /* RFC 8689 */

#define SMTP_CAP_MEMBER_(cap, bit, keyword) cap = 1 << bit,
enum smtp_cap { SMTP_CAP_TABLE(SMTP_CAP_MEMBER_) };
#undef SMTP_CAP_MEMBER_

/* What AUTH names; the first is the strongest. */
#define SMTP_MECH_TABLE(X)                                                     \
    X(SMTP_MECH_SCRAM_SHA_256, 0, "SCRAM-SHA-256") /* RFC 7677 */              \
    X(SMTP_MECH_PLAIN, 1, "PLAIN")                 /* RFC 4616 */              \
    X(SMTP_MECH_LOGIN, 2, "LOGIN")                                             \
    X(SMTP_MECH_XOAUTH2, 3, "XOAUTH2") /* a token, not a password */

#define SMTP_MECH_MEMBER_(mech, bit, keyword) mech = 1 << bit,
enum smtp_mech { SMTP_MECH_TABLE(SMTP_MECH_MEMBER_) };
#undef SMTP_MECH_MEMBER_

struct smtp_offer {
    unsigned caps;     /* of enum smtp_cap */
    unsigned mechs;    /* of enum smtp_mech */
    uint64_t size_max; /* bytes of a message; 0: no limit known */
    /* RFC 9422; 0: no limit known. */
    uint64_t mails_max, rcpts_max, rcpt_domains_max;
};

/* text: the reply's lines without codes, joined by '\n'; the first is the
 * server's name and greeting, and offers nothing (RFC 5321 4.1.1.1). */
struct smtp_offer smtp_ehlo_parse(const char *text);
#endif
