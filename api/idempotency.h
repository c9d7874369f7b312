/*
 * api/idempotency - a POST with an Idempotency-Key is done once. What it
 * answered is kept for a day and answered again to the same request; the same
 * key with another request is refused. Only successes are kept: who was
 * refused may mend the request and use the key again.
 *
 * The key is claimed in this process while its request runs; between
 * processes the unique row decides, which is written in the transaction of
 * the work itself.
 */
#ifndef API_IDEMPOTENCY_H
#define API_IDEMPOTENCY_H

#include "api/reply.h"
#include "api/session.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IDEMPOTENCY_KEY_MAX = 256, IDEMPOTENCY_HASH_BYTES = 32 };

/* One request's claim. */
struct idempotency_claim {
    int64_t project;
    char key[IDEMPOTENCY_KEY_MAX + 1];
    unsigned char hash[IDEMPOTENCY_HASH_BYTES]; /* method, path and body */
    struct idempotency_claim *next;             /* the map's own */
};

struct idempotency;
struct idempotency *idempotency_new(void);
void idempotency_free(struct idempotency *map);

/* 1 to 256 printable characters. */
bool idempotency_key_valid(const char *key);

/* False: a request with this key is being worked on. The claim is the
 * caller's memory and must stay until released. */
bool idempotency_claim(struct idempotency *map, struct idempotency_claim *c);
void idempotency_release(struct idempotency *map, struct idempotency_claim *c);

/* Was it done before? If so *known is true and the reply is set: the old
 * answer, or the refusal of another request under the same key. */
MUST_USE enum status idempotency_find(struct session *s,
                                      const struct idempotency_claim *c,
                                      struct reply *reply, bool *known,
                                      struct error *err);

/* In the caller's transaction. STATUS_CONFLICT: another process was first;
 * roll back. */
MUST_USE enum status idempotency_store(struct session *s,
                                       const struct idempotency_claim *c,
                                       const struct reply *reply,
                                       struct error *err);

/* A row that is older than a day and not yet removed would be in the way of
 * idempotency_send. */
MUST_USE enum status idempotency_expire(struct session *s,
                                        const struct idempotency_claim *c,
                                        struct error *err);

/* Many rows as one statement of a pipeline, where a key that is taken fails
 * the transaction (STATUS_CONFLICT). Prepare once for each connection; params
 * are used again and again. False: the connection is broken. */
enum { IDEMPOTENCY_PARAMS = 5 };
MUST_USE enum status idempotency_prepare(struct session *s, struct error *err);
MUST_USE bool idempotency_send(PGconn *pg,
                               struct buf params[IDEMPOTENCY_PARAMS],
                               const struct idempotency_claim *const *claims,
                               const struct reply *const *replies, size_t n);

/* The answer from a kept row, as idempotency_find gives it. hash: the row's. */
void idempotency_answer(const struct idempotency_claim *c,
                        const unsigned char hash[IDEMPOTENCY_HASH_BYTES],
                        int status, const char *response, size_t len,
                        struct reply *reply);
#endif
