/* sink/http - the sink's totals over HTTP: GET / and GET /recipients, JSON.
 * One request a connection, of REQUEST_MAX bytes at most. */
#ifndef SINK_HTTP_H
#define SINK_HTTP_H

#include "cli/sink/ledger.h"
#include <sys/socket.h>
#include <uv.h>

struct sink_http {
    uv_tcp_t listener;
    const struct sink_ledger *ledger;
};

MUST_USE enum status sink_http_start(struct sink_http *http, uv_loop_t *loop,
                                     const struct sockaddr_storage *address,
                                     const struct sink_ledger *ledger,
                                     struct error *err);

/* Requests that are under way are still answered. */
void sink_http_stop(struct sink_http *http);
#endif
