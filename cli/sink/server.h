/*
 * sink/server - the sink's listener and connections on libuv: moves bytes
 * between sockets and sink/talk, keeps time. One read buffer per connection;
 * a client that does not read its replies is not read either.
 */
#ifndef SINK_SERVER_H
#define SINK_SERVER_H

#include "cli/sink/ledger.h"
#include "cli/sink/maildir.h"
#include "cli/sink/options.h"
#include "cli/sink/talk.h"
#include "cli/sink/tls.h"
#include <uv.h>

struct sink_client;

struct sink_server {
    struct sink_manners manners;
    struct sink_ledger *ledger;
    struct sink_maildir *maildir; /* NULL: messages are not kept */
    struct sink_tls_context *tls; /* NULL: TLS is not spoken */
    bool implicit_tls;
    int64_t slow_ms, connections_max, timeout_ms;
    uv_tcp_t listener;
    uv_timer_t sweep;
    struct sink_client *clients;
};

/* Starts to listen. The pointers must outlive the server. */
MUST_USE enum status sink_server_start(struct sink_server *server,
                                       uv_loop_t *loop,
                                       struct sink_options *options,
                                       struct sink_ledger *ledger,
                                       struct sink_maildir *maildir,
                                       struct error *err);

/* Close the listener and every connection, as far as 421 can be said at once;
 * done when the loop has nothing left. */
void sink_server_stop(struct sink_server *server);

/* "127.0.0.1:2525" of a listening socket into out. */
void sink_address_text(const uv_tcp_t *listener, char *out, size_t size);
#endif
