/*
 * api/request - one HTTP request as a handler sees it. Everything in it is
 * foreign and unchecked but for size; texts end with NUL and contain none.
 * Lives until the handler returns.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api/reply.h"
#include "api/route.h"
#include "api/session.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/mailid.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct api;
struct idempotency_claim;

/* Headers that handlers read; copied, so that any thread may. */
#define REQUEST_HEADER_TABLE(X)                                                \
    X(HEADER_AUTHORIZATION, "Authorization")                                   \
    X(HEADER_CONTENT_TYPE, "Content-Type")                                     \
    X(HEADER_CONTENT_ENCODING, "Content-Encoding")                             \
    X(HEADER_CONTENT_LENGTH, "Content-Length")                                 \
    X(HEADER_TRANSFER_ENCODING, "Transfer-Encoding")                           \
    X(HEADER_EXPECT, "Expect")                                                 \
    X(HEADER_ACCEPT, "Accept")                                                 \
    X(HEADER_USER_AGENT, "User-Agent")                                         \
    X(HEADER_IDEMPOTENCY_KEY, "Idempotency-Key")                               \
    X(HEADER_BATCH_VALIDATION, "x-batch-validation")
ENUM_DECLARE(request_header, REQUEST_HEADER_TABLE);
enum { REQUEST_HEADERS = HEADER_BATCH_VALIDATION + 1 };

enum {
    REQUEST_QUERY_MAX = 16, /* name=value pairs */
    REQUEST_KEY_ID_MAX = 37,
};

/* Whom the API key belongs to. */
struct caller {
    int64_t project;
    char key_id[REQUEST_KEY_ID_MAX];
    enum scope scope;
};

struct request_query {
    char *name, *value; /* percent-decoded, in the request's own memory */
};

struct request {
    const struct api *api;
    const struct config *config;
    const struct route *route;
    bool head;                                /* HEAD, answered as GET */
    char args[ROUTE_ARGS_MAX][ROUTE_ARG_MAX]; /* the {}s of the path, decoded */
    struct request_query query[REQUEST_QUERY_MAX];
    size_t n_query;
    char *headers[REQUEST_HEADERS]; /* NULL: not sent */
    struct caller caller;
    struct buf body;         /* whole, unless the route is a STREAM */
    struct session *session; /* the thread's; NULL in the HTTP thread */
    bool handed_over; /* GROUP: somebody else will answer; set before he can */
    bool needs_session; /* GROUP: set without an answer by a handler that was
                           run without one: it is run again with one */
};

/* NULL if the query has none; "" if it has no value. */
const char *request_query(const struct request *r, const char *name);

/* STREAM routes: the body as it comes in, blocking. 0 at its end, -1 if the
 * client has gone or was too slow: nothing is to be answered then. */
ssize_t request_read(struct request *r, void *bytes, size_t n);

/* POOL and STREAM routes: answer piece by piece with status 200. The first call
 * sends the reply's headers (content_type set before). False: the client has
 * gone, stop. A handler that has begun so and then sets an error in its reply
 * breaks the connection off, so that half an answer can't pass for a whole. */
MUST_USE bool request_write(struct request *r, struct reply *reply,
                            const void *bytes, size_t n);

/* The handler has read the body and needs it no more. */
void request_drop_body(struct request *r);

/* GROUP: who was handed the request has set the reply. The request is gone
 * afterwards. */
void request_finish(struct request *r);
/* Its claimed idempotency key; NULL: it has none. */
const struct idempotency_claim *request_claim(struct request *r);

/* The public name of a mail, and back. False: not one of ours. */
void request_mailid_text(const struct request *r, struct mailid id, char *out);
bool request_mailid_parse(const struct request *r, const char *text,
                          struct mailid *id);

/* The body as a JSON object (or list, where wanted by the caller), or a reply
 * set to the error and NULL. An empty body is an empty object. */
json_t *request_json(const struct request *r, struct reply *reply);
#endif
