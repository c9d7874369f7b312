/* POST /inbound/bounces: a message that came back, as some other program has
 * received it. Stored, and read by presort-inbound: the API parses no mail of
 * strangers. */
#include "api/handlers/inbound.sql.h"
#include "api/json.h"
#include "api/request.h"
#include "mail/base64.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* More of a message is not looked at (engine/bounce/mail.h). */
enum { READ_MAX = 1024 * 1024, NUMBER_MAX = 16 };

static enum status store(struct request *request, const char *sql,
                         const char *const *params, int n, PGresult **row,
                         struct error *err)
{
    return session_run(request->session, sql, params, n, row, err);
}

static enum status store_raw(struct request *request, PGresult **row,
                             struct error *err)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = request->body.len < READ_MAX ? request->body.len : READ_MAX;
    struct buf hex = {0};
    char *to = buf_reserve(&hex, 2 * len);

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)request->body.data[i];
        to[2 * i] = digits[c >> 4];
        to[2 * i + 1] = digits[c & 15];
    }
    hex.len = 2 * len;
    to[hex.len] = '\0';
    enum status status = store(request, SQL_INBOUND_POST,
                               (const char *const[]){hex.data}, 1, row, err);

    buf_fini(&hex);
    return status;
}

/* {"raw": base64} */
static enum status store_json(struct request *request, const json_t *raw,
                              PGresult **row, struct error *err)
{
    struct buf clean = {0};
    char most[NUMBER_MAX];
    const char *text = json_string_value(raw);

    if (!text || !*text)
        return fail(err, STATUS_INVALID, "`raw`: a message in base64");
    if (!base64_clean(&clean, text, json_string_length(raw))) {
        buf_fini(&clean);
        return fail(err, STATUS_INVALID, "`raw` is no base64");
    }
    snprintf(most, sizeof most, "%d", READ_MAX);
    enum status status =
        store(request, SQL_INBOUND_POST_BASE64,
              (const char *const[]){clean.data, most}, 2, row, err);

    buf_fini(&clean);
    return status;
}

static bool is_type(const struct request *request, const char *type)
{
    const char *said = request->headers[HEADER_CONTENT_TYPE];
    size_t len = strlen(type);

    return said && strncasecmp(said, type, len) == 0 &&
           (!said[len] || said[len] == ';' || said[len] == ' ');
}

static void answer(struct reply *reply, const PGresult *row)
{
    reply->status = 202;
    buf_addf(&reply->body, "{\"object\":\"inbound_message\",\"id\":\"%s\"}",
             PQgetvalue(row, 0, 0));
}

void inbound_bounces_handle(struct request *request, struct reply *reply)
{
    DB_RESULT *row = NULL;
    struct error err;
    enum status status;

    if (request->body.len >
        (size_t)request->config->inbound_message_max_bytes) {
        reply_error_as(reply, 413, API_VALIDATION_ERROR,
                       "The message is larger than "
                       "inbound_message_max_bytes (%lld)",
                       (long long)request->config->inbound_message_max_bytes);
        return;
    }
    if (is_type(request, "message/rfc822")) {
        if (!request->body.len) {
            reply_error(reply, API_MISSING_REQUIRED_FIELD,
                        "The body is the message, and it is empty");
            return;
        }
        status = store_raw(request, &row, &err);
    } else if (is_type(request, "application/json")) {
        JSON_DECREF json_t *body = request_json(request, reply);
        if (!body)
            return;
        status = store_json(request, json_object_get(body, "raw"), &row, &err);
    } else {
        reply_error_as(reply, 415, API_VALIDATION_ERROR,
                       "Content-Type: message/rfc822, or application/json "
                       "with {\"raw\": base64}");
        return;
    }
    if (status == STATUS_OK)
        answer(reply, row);
    else
        reply_status(reply, status, &err);
}
