/*
 * base/status - what happened to us (not to mail: that is an outcome).
 *
 * Every function that can fail for a reason of ours returns a status and, where
 * a person will read why, fills a struct error that names the field, line or
 * setting. Secrets never stand in an error's text.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/enum.h"

#define STATUS_TABLE(X)                                                        \
    X(STATUS_OK, "ok")                                                         \
    X(STATUS_INVALID, "invalid input")                                         \
    X(STATUS_NOT_FOUND, "not found")                                           \
    X(STATUS_CONFLICT, "conflict")                                             \
    X(STATUS_TOO_BIG, "limit exceeded")                                        \
    X(STATUS_UNAVAILABLE, "database unavailable")                              \
    X(STATUS_FAILED, "failed")
ENUM_DECLARE(status, STATUS_TABLE);

enum { ERROR_TEXT_MAX = 512 };

struct error {
    char text[ERROR_TEXT_MAX];
};

/* Write the text, cut at the limit, and return the status: so that a function
 * can end with `return fail(err, STATUS_INVALID, "line %zu: ...", n)`.
 * err may be NULL. */
MUST_USE PRINTF(3, 4) enum status
    fail(struct error *err, enum status status, const char *fmt, ...);
#endif
