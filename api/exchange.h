/*
 * api/exchange - one request and its answer, on their way between
 * libmicrohttpd's thread, which never waits, and the thread of the handler,
 * which may. The HTTP thread suspends the connection while others work; who
 * is done calls exchange_finish, which resumes it.
 *
 * Shared by exchange.c (the HTTP thread's side), exchange_work.c (the
 * handlers' side) and request.c.
 */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include "api/api.h"
#include "api/idempotency.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/ring.h"
#include <microhttpd.h>
#include <openssl/evp.h>
#include <pthread.h>

enum {
    EXCHANGE_DISCARD_MAX = 64 * 1024 * 1024, /* of a refused body */
    EXCHANGE_BODIES_MAX = 256 * 1024 * 1024, /* of all requests together */
    EXCHANGE_HEADERS_MAX = 16 * 1024,
    EXCHANGE_GROUP_INLINE_MAX = 64 * 1024, /* larger: parsed in the pool */
    EXCHANGE_BODY_TIMEOUTS = 5, /* idle time-outs that a whole body may take */
};

enum exchange_state {
    EXCHANGE_NEW,     /* nothing looked at */
    EXCHANGE_KEY,     /* suspended: its API key is being looked up */
    EXCHANGE_BODY,    /* the body is collected */
    EXCHANGE_STREAM,  /* the body goes to the handler as it comes in */
    EXCHANGE_DISCARD, /* the answer stands, the body is read and forgotten */
    EXCHANGE_WORK,    /* suspended: the handler works */
    EXCHANGE_REPLIED,
};

struct exchange {
    struct request request; /* first: a request * is its exchange * */
    struct reply reply;
    struct pool_job job;
    struct api *api;
    struct MHD_Connection *connection;
    enum exchange_state state; /* the HTTP thread's own */
    _Atomic int holders;       /* the HTTP thread, and who works */

    pthread_mutex_t lock; /* of the next five */
    bool done;            /* the answer stands */
    bool waiting;         /* the connection is suspended for it */
    bool gone;            /* there is no connection any more */

    struct ring *in, *out; /* STREAM routes; request_write */

    EVP_MD_CTX *digest; /* of a streamed body with an idempotency key */
    struct idempotency_claim claim;
    bool claimed;

    char *target, *path, *query; /* as sent; path and query are in target */
    const char *method;
    struct auth_hash key;
    bool looked_up, rated;
    struct rate_answer rate;
    int64_t started_us, body_deadline_ms;
    size_t body_charged, discarded;
};

static inline struct exchange *exchange_of(struct request *r)
{
    return (struct exchange *)(void *)r;
}

struct exchange *exchange_new(struct api *api, const char *target);
/* libmicrohttpd's access handler, called again and again until answered. */
enum MHD_Result exchange_step(struct exchange *x,
                              struct MHD_Connection *connection,
                              const char *method, const char *data,
                              size_t *len);
/* libmicrohttpd has done with it, one way or the other. */
void exchange_over(struct exchange *x);

/* For whom works on it: hold before handing over, finish once when the reply
 * stands (the exchange may be gone afterwards). */
void exchange_hold(struct exchange *x);
void exchange_release(struct exchange *x);
void exchange_finish(struct exchange *x);

/* The body's memory goes back early; for whom works on it. */
void exchange_drop_body(struct exchange *x);

/* Jobs for the pool. */
void exchange_look_up_key(struct pool_job *job, struct session *session);
void exchange_work(struct pool_job *job, struct session *session);

/* Claims the request's idempotency key, if it has one; hashes the whole body
 * unless it is streamed. False: the reply is set. */
bool exchange_claim(struct exchange *x);

/* The answer will be written piece by piece: lets the HTTP thread begin to
 * send it. False: the client has gone. */
MUST_USE bool exchange_begin_out(struct exchange *x);
#endif
