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
 * smtp_net_flush. What a policy of TLS demands is had before the first mail, or
 * the connection ends; MAILMAX of the server (RFC 9422) is kept to.
 */
#ifndef SMTP_CONN_H
#define SMTP_CONN_H

#include "mail/outcome.h"
#include "smtp/session.h"
#include "smtp/tls.h"
#include "smtp/wire.h"
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

struct smtp_conn;

/* Deadlines are as exact as 100 ms. Only a complete reply, a new step or some
 * KB of a body taken moves one. final_dot_ms should be 10 minutes at least
 * (RFC 5321 4.5.3.2.6): to give up sooner is to send twice. */
struct smtp_conn_limits {
    int64_t connect_ms, reply_ms, final_dot_ms;
    /* The handshake takes reply_ms at most; DATA and each piece of a body,
     * less (RFC 5321 4.5.3.2.4, 5). */
    int64_t idle_ms;    /* without mail; then QUIT */
    unsigned mails_max; /* per connection, then QUIT; 0: no limit */
};

/* How a connection is to be. All of it is borrowed until smtp_conn_open is
 * over. */
struct smtp_conn_setup {
    const struct sockaddr *address;
    socklen_t address_len;
    const struct sockaddr *source; /* our own end, or NULL: as routes have it */
    socklen_t source_len;
    const char *ehlo_name;
    struct smtp_tls_policy tls;
    bool implicit_tls; /* from the first byte on, instead of STARTTLS */
    /* It is for mail that requires TLS (RFC 8689, 4.2.1), and ends where the
     * server can't be given that. */
    bool keeps_tls;
    /* STARTTLS failed here not long ago: an OPPORTUNISTIC one goes without. */
    bool broken_tls;
    const struct smtp_login *login; /* NULL: none */
    struct smtp_conn_limits limits;
    struct smtp_tap tap; /* {0}: nobody listens in */
};

/* The end of a connection. Texts live until the callback returns. */
struct smtp_end {
    enum smtp_fault fault; /* NONE for an orderly end */
    /* "" for an orderly end, else a text for logs and `deferred` outcomes: the
     * connect error, the refusing greeting, "timeout at EHLO". */
    const char *why;
    unsigned code; /* of the refusing reply, or 0; a login refused for good has
                      5xx */
    const char *enhanced; /* of the fault UNFIT: "5.7.30", or for now "4.7.10";
                             else "" */
    unsigned mails;       /* how many it carried */
};

struct smtp_conn_events {
    /* The session can take a message now: the owner may call smtp_conn_send,
     * here or later, until smtp_conn_takes is false. Given once each time that
     * becomes true. */
    void (*ready)(struct smtp_conn *conn, void *owner);
    /* One message has its answer; exactly once per message sent. Its bytes
     * are no longer used. result's texts live until the callback returns. */
    void (*settled)(struct smtp_conn *conn, const struct smtp_result *result,
                    void *owner);
    /* The connection is over, after every message on it was settled. Where
     * TLS failed that was OPPORTUNISTIC, the mail should go over a new
     * connection with broken_tls; nothing else may go on in clear. */
    void (*closed)(struct smtp_conn *conn, const struct smtp_end *end,
                   void *owner);
};

/* One per process: the loop, all connections, what is to be flushed. */
struct smtp_net;
struct smtp_net *smtp_net_new(uv_loop_t *loop);

/* Whom to trust: the certificates of a file (PEM) instead of the system's. Once
 * and before a connection is opened. err says what is wrong with it. */
MUST_USE enum status smtp_net_trust(struct smtp_net *net, const char *ca_file,
                                    struct error *err);

/* Closes all at once: what is under way is settled, `closed` is given, then no
 * event comes any more. The memory goes with libuv's close callbacks: run the
 * loop once more before uv_loop_close. NULL is taken. */
void smtp_net_free(struct smtp_net *net);

/* End of a loop turn, from a uv_prepare or uv_check, never from an event of a
 * connection: write what the sessions said, reap the closed. Refusals of our
 * own (an address not fit for SMTP, a mail too large) and connect errors are
 * told in here; all other events come from reads and deadlines before it. The
 * loop does not sleep while something waits for a flush. */
void smtp_net_flush(struct smtp_net *net);

/* Starts to connect; never fails at once (a failure comes as `closed`, in a
 * later turn). events are copied. */
struct smtp_conn *smtp_conn_open(struct smtp_net *net,
                                 const struct smtp_conn_setup *setup,
                                 const struct smtp_conn_events *events,
                                 void *owner);

/* May smtp_conn_send be called now? True when idle, and, where the server
 * offered PIPELINING, also while the previous body awaits its answer: then
 * the next envelope travels with the end of that message. */
bool smtp_conn_takes(const struct smtp_conn *conn);

/* The message's bytes must live until it is settled. */
void smtp_conn_send(struct smtp_conn *conn, const struct smtp_message *m);

/* Take no more, finish what is under way, say QUIT, close: within 5 seconds
 * where nothing is under way. One that is not yet connected closes at once. */
void smtp_conn_quit(struct smtp_conn *conn);

/* "127.0.0.1:2525" of the server, and our own end; live with conn. */
const char *smtp_conn_peer(const struct smtp_conn *conn);
const char *smtp_conn_source(const struct smtp_conn *conn);

/* What TLS has proved, or why not; from `ready` or `closed` on. */
const struct smtp_tls_facts *smtp_conn_tls(const struct smtp_conn *conn);

/* What the server's EHLO offered, from `ready` on. */
const struct smtp_offer *smtp_conn_offer(const struct smtp_conn *conn);
#endif
