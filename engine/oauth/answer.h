/*
 * oauth/answer - what a token endpoint answers to a refresh (RFC 6749, 5.1 and
 * 5.2), in JSON. Bytes in, a token out: no I/O, no clock.
 *
 * All of it is hostile until parsed: size, types, characters and ranges are
 * checked, what is not known is skipped. Of what it says, only the name of an
 * error ever stands in an error's text, and that only if it is a word of lower
 * case letters and "_", as all that are registered are.
 */
#ifndef OAUTH_ANSWER_H
#define OAUTH_ANSWER_H

#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

enum {
    OAUTH_BODY_MAX = 32 * 1024, /* bytes of an answer that are read */
    OAUTH_SECRET_MAX = 6000,    /* a token or secret, with its NUL */
    OAUTH_ERROR_MAX = 48,       /* the name of an error, with its NUL */
    OAUTH_WHY_MAX = 192,        /* a reason for people, with its NUL */
    /* Seconds: the largest that is no mistake; the largest that is believed;
     * and where the answer has none (5.1 leaves it open). */
    OAUTH_EXPIRES_MAX = 10 * 366 * 86400,
    OAUTH_EXPIRES_MOST = 86400,
    OAUTH_EXPIRES_STANDARD = 300,
};

/* The caller wipes it. */
struct oauth_answer {
    char token[OAUTH_SECRET_MAX];   /* printable ASCII without spaces */
    char refresh[OAUTH_SECRET_MAX]; /* to be used from now on; "": as before */
    int64_t expires_seconds;        /* 1 to OAUTH_EXPIRES_MOST */
};

/* http_status: of the reply; type: its Content-Type, or NULL. err names the
 * field that is wrong, or says what the endpoint says: "HTTP status 400,
 * invalid_grant". */
MUST_USE enum status oauth_answer_read(long http_status, const char *type,
                                       const char *body, size_t len,
                                       struct oauth_answer *out,
                                       struct error *err);
#endif
