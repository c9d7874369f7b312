/*
 * api/json - JSON as it comes in and goes out over HTTP.
 *
 * In: bounded before jansson sees it (bytes by the caller; depth, containers
 * and values here), so that a small body can't become a large heap. Duplicate
 * names in an object are refused: which one counts would be a guess.
 * Out: appended to a buf; what is no UTF-8 becomes U+FFFD.
 */
#ifndef API_JSON_H
#define API_JSON_H

#include "base/buf.h"
#include "base/status.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JSON_DEPTH_MAX = 32,
    JSON_CONTAINERS_MAX = 400 * 1000,
    JSON_VALUES_MAX = 2 * 1000 * 1000,
};

#define JSON_DECREF __attribute__((cleanup(json_decref_at)))
static inline void json_decref_at(json_t **value)
{
    json_decref(*value);
}

/* *out is the caller's (json_decref). Errors name line and column.
 * STATUS_INVALID: no JSON; STATUS_TOO_BIG: beyond the limits above. */
MUST_USE enum status json_parse(const char *text, size_t len, json_t **out,
                                struct error *err);

/* What jansson found wrong, for a client to read. */
const char *json_why(const json_error_t *why);

/* text (NULL: null) as a JSON string, quoted and escaped. */
void json_add_text(struct buf *b, const char *text);
void json_add_text_n(struct buf *b, const char *text, size_t len);

/* A parsed value, written compactly. */
void json_add_value(struct buf *b, const json_t *value);

/* Microseconds since 1970 as an RFC 3339 string. */
void json_add_time(struct buf *b, int64_t wall_us);

/* Refuses members of object that are no field of known[n] but misspell one,
 * by a message that names both: settings must not be dropped silently.
 * Other unknown members are let be, and so is what SDKs are known to echo. */
MUST_USE enum status json_check_fields(json_t *object, const char *const *known,
                                       size_t n, struct error *err);

/* The same for calls that no SDK makes: any other member is refused, but for
 * what SDKs echo. */
MUST_USE enum status json_check_all_fields(json_t *object,
                                           const char *const *known, size_t n,
                                           struct error *err);
#endif
