/*
 * smtp/auth - the client's side of one AUTH exchange (RFC 4954): SCRAM-SHA-256
 * (RFC 5802, 7677), PLAIN (RFC 4616), LOGIN, XOAUTH2. Text in, lines out: no
 * I/O, no clock.
 *
 * Challenges are hostile until parsed. The secret is wiped with the exchange,
 * and stands in no text but the lines to be said.
 */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include "base/enum.h"
#include "smtp/ehlo.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    SMTP_AUTH_USER_MAX = 320,
    SMTP_AUTH_SECRET_MAX = 6000,       /* tokens are long */
    SMTP_AUTH_LINE_MAX = 12288,        /* RFC 4954, 4 */
    SMTP_AUTH_ITERATIONS_MIN = 4096,   /* RFC 7677, 4 */
    SMTP_AUTH_ITERATIONS_MAX = 200000, /* a tenth of a second: ours is one
                                          thread for all connections */
};

struct smtp_login {
    unsigned mechs; /* of enum smtp_mech: these will do, the strongest first */
    const char *user, *secret; /* password, or with XOAUTH2 a token */
    bool in_clear;             /* the secret may go out without TLS */
};

#define SMTP_AUTH_TABLE(X)                                                     \
    X(SMTP_AUTH_SAY, "say the line")                                           \
    X(SMTP_AUTH_DONE, "logged in")                                             \
    X(SMTP_AUTH_FAILED, "failed")
ENUM_DECLARE(smtp_auth_fate, SMTP_AUTH_TABLE);

struct smtp_auth;

/* Copied; free wipes it. */
struct smtp_auth *smtp_auth_new(const struct smtp_login *login);
void smtp_auth_free(struct smtp_auth *a);

/* The first line, by the strongest of the offered mechanisms (of enum
 * smtp_mech); FAILED: there is none, or user or secret will not do. */
MUST_USE enum smtp_auth_fate smtp_auth_begin(struct smtp_auth *a,
                                             unsigned offered, bool secure);

/* The reply to what was said last: its code, and its text as it came. FAILED:
 * refused, or the server did not prove that it knows the password. */
MUST_USE enum smtp_auth_fate smtp_auth_hear(struct smtp_auth *a, unsigned code,
                                            const char *text);

/* After SAY: with its CRLF; lives until the next call. */
const char *smtp_auth_line(const struct smtp_auth *a, size_t *len);

/* After FAILED: why, if it was not the server's reply that says it; else "". */
const char *smtp_auth_why(const struct smtp_auth *a);

/* text is what the server says of the exchange, for people: it ends where
 * something of what was said comes back, the secret or its base64, or where
 * there is a long word of base64. A server that wants to tell what it was told
 * has other ways; this is against those that give back what they refuse.
 * Returns how long it is now. */
size_t smtp_auth_hide(const struct smtp_auth *a, char *text);

/* For tests: what the nonce is instead of chance. */
void smtp_auth_nonce(struct smtp_auth *a, const char *nonce);
#endif
