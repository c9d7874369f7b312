/*
 * api/server - the HTTP side of the process: listens, and lets exchanges run.
 */
#ifndef API_SERVER_H
#define API_SERVER_H

#include "api/api.h"

/* libmicrohttpd keeps a request's headers in SERVER_MEMORY_MAX bytes, and
 * clears them for each: much more would cost more than the request. */
enum { SERVER_CONNECTIONS_MAX = 4096, SERVER_MEMORY_MAX = 32 * 1024 };

struct server;

/* NULL with err filled: the address can't be had. */
struct server *server_new(struct api *api, struct error *err);
/* Stops listening; what is open goes on. */
void server_quiesce(struct server *s);
/* Nothing may be in work any more. */
void server_free(struct server *s);
#endif
