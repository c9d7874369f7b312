#include "api/reply.h"
#include "api/json.h"
#include "base/bug.h"
#include "base/log.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void reply_fini(struct reply *r)
{
    buf_fini(&r->body);
    buf_fini(&r->kept);
    buf_fini(&r->location);
}

void reply_reset(struct reply *r)
{
    buf_reset(&r->body);
    buf_reset(&r->kept);
    buf_reset(&r->location);
    r->status = 0;
    r->content_type = NULL;
    r->n_headers = 0;
}

void reply_header(struct reply *r, const char *name, const char *fmt, ...)
{
    size_t at = 0;
    va_list ap;

    while (at < r->n_headers && strcmp(r->headers[at].name, name) != 0)
        at++;
    if (at == REPLY_HEADERS_MAX)
        BUG("more headers than a reply has room for");
    if (at == r->n_headers)
        r->n_headers++;
    r->headers[at].name = name;
    va_start(ap, fmt);
    vsnprintf(r->headers[at].value, REPLY_VALUE_MAX, fmt, ap);
    va_end(ap);
}

static void error_body(struct reply *r, int status, enum api_error name,
                       const char *message)
{
    r->status = status;
    r->content_type = NULL;
    buf_reset(&r->body);
    buf_addf(&r->body,
             "{\"statusCode\":%d,\"name\":\"%s\",\"message\":", status,
             api_error_text(name));
    json_add_text(&r->body, message);
    buf_add_text(&r->body, "}");
}

void reply_error(struct reply *r, enum api_error name, const char *fmt, ...)
{
    char message[ERROR_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    error_body(r, api_error_status(name), name, message);
}

void reply_error_as(struct reply *r, int status, enum api_error name,
                    const char *fmt, ...)
{
    char message[ERROR_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    error_body(r, status, name, message);
}

void reply_unavailable(struct reply *r, const char *why)
{
    reply_error_as(r, 503, API_INTERNAL_SERVER_ERROR,
                   "%s Please try again in a few seconds.", why);
    reply_header(r, "Retry-After", "%d", REPLY_RETRY_SECONDS);
}

void reply_status(struct reply *r, enum status status, const struct error *err)
{
    char quoted[LOG_QUOTE_MAX];

    switch (status) {
    case STATUS_OK: BUG("a success answered as an error");
    case STATUS_INVALID:
        reply_error(r, API_VALIDATION_ERROR, "%s", err->text);
        return;
    case STATUS_NOT_FOUND:
        reply_error(r, API_NOT_FOUND, "%s", err->text);
        return;
    case STATUS_CONFLICT:
        reply_error_as(r, 409, API_VALIDATION_ERROR, "%s", err->text);
        return;
    case STATUS_TOO_BIG:
        reply_error_as(r, 413, API_VALIDATION_ERROR, "%s", err->text);
        return;
    case STATUS_UNAVAILABLE:
        log_event(LOG_WARN, "database_unavailable", "error=%s",
                  log_quote(err->text, quoted));
        reply_unavailable(r, "The database can't be reached, or is busy.");
        return;
    case STATUS_FAILED:
        log_event(LOG_ERROR, "request_failed", "error=%s",
                  log_quote(err->text, quoted));
        reply_error(r, API_INTERNAL_SERVER_ERROR,
                    "Something went wrong on our side. It was logged.");
        return;
    }
}
