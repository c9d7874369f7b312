/*
 * smtp/wire - a socket that does not block, in clear or by TLS. Part of
 * smtp/conn, which polls it.
 */
#ifndef SMTP_WIRE_H
#define SMTP_WIRE_H

#include "smtp/tls.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { SMTP_WIRE_NAME_MAX = INET6_ADDRSTRLEN + sizeof "[]:65535" };

/* Who listens in (presort route test): each piece as it went over the wire, in
 * clear, in order. A login's words are not shown: bytes is NULL then. */
enum smtp_tap_event {
    SMTP_TAP_CONNECTED,
    SMTP_TAP_SECURED, /* from here on it goes by TLS */
    SMTP_TAP_SAID,
    SMTP_TAP_HEARD,
};
struct smtp_tap {
    void (*tell)(void *owner, enum smtp_tap_event event, const char *bytes,
                 size_t len); /* NULL: nobody listens */
    void *owner;
};

struct smtp_wire {
    int fd;                    /* -1: none */
    struct smtp_tls_link *tls; /* NULL: not wanted */
    bool secure;               /* what goes over it goes by TLS */
    bool secret;               /* what is written is a login */
    struct smtp_tap tap;
};

/* Starts to connect, from source if it is not NULL. Returns 0 or an errno. */
int smtp_wire_connect(struct smtp_wire *w, const struct sockaddr *address,
                      socklen_t len, const struct sockaddr *source,
                      socklen_t source_len);

/* The connection came about, or not: 0 or an errno. Our own end's name is
 * written to out. */
int smtp_wire_connected(const struct smtp_wire *w,
                        char out[SMTP_WIRE_NAME_MAX]);

/* The handshake is done. */
void smtp_wire_secured(struct smtp_wire *w);

/* goodbye: the talk ended well. */
void smtp_wire_close(struct smtp_wire *w, bool goodbye);

/* It stays as it is: TLS that is not used by now is not needed any more. */
void smtp_wire_settle(struct smtp_wire *w);

/* As recv and sendmsg: -1 and EAGAIN, 0 at the end. By TLS at most one record
 * is written, from scratch; broken TLS is EPROTO. */
ssize_t smtp_wire_read(struct smtp_wire *w, char *out, size_t max);
ssize_t smtp_wire_write(struct smtp_wire *w, struct iovec *iov, int n,
                        char scratch[SMTP_TLS_RECORD_MAX]);

/* Something was received that polling the socket will not tell of. */
bool smtp_wire_pending(const struct smtp_wire *w);

/* "127.0.0.1:25", "[::1]:25" */
void smtp_wire_name(const struct sockaddr_storage *a,
                    char out[SMTP_WIRE_NAME_MAX]);
#endif
