/*
 * api/pool - threads that may wait for the database, each with a session of
 * its own, and the bounded queue of what they have to do.
 */
#ifndef API_POOL_H
#define API_POOL_H

#include "api/session.h"
#include <stdbool.h>
#include <stddef.h>

struct pool_job {
    struct pool_job *next; /* the pool's own */
    void (*run)(struct pool_job *job, struct session *session);
};

struct pool_count {
    size_t threads, busy, queued;
};

struct pool;

/* At most queued_max jobs wait for a thread. */
struct pool *pool_new(const struct config *config, size_t threads,
                      size_t queued_max);
/* Waits for the jobs that run; those still queued are run too. */
void pool_free(struct pool *p);

/* False: too many are waiting already. The job is the caller's until run. */
bool pool_submit(struct pool *p, struct pool_job *job);

struct pool_count pool_count(struct pool *p);
#endif
