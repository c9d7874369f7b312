/*
 * api/route - which handler answers a method and a path. The table is
 * routes.def. No I/O.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "base/enum.h"
#include <stdbool.h>
#include <stddef.h>

struct request;
struct reply;
typedef void route_handler(struct request *request, struct reply *reply);

enum {
    ROUTE_ARGS_MAX = 2,
    ROUTE_ARG_MAX = 256,
    ROUTE_SEGMENTS_MAX = 8,
    ROUTE_PATH_MAX = 2048,
};

#define SCOPE_TABLE(X)                                                         \
    X(SCOPE_NONE, "none")                                                      \
    X(SCOPE_SENDING, "sending")                                                \
    X(SCOPE_FULL, "full")
ENUM_DECLARE(scope, SCOPE_TABLE);

/* Who runs the handler. */
enum route_kind {
    ROUTE_INLINE, /* the HTTP thread: must not block */
    ROUTE_POOL,   /* a thread with a database session */
    ROUTE_STREAM, /* the same, while the body is still coming in */
    ROUTE_GROUP,  /* HTTP thread or pool; the group committer answers */
};

struct route {
    const char *method, *pattern; /* "/emails/{}/cancel" */
    route_handler *handler;
    enum scope scope; /* least one needed */
    enum route_kind kind;
};

#define ROUTE(method, pattern, handler, scope, kind) route_handler handler;
#include "api/routes.def"
#undef ROUTE

extern const struct route route_table[];
extern const size_t route_count;

enum route_found { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

/* path: as sent, without the query. Repeated and trailing slashes do not
 * count; segments are percent-decoded after splitting. A fixed segment goes
 * before a {}. HEAD is answered as GET. On ROUTE_NO_METHOD allow
 * (ROUTE_ALLOW_MAX bytes) lists the methods the path knows. */
enum { ROUTE_ALLOW_MAX = 64 };
enum route_found route_find(const char *method, const char *path,
                            const struct route **out,
                            char args[ROUTE_ARGS_MAX][ROUTE_ARG_MAX],
                            char allow[ROUTE_ALLOW_MAX]);

/* Percent-decoding of len bytes into out (len + 1 bytes at most); plus:
 * + means a space, as in a query. False for a broken escape or a NUL. */
bool route_decode(const char *text, size_t len, bool plus, char *out);
#endif
