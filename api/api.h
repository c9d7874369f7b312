/*
 * api/api - what all requests of the process share. Made once by main, read
 * by every thread.
 */
#ifndef API_API_H
#define API_API_H

#include "api/auth.h"
#include "api/pool.h"
#include "base/config.h"
#include "base/mailid.h"
#include <stdatomic.h>

struct idempotency;
struct committer;
struct tracker;
struct targets;
struct fetch;

enum {
    API_POOL_QUEUED_MAX = 4096,
    API_STREAMS_MAX = 16, /* uploads and exports at a time */
    API_STREAMS_QUEUED_MAX = 64,
    API_KEEPER_INTERVAL_MS = 1000,
};

struct api {
    const struct config *config;
    unsigned char secret[MAILID_SECRET_BYTES]; /* set before ready */
    _Atomic bool ready;    /* secret and keys have been read */
    _Atomic bool stopping; /* connections are closed after their answer */
    _Atomic bool closing;  /* requests are refused: no thread will be there */
    _Atomic int64_t open;  /* requests not yet answered */
    struct auth *auth;
    struct idempotency *idempotency;
    struct pool *pool, *streams;
    struct committer *committer;
    struct tracker *tracker;
    struct targets *targets;
    struct fetch *fetch;
};
#endif
