/*
 * smtp/ehlo - what a server's EHLO reply offers. A pure parser: no I/O, no
 * allocation; unknown keywords and parameters are passed over.
 */
#ifndef SMTP_EHLO_H
#define SMTP_EHLO_H

#include <stdint.h>

/* Bit and keyword. STARTTLS, AUTH and CHUNKING are recorded for who drives the
 * session; it does not use them itself. */
#define SMTP_CAP_TABLE(X)                                                      \
    X(SMTP_CAP_PIPELINING, 0, "PIPELINING")                   /* RFC 2920 */   \
    X(SMTP_CAP_SIZE, 1, "SIZE")                               /* RFC 1870 */   \
    X(SMTP_CAP_8BITMIME, 2, "8BITMIME")                       /* RFC 6152 */   \
    X(SMTP_CAP_ENHANCEDSTATUSCODES, 3, "ENHANCEDSTATUSCODES") /* RFC 2034 */   \
    X(SMTP_CAP_SMTPUTF8, 4, "SMTPUTF8")                       /* RFC 6531 */   \
    X(SMTP_CAP_STARTTLS, 5, "STARTTLS")                       /* RFC 3207 */   \
    X(SMTP_CAP_AUTH, 6, "AUTH")                               /* RFC 4954 */   \
    X(SMTP_CAP_CHUNKING, 7, "CHUNKING")                       /* RFC 3030 */

#define SMTP_CAP_MEMBER_(cap, bit, keyword) cap = 1 << bit,
enum smtp_cap { SMTP_CAP_TABLE(SMTP_CAP_MEMBER_) };
#undef SMTP_CAP_MEMBER_

struct smtp_offer {
    unsigned caps;     /* of enum smtp_cap */
    uint64_t size_max; /* bytes of a message; 0: no limit known */
};

/* text: the reply's lines without codes, joined by '\n'; the first is the
 * server's name and greeting, and offers nothing (RFC 5321 4.1.1.1). */
struct smtp_offer smtp_ehlo_parse(const char *text);
#endif
