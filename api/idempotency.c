#include "api/idempotency.h"
#include "api/idempotency.sql.h"
#include "base/memory.h"
#include "queue/array.h"
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024, HEX_MAX = IDEMPOTENCY_HASH_BYTES * 2 + 1 };

struct idempotency {
    pthread_mutex_t lock;
    struct idempotency_claim *buckets[BUCKETS];
};

struct idempotency *idempotency_new(void)
{
    struct idempotency *map = memory_new(1, sizeof *map);

    pthread_mutex_init(&map->lock, NULL);
    return map;
}

void idempotency_free(struct idempotency *map)
{
    if (!map)
        return;
    pthread_mutex_destroy(&map->lock);
    free(map);
}

bool idempotency_key_valid(const char *key)
{
    size_t len = strnlen(key, IDEMPOTENCY_KEY_MAX + 1);

    for (const char *p = key; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
            return false;
    return len >= 1 && len <= IDEMPOTENCY_KEY_MAX;
}

/* FNV-1a: who chooses keys so that they collide slows down only himself and
 * a lookup among requests that are in flight. */
static struct idempotency_claim **bucket_of(struct idempotency *map,
                                            const struct idempotency_claim *c)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)c->project;

    for (const char *p = c->key; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
    return &map->buckets[h % BUCKETS];
}

static bool same(const struct idempotency_claim *a,
                 const struct idempotency_claim *b)
{
    return a->project == b->project && strcmp(a->key, b->key) == 0;
}

bool idempotency_claim(struct idempotency *map, struct idempotency_claim *c)
{
    struct idempotency_claim **bucket = bucket_of(map, c), *other;

    pthread_mutex_lock(&map->lock);
    for (other = *bucket; other && !same(other, c);)
        other = other->next;
    if (!other) {
        c->next = *bucket;
        *bucket = c;
    }
    pthread_mutex_unlock(&map->lock);
    return other == NULL;
}

void idempotency_release(struct idempotency *map, struct idempotency_claim *c)
{
    struct idempotency_claim **at = bucket_of(map, c);

    pthread_mutex_lock(&map->lock);
    while (*at && *at != c)
        at = &(*at)->next;
    if (*at)
        *at = c->next;
    pthread_mutex_unlock(&map->lock);
}

void idempotency_answer(const struct idempotency_claim *c,
                        const unsigned char hash[IDEMPOTENCY_HASH_BYTES],
                        int status, const char *response, size_t len,
                        struct reply *reply)
{
    if (memcmp(c->hash, hash, IDEMPOTENCY_HASH_BYTES) != 0) {
        reply_error(reply, API_INVALID_IDEMPOTENT_REQUEST,
                    "This idempotency key was used for another request in the "
                    "last 24 hours. Use a new key, or send the same request.");
        return;
    }
    buf_reset(&reply->body);
    reply->status = status;
    buf_add(&reply->body, response, len);
    reply_header(reply, "Idempotent-Replayed", "true");
}

enum status idempotency_find(struct session *s,
                             const struct idempotency_claim *c,
                             struct reply *reply, bool *known,
                             struct error *err)
{
    unsigned char hash[IDEMPOTENCY_HASH_BYTES];
    char project[24];
    const char *params[] = {project, c->key};
    DB_RESULT *rows = NULL;
    size_t len;

    *known = false;
    snprintf(project, sizeof project, "%lld", (long long)c->project);
    enum status status =
        session_run(s, SQL_IDEMPOTENCY_FIND, params, 2, &rows, err);
    if (status != STATUS_OK || PQntuples(rows) == 0)
        return status;
    if (!OPENSSL_hexstr2buf_ex(hash, sizeof hash, &len, PQgetvalue(rows, 0, 0),
                               0) ||
        len != sizeof hash)
        return fail(err, STATUS_FAILED, "idempotency: a hash is damaged");
    *known = true;
    idempotency_answer(c, hash, (int)strtol(PQgetvalue(rows, 0, 1), NULL, 10),
                       PQgetvalue(rows, 0, 2), (size_t)PQgetlength(rows, 0, 2),
                       reply);
    return STATUS_OK;
}

enum status idempotency_store(struct session *s,
                              const struct idempotency_claim *c,
                              const struct reply *reply, struct error *err)
{
    char project[24], code[12], hex[HEX_MAX];
    const char *params[] = {project, c->key, hex, code,
                            reply->kept.len ? reply->kept.data
                                            : reply->body.data};
    DB_RESULT *rows = NULL;

    snprintf(project, sizeof project, "%lld", (long long)c->project);
    snprintf(code, sizeof code, "%d", reply->status);
    for (size_t i = 0; i < IDEMPOTENCY_HASH_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", c->hash[i]);
    enum status status =
        session_run(s, SQL_IDEMPOTENCY_STORE, params, 5, &rows, err);
    if (status == STATUS_OK && PQntuples(rows) == 0)
        return fail(err, STATUS_CONFLICT, "another process has used the key");
    return status;
}

enum status idempotency_expire(struct session *s,
                               const struct idempotency_claim *c,
                               struct error *err)
{
    char project[24];
    const char *params[] = {project, c->key};

    snprintf(project, sizeof project, "%lld", (long long)c->project);
    return session_run(s, SQL_IDEMPOTENCY_EXPIRE, params, 2, NULL, err);
}

enum status idempotency_prepare(struct session *s, struct error *err)
{
    PGconn *pg = session_pg(s);
    DB_RESULT *done =
        PQprepare(pg, "idempotency_send", SQL_IDEMPOTENCY_SEND, 0, NULL);

    if (PQresultStatus(done) != PGRES_COMMAND_OK)
        return session_failed(s, done, err);
    return STATUS_OK;
}

bool idempotency_send(PGconn *pg, struct buf params[IDEMPOTENCY_PARAMS],
                      const struct idempotency_claim *const *claims,
                      const struct reply *const *replies, size_t n)
{
    static const enum array_type types[IDEMPOTENCY_PARAMS] = {
        ARRAY_INT8, ARRAY_TEXT, ARRAY_BYTEA, ARRAY_INT4, ARRAY_TEXT};
    const char *values[IDEMPOTENCY_PARAMS];
    int lengths[IDEMPOTENCY_PARAMS], formats[IDEMPOTENCY_PARAMS];

    for (size_t i = 0; i < IDEMPOTENCY_PARAMS; i++)
        array_begin(&params[i], types[i]);
    for (size_t i = 0; i < n; i++) {
        array_int64(&params[0], claims[i]->project);
        array_bytes(&params[1], claims[i]->key, strlen(claims[i]->key));
        array_bytes(&params[2], claims[i]->hash, IDEMPOTENCY_HASH_BYTES);
        array_int32(&params[3], replies[i]->status);
        array_bytes(&params[4], replies[i]->body.data, replies[i]->body.len);
    }
    for (size_t i = 0; i < IDEMPOTENCY_PARAMS; i++) {
        array_end(&params[i]);
        values[i] = params[i].data;
        lengths[i] = (int)params[i].len;
        formats[i] = 1;
    }
    return PQsendQueryPrepared(pg, "idempotency_send", IDEMPOTENCY_PARAMS,
                               values, lengths, formats, 0) == 1;
}
