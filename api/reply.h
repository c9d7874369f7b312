/*
 * api/reply - what one request is answered: a status, a few headers, a body.
 * The owner calls reply_fini. No I/O. Error bodies have the shape that SDKs
 * read: {"statusCode", "name", "message"}.
 */
#ifndef API_REPLY_H
#define API_REPLY_H

#include "api/error.h"
#include "base/buf.h"
#include "base/status.h"

enum { REPLY_HEADERS_MAX = 8, REPLY_VALUE_MAX = 128, REPLY_RETRY_SECONDS = 5 };

struct reply_header {
    const char *name; /* static text */
    char value[REPLY_VALUE_MAX];
};

struct reply {
    int status;               /* 0: nothing answered yet */
    const char *content_type; /* static text; NULL: application/json */
    struct buf body;
    struct buf kept;     /* not empty: what is kept under an idempotency key
                            instead of a body that holds a secret */
    struct buf location; /* not empty: where a redirect leads */
    struct reply_header headers[REPLY_HEADERS_MAX];
    size_t n_headers;
};

void reply_fini(struct reply *r);
/* As if nothing had been answered; headers are forgotten too. */
void reply_reset(struct reply *r);

/* name is kept, value copied; a name set before gets the new value. */
PRINTF(3, 4)
void reply_header(struct reply *r, const char *name, const char *fmt, ...);

/* Replaces whatever was answered before. */
PRINTF(3, 4)
void reply_error(struct reply *r, enum api_error name, const char *fmt, ...);
/* The same with another HTTP status than the name's own. */
PRINTF(4, 5)
void reply_error_as(struct reply *r, int status, enum api_error name,
                    const char *fmt, ...);

/* 503 with Retry-After: the database is away, or we are too busy. */
void reply_unavailable(struct reply *r, const char *why);

/* A failure of ours as an answer: UNAVAILABLE is 503, INVALID 422, NOT_FOUND
 * 404, CONFLICT 409, TOO_BIG 413; FAILED is 500 and its text, which may speak
 * of our inside, is logged instead of shown. */
void reply_status(struct reply *r, enum status status, const struct error *err);
#endif
