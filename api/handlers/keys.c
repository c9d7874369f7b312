/* /api-keys: make, list and revoke the keys of one's own project. */
#include "api/api.h"
#include "api/handlers/keys.sql.h"
#include "api/json.h"
#include "api/request.h"
#include "base/bug.h"
#include "base/utf8.h"
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_TEXT_MAX = 3 + 8 + 1 + 24 + 1, /* re_ABCDEFGH_ and 24 more */
    KEY_PREFIX_LEN = 3 + 8,
    KEY_NAME_MAX = 100,
    KEY_RATE_MAX = 10 * 1000 * 1000,
    NUMBER_MAX = 24,
};

struct key_request {
    const char *name, *scope;
    json_int_t rate; /* 0: the standard */
};

/* Letters and digits, all equally likely: 62 * 4 = 248, the rest is drawn
 * again. */
static void random_text(char *out, size_t n)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char byte;

    while (n > 0) {
        if (RAND_bytes(&byte, 1) != 1)
            BUG("no random bytes");
        if (byte < 248)
            *out++ = set[byte % 62], n--;
    }
}

static void make_key(char key[KEY_TEXT_MAX])
{
    memcpy(key, "re_", 3);
    random_text(key + 3, 8);
    key[KEY_PREFIX_LEN] = '_';
    random_text(key + KEY_PREFIX_LEN + 1, 24);
    key[KEY_TEXT_MAX - 1] = 0;
}

static const char *scope_of(const char *permission)
{
    if (!permission || strcmp(permission, "full_access") == 0 ||
        strcmp(permission, "full") == 0)
        return "full";
    if (strcmp(permission, "sending_access") == 0 ||
        strcmp(permission, "sending") == 0)
        return "sending";
    return NULL;
}

static enum status read_request(json_t *body, struct key_request *out,
                                struct error *err)
{
    static const char *const known[] = {"name", "permission", "domain_id",
                                        "rate_limit_per_second"};
    json_t *name = json_object_get(body, "name");
    json_t *permission = json_object_get(body, "permission");
    json_t *rate = json_object_get(body, "rate_limit_per_second");

    if (!json_is_object(body))
        return fail(err, STATUS_INVALID, "The body is to be a JSON object.");
    /* Ours is called permission. Passed over, a key meant for sending only
     * would come out with full access. */
    if (json_object_get(body, "scope"))
        return fail(err, STATUS_INVALID,
                    "Unknown field `scope`. Did you mean `permission`?");
    if (!json_is_string(name) || json_string_length(name) == 0 ||
        json_string_length(name) > KEY_NAME_MAX)
        return fail(err, STATUS_INVALID,
                    "`name` is to be a text of 1 to %d bytes.", KEY_NAME_MAX);
    out->name = json_string_value(name);
    if (!utf8_one_line(out->name))
        return fail(err, STATUS_INVALID,
                    "`name` is to be one line without control characters.");
    out->scope = permission && !json_is_string(permission)
                     ? NULL
                     : scope_of(json_string_value(permission));
    if (!out->scope)
        return fail(err, STATUS_INVALID,
                    "`permission` is to be `full_access` or "
                    "`sending_access`.");
    out->rate = json_integer_value(rate);
    if (rate && !json_is_null(rate) &&
        (!json_is_integer(rate) || out->rate < 1 || out->rate > KEY_RATE_MAX))
        return fail(err, STATUS_INVALID,
                    "`rate_limit_per_second` is to be a number from 1 to %d.",
                    KEY_RATE_MAX);
    return json_check_fields(body, known, sizeof known / sizeof *known, err);
}

