/*
 * api/auth - which project an API key belongs to, what it may do, and how
 * often. Keys are kept in memory by their SHA-256, so that a request asks no
 * database; auth_refresh, run every second, brings in new keys and drops
 * revoked ones. The keys themselves are never stored nor logged.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/rate.h"
#include "api/request.h"
#include "api/session.h"

enum { AUTH_HASH_BYTES = 32, AUTH_KEY_MAX = 128, AUTH_KEYS_MAX = 100 * 1000 };

struct auth_hash {
    unsigned char bytes[AUTH_HASH_BYTES];
};

/* Of the value of an Authorization header. False: not "Bearer KEY". */
bool auth_hash_header(const char *value, struct auth_hash *out);
void auth_hash_key(const char *key, struct auth_hash *out);

struct auth;

/* standard_limit: requests per second of keys that have no limit of their
 * own. */
struct auth *auth_new(int64_t standard_limit);
void auth_free(struct auth *a);

/* False: not known here. The request is counted against the key's limit. */
bool auth_take(struct auth *a, const struct auth_hash *hash, int64_t now_us,
               struct caller *caller, struct rate_answer *rate);

/* One key by its hash, for a miss: it may have been made a moment ago.
 * STATUS_OK also if there is no such key: ask auth_take. */
MUST_USE enum status auth_look_up(struct auth *a, struct session *s,
                                  const struct auth_hash *hash,
                                  struct error *err);

/* All keys anew; those that are gone or revoked are forgotten. */
MUST_USE enum status auth_refresh(struct auth *a, struct session *s,
                                  struct error *err);

/* Writes down which keys were used since the last time. */
MUST_USE enum status auth_note_use(struct auth *a, struct session *s,
                                   struct error *err);

/* Forget a key at once, here: it was revoked. */
void auth_forget(struct auth *a, const char *key_id);
#endif
