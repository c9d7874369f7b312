#include "api/auth.h"
#include "api/auth.sql.h"
#include "base/clock.h"
#include "base/memory.h"
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BUCKETS = 4096, HEX_MAX = AUTH_HASH_BYTES * 2 + 1 };

struct key {
    struct key *next; /* in its bucket */
    struct auth_hash hash;
    struct caller caller;
    int64_t limit;       /* requests per second */
    uint64_t generation; /* of the refresh that saw it last */
    bool used;           /* since auth_note_use */
    struct rate rate;
};

struct auth {
    pthread_mutex_t lock;
    int64_t standard_limit;
    uint64_t generation;
    struct key *buckets[BUCKETS];
};

void auth_hash_key(const char *key, struct auth_hash *out)
{
    EVP_Digest(key, strlen(key), out->bytes, NULL, EVP_sha256(), NULL);
}

bool auth_hash_header(const char *value, struct auth_hash *out)
{
    static const char scheme[] = "Bearer ";

    if (strncasecmp(value, scheme, sizeof scheme - 1) != 0)
        return false;
    value += sizeof scheme - 1;
    value += strspn(value, " ");
    if (*value == 0 || strnlen(value, AUTH_KEY_MAX) == AUTH_KEY_MAX)
        return false;
    auth_hash_key(value, out);
    return true;
}

struct auth *auth_new(int64_t standard_limit)
{
    struct auth *a = memory_new(1, sizeof *a);

    pthread_mutex_init(&a->lock, NULL);
    a->standard_limit = standard_limit;
    return a;
}

/* A SHA-256 is its own hash. */
static struct key **bucket_of(struct auth *a, const struct auth_hash *hash)
{
    return &a->buckets[(hash->bytes[0] << 8 | hash->bytes[1]) % BUCKETS];
}

static struct key *find(struct auth *a, const struct auth_hash *hash)
{
    struct key *k = *bucket_of(a, hash);

    while (k && memcmp(&k->hash, hash, sizeof *hash) != 0)
        k = k->next;
    return k;
}

/* Frees the keys that `gone` says; all if it is NULL. */
static void sweep(struct auth *a,
                  bool (*gone)(const struct key *k, const void *context),
                  const void *context)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct key **at = &a->buckets[i];

        while (*at) {
            struct key *k = *at;

            if (gone && !gone(k, context)) {
                at = &k->next;
                continue;
            }
            *at = k->next;
            free(k);
        }
    }
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    sweep(a, NULL, NULL);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

bool auth_take(struct auth *a, const struct auth_hash *hash, int64_t now_us,
               struct caller *caller, struct rate_answer *rate)
{
    struct key *k;

    pthread_mutex_lock(&a->lock);
    k = find(a, hash);
    if (k) {
        *caller = k->caller;
        *rate = rate_take(&k->rate, k->limit, now_us);
        k->used = true;
    }
    pthread_mutex_unlock(&a->lock);
    return k != NULL;
}

static bool hash_from_hex(const char *hex, struct auth_hash *out)
{
    size_t len;

    return OPENSSL_hexstr2buf_ex(out->bytes, sizeof out->bytes, &len, hex, 0) &&
           len == sizeof out->bytes;
}

static void learn(struct auth *a, const PGresult *rows, int row)
{
    struct auth_hash hash;

    if (!hash_from_hex(PQgetvalue(rows, row, 4), &hash))
        return;
    struct key *k = find(a, &hash);
    if (!k) {
        struct key **bucket = bucket_of(a, &hash);

        k = memory_new(1, sizeof *k);
        k->hash = hash;
        k->next = *bucket;
        *bucket = k;
    }
    snprintf(k->caller.key_id, REQUEST_KEY_ID_MAX, "%s",
             PQgetvalue(rows, row, 0));
    k->caller.project = strtoll(PQgetvalue(rows, row, 1), NULL, 10);
    k->caller.scope = strcmp(PQgetvalue(rows, row, 2), "full") == 0
                          ? SCOPE_FULL
                          : SCOPE_SENDING;
    k->limit = PQgetisnull(rows, row, 3)
                   ? a->standard_limit
                   : strtoll(PQgetvalue(rows, row, 3), NULL, 10);
    k->generation = a->generation;
}

enum status auth_look_up(struct auth *a, struct session *s,
                         const struct auth_hash *hash, struct error *err)
{
    char hex[HEX_MAX];
    const char *params[] = {hex};
    DB_RESULT *rows = NULL;

    for (size_t i = 0; i < AUTH_HASH_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash->bytes[i]);
    enum status status = session_run(s, SQL_AUTH_ONE, params, 1, &rows, err);
    if (status != STATUS_OK)
        return status;
    pthread_mutex_lock(&a->lock);
    if (PQntuples(rows) == 1)
        learn(a, rows, 0);
    pthread_mutex_unlock(&a->lock);
    return STATUS_OK;
}

static bool is_old(const struct key *k, const void *generation)
{
    return k->generation < *(const uint64_t *)generation;
}

enum status auth_refresh(struct auth *a, struct session *s, struct error *err)
{
    char most[32];
    const char *params[] = {most};
    DB_RESULT *rows = NULL;

    /* What auth_look_up learns while the query runs belongs to the new
     * generation, so that it is not swept as unseen. */
    pthread_mutex_lock(&a->lock);
    a->generation++;
    pthread_mutex_unlock(&a->lock);
    snprintf(most, sizeof most, "%d", AUTH_KEYS_MAX);
    enum status status = session_run(s, SQL_AUTH_ALL, params, 1, &rows, err);
    if (status != STATUS_OK)
        return status;
    pthread_mutex_lock(&a->lock);
    for (int row = 0; row < PQntuples(rows); row++)
        learn(a, rows, row);
    sweep(a, is_old, &a->generation);
    pthread_mutex_unlock(&a->lock);
    return STATUS_OK;
}

static bool list_used(struct auth *a, struct buf *ids)
{
    size_t n = 0;

    buf_add_char(ids, '{');
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct key *k = a->buckets[i]; k; k = k->next) {
            if (!k->used)
                continue;
            buf_addf(ids, "%s%s", n++ ? "," : "", k->caller.key_id);
            k->used = false;
        }
    }
    pthread_mutex_unlock(&a->lock);
    buf_add_char(ids, '}');
    return n > 0;
}

enum status auth_note_use(struct auth *a, struct session *s, struct error *err)
{
    struct buf ids = {0};
    enum status status = STATUS_OK;

    if (list_used(a, &ids)) {
        const char *params[] = {ids.data};

        status = session_run(s, SQL_AUTH_USED, params, 1, NULL, err);
    }
    buf_fini(&ids);
    return status;
}

static bool has_id(const struct key *k, const void *id)
{
    return strcasecmp(k->caller.key_id, id) == 0;
}

void auth_forget(struct auth *a, const char *key_id)
{
    pthread_mutex_lock(&a->lock);
    sweep(a, has_id, key_id);
    pthread_mutex_unlock(&a->lock);
}
