/*
 * smtp/conn - one TCP connection that drives one smtp_session on a libuv loop.
 *
 * The driver owns the socket, the deadlines per step and the buffers. It never
 * blocks, and it writes nothing to the socket until smtp_net_flush: the
 * pipeline writes its journal first, so that no mail is forgotten that the
 * server has confirmed.
 *
 * A connection lives from smtp_conn_open to the end of its `closed` event.
 * Nothing is freed inside a callback: closed connections are reaped by
 * smtp_net_flush.
 */
#ifndef SMTP_CONN_H
#define SMTP_CONN_H

#include "mail/outcome.h"
#include "smtp/session.h"
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

struct smtp_conn;

struct smtp_conn_limits {
    int64_t connect_ms, reply_ms, final_dot_ms, idle_ms;
    unsigned mails_max; /* per connection, then QUIT */
};

struct smtp_conn_events {
    /* The session can take a message now: the owner may call smtp_conn_send,
     * here or later, until smtp_conn_takes is false. */
    void (*ready)(struct smtp_conn *conn, void *owner);
    /* One message has its answer; exactly once per message sent. Its bytes
     * are no longer used. result's texts live until the callback returns. */
    void (*settled)(struct smtp_conn *conn, const struct smtp_result *result,
                    void *owner);
    /* The connection is over, after every message on it was settled. why is
     * "" for an orderly end, else a text for logs and `deferred` outcomes:
     * the connect error, the refusing greeting, "timeout at EHLO". reply_code
     * is that of the refusing reply, or 0. mails is how many it carried. */
    void (*closed)(struct smtp_conn *conn, const char *why, unsigned reply_code,
                   unsigned mails, void *owner);
};

/* One per process: the loop, all connections, what is to be flushed. */
struct smtp_net;
struct smtp_net *smtp_net_new(uv_loop_t *loop);
void smtp_net_free(struct smtp_net *net); /* closes all at once */

/* End of a loop turn: write what the sessions said, reap the closed. */
void smtp_net_flush(struct smtp_net *net);

/* Starts to connect; never fails at once (a failure comes as `closed`, in a
 * later turn). ehlo_name, limits and events are copied. */
struct smtp_conn *smtp_conn_open(struct smtp_net *net,
                                 const struct sockaddr *address,
                                 socklen_t address_len, const char *ehlo_name,
                                 const struct smtp_conn_limits *limits,
                                 const struct smtp_conn_events *events,
                                 void *owner);

/* May smtp_conn_send be called now? True when idle, and, where the server
 * offered PIPELINING, also while the previous body awaits its answer: then
 * the next envelope travels with the end of that message. */
bool smtp_conn_takes(const struct smtp_conn *conn);

/* The message's bytes must live until it is settled. */
void smtp_conn_send(struct smtp_conn *conn, const struct smtp_message *m);

/* Finish what is under way, say QUIT, close. */
void smtp_conn_quit(struct smtp_conn *conn);

/* "127.0.0.1:2525" of the server, and our own end; live with conn. */
const char *smtp_conn_peer(const struct smtp_conn *conn);
const char *smtp_conn_source(const struct smtp_conn *conn);
#endif
