#include "oauth/answer.h"
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { HTTP_OK = 200 };

/* application/json, whatever its parameters. */
static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t n = sizeof json - 1;

    return type && strncasecmp(type, json, n) == 0 &&
           (type[n] == 0 || type[n] == ';' || type[n] == ' ');
}

/* RFC 6749 allows more characters, and so would a token that was put there by
 * mistake. */
static bool is_error_name(const char *text, size_t len)
{
    if (len == 0 || len >= OAUTH_ERROR_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] != '_' && (text[i] < 'a' || text[i] > 'z'))
            return false;
    return true;
}

/* 5.2; NULL if there is none. */
static const char *error_of(const json_t *root)
{
    const json_t *error = json_object_get(root, "error");

    if (!error)
        return NULL;
    return is_error_name(json_string_value(error), json_string_length(error))
               ? json_string_value(error)
               : "an error without a proper name";
}

/* RFC 6749, A.12 without the space: it is to stand behind "Bearer ". */
static enum status read_secret(const json_t *value, const char *field,
                               char *out, struct error *err)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (!text || len == 0)
        return fail(err, STATUS_INVALID, "%s: a string is expected", field);
    if (len >= OAUTH_SECRET_MAX)
        return fail(err, STATUS_TOO_BIG, "%s: more than %d bytes", field,
                    OAUTH_SECRET_MAX - 1);
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return fail(err, STATUS_INVALID,
                        "%s: printable ASCII without spaces is expected",
                        field);
    memcpy(out, text, len + 1);
    return STATUS_OK;
}

static enum status read_expires(const json_t *root, int64_t *seconds,
                                struct error *err)
{
    const json_t *value = json_object_get(root, "expires_in");
    json_int_t n = json_integer_value(value);

    *seconds = OAUTH_EXPIRES_STANDARD;
    if (!value)
        return STATUS_OK;
    if (!json_is_integer(value) || n < 1 || n > OAUTH_EXPIRES_MAX)
        return fail(err, STATUS_INVALID,
                    "expires_in: a number of seconds from 1 to %d is expected",
                    OAUTH_EXPIRES_MAX);
    *seconds = n < OAUTH_EXPIRES_MOST ? n : OAUTH_EXPIRES_MOST;
    return STATUS_OK;
}

static enum status read_object(const json_t *root, struct oauth_answer *out,
                               struct error *err)
{
    const char *type = json_string_value(json_object_get(root, "token_type"));
    const json_t *refresh = json_object_get(root, "refresh_token");
    enum status status;

    if (!type || strcasecmp(type, "Bearer") != 0)
        return fail(err, STATUS_INVALID, "token_type: Bearer is expected");
    status = read_secret(json_object_get(root, "access_token"), "access_token",
                         out->token, err);
    if (status == STATUS_OK)
        status = read_expires(root, &out->expires_seconds, err);
    if (status == STATUS_OK && refresh)
        status = read_secret(refresh, "refresh_token", out->refresh, err);
    return status;
}

/* root: NULL if it is no JSON. */
static enum status judge(long http_status, const json_t *root,
                         struct oauth_answer *out, struct error *err)
{
    const char *error = error_of(root);

    if (error || http_status != HTTP_OK)
        return fail(err, STATUS_FAILED, "HTTP status %ld%s%s", http_status,
                    error ? ", " : "", error ? error : "");
    if (!json_is_object(root))
        return fail(err, STATUS_INVALID, "the answer is no object in JSON");
    return read_object(root, out, err);
}

enum status oauth_answer_read(long http_status, const char *type,
                              const char *body, size_t len,
                              struct oauth_answer *out, struct error *err)
{
    json_error_t ignored;

    out->token[0] = out->refresh[0] = 0;
    if (len > OAUTH_BODY_MAX)
        return fail(err, STATUS_TOO_BIG, "the answer has more than %d bytes",
                    OAUTH_BODY_MAX);
    json_t *root = is_json(type)
                       ? json_loadb(body, len, JSON_REJECT_DUPLICATES, &ignored)
                       : NULL;
    enum status status = judge(http_status, root, out, err);

    json_decref(root);
    if (status != STATUS_OK)
        explicit_bzero(out, sizeof *out);
    return status;
}