static enum status store(struct request *request,
                         const struct key_request *wanted, const char *key,
                         PGresult **row, struct error *err)
{
    struct auth_hash hash;
    char project[NUMBER_MAX], rate[NUMBER_MAX], prefix[KEY_PREFIX_LEN + 1];
    char hex[2 * AUTH_HASH_BYTES + 1];
    const char *params[] = {project, wanted->name,  prefix,
                            hex,     wanted->scope, wanted->rate ? rate : NULL};

    auth_hash_key(key, &hash);
    for (size_t i = 0; i < AUTH_HASH_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash.bytes[i]);
    snprintf(project, sizeof project, "%lld",
             (long long)request->caller.project);
    snprintf(rate, sizeof rate, "%lld", (long long)wanted->rate);
    snprintf(prefix, sizeof prefix, "%.*s", (int)sizeof prefix - 1, key);
    return session_run(request->session, SQL_KEYS_CREATE, params, 6, row, err);
}

/* The key itself is shown this once, and kept nowhere. */
void keys_create_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);
    struct key_request wanted = {0};
    char key[KEY_TEXT_MAX];
    DB_RESULT *row = NULL;
    struct error err;

    if (!body)
        return;
    enum status status = read_request(body, &wanted, &err);
    make_key(key);
    if (status == STATUS_OK)
        status = store(request, &wanted, key, &row, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 201;
    buf_addf(&reply->body, "{\"object\":\"api_key\",\"id\":\"%s\"",
             PQgetvalue(row, 0, 0));
    buf_add(&reply->kept, reply->body.data, reply->body.len);
    buf_add_text(&reply->kept, ",\"token\":null}");
    buf_addf(&reply->body, ",\"token\":\"%s\"}", key);
}

static void add_key(struct buf *out, const PGresult *rows, int row)
{
    buf_addf(out, "%s{\"id\":\"%s\",\"name\":", row ? "," : "",
             PQgetvalue(rows, row, 0));
    json_add_text(out, PQgetvalue(rows, row, 1));
    buf_addf(out, ",\"prefix\":\"%s\",\"permission\":\"%s_access\"",
             PQgetvalue(rows, row, 2), PQgetvalue(rows, row, 3));
    buf_addf(out, ",\"rate_limit_per_second\":%s,\"created_at\":",
             PQgetisnull(rows, row, 4) ? "null" : PQgetvalue(rows, row, 4));
    json_add_time(out, strtoll(PQgetvalue(rows, row, 5), NULL, 10));
    buf_add_text(out, ",\"last_used_at\":");
    if (PQgetisnull(rows, row, 6))
        buf_add_text(out, "null");
    else
        json_add_time(out, strtoll(PQgetvalue(rows, row, 6), NULL, 10));
    buf_add_char(out, '}');
}

void keys_list_handle(struct request *request, struct reply *reply)
{
    char project[NUMBER_MAX];
    const char *params[] = {project};
    DB_RESULT *rows = NULL;
    struct error err;

    snprintf(project, sizeof project, "%lld",
             (long long)request->caller.project);
    enum status status =
        session_run(request->session, SQL_KEYS_LIST, params, 1, &rows, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    reply->status = 200;
    buf_add_text(&reply->body, "{\"object\":\"list\",\"has_more\":false,"
                               "\"data\":[");
    for (int row = 0; row < PQntuples(rows); row++)
        add_key(&reply->body, rows, row);
    buf_add_text(&reply->body, "]}");
}

void keys_delete_handle(struct request *request, struct reply *reply)
{
    char project[NUMBER_MAX];
    const char *params[] = {project, request->args[0]};
    DB_RESULT *rows = NULL;
    struct error err;

    snprintf(project, sizeof project, "%lld",
             (long long)request->caller.project);
    enum status status =
        session_run(request->session, SQL_KEYS_REVOKE, params, 2, &rows, &err);
    /* STATUS_INVALID: not even a UUID, so no key either. */
    if (status == STATUS_INVALID ||
        (status == STATUS_OK && PQntuples(rows) == 0)) {
        reply_error(reply, API_NOT_FOUND, "API key not found");
        return;
    }
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    auth_forget(request->api->auth, PQgetvalue(rows, 0, 0));
    reply->status = 200;
    buf_addf(&reply->body,
             "{\"object\":\"api_key\",\"id\":\"%s\",\"deleted\":true}",
             PQgetvalue(rows, 0, 0));
}
