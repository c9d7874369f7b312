/*
 * api/error - the names that errors have on the wire, and their HTTP status.
 * Only names that every SDK knows: an unknown one makes some of them take an
 * error for a success. What has no name of its own borrows the nearest.
 */
#ifndef API_ERROR_H
#define API_ERROR_H

#include "base/enum.h"

/* member, name, HTTP status unless the reply says otherwise */
#define API_ERROR_TABLE(X)                                                     \
    X(API_INVALID_IDEMPOTENCY_KEY, "invalid_idempotency_key", 400)             \
    X(API_VALIDATION_ERROR, "validation_error", 422)                           \
    X(API_MISSING_API_KEY, "missing_api_key", 401)                             \
    X(API_RESTRICTED_API_KEY, "restricted_api_key", 401)                       \
    X(API_INVALID_API_KEY, "invalid_api_key", 403)                             \
    X(API_NOT_FOUND, "not_found", 404)                                         \
    X(API_METHOD_NOT_ALLOWED, "method_not_allowed", 405)                       \
    X(API_INVALID_IDEMPOTENT_REQUEST, "invalid_idempotent_request", 409)       \
    X(API_CONCURRENT_IDEMPOTENT_REQUESTS, "concurrent_idempotent_requests",    \
      409)                                                                     \
    X(API_INVALID_ATTACHMENT, "invalid_attachment", 422)                       \
    X(API_INVALID_FROM_ADDRESS, "invalid_from_address", 422)                   \
    X(API_INVALID_ACCESS, "invalid_access", 422)                               \
    X(API_INVALID_PARAMETER, "invalid_parameter", 422)                         \
    X(API_MISSING_REQUIRED_FIELD, "missing_required_field", 422)               \
    X(API_RATE_LIMIT_EXCEEDED, "rate_limit_exceeded", 429)                     \
    X(API_APPLICATION_ERROR, "application_error", 500)                         \
    X(API_INTERNAL_SERVER_ERROR, "internal_server_error", 500)

#define X_(member, name, http) member,
enum api_error { API_ERROR_TABLE(X_) };
#undef X_

const char *api_error_text(enum api_error error);
int api_error_status(enum api_error error);
#endif
