#include "smtp/wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void smtp_wire_name(const struct sockaddr_storage *a,
                    char out[SMTP_WIRE_NAME_MAX])
{
    /* sockaddr_storage is made to be read as what its family says. */
    const void *any = a;
    char host[INET6_ADDRSTRLEN] = "?";

    if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = any;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(out, SMTP_WIRE_NAME_MAX, "[%s]:%u", host,
                 ntohs(in6->sin6_port));
    } else if (a->ss_family == AF_INET) {
        const struct sockaddr_in *in = any;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, SMTP_WIRE_NAME_MAX, "%s:%u", host, ntohs(in->sin_port));
    }
}

static void tell(const struct smtp_wire *w, enum smtp_tap_event event,
                 const char *bytes, size_t len)
{
    if (w->tap.tell)
        w->tap.tell(w->tap.owner, event, bytes, len);
}

/* n bytes of what was to be written. */
static void tell_said(const struct smtp_wire *w, const struct iovec *iov,
                      ssize_t n)
{
    for (size_t left = n > 0 ? (size_t)n : 0; left > 0; iov++) {
        size_t part = iov->iov_len < left ? iov->iov_len : left;

        tell(w, SMTP_TAP_SAID, w->secret ? NULL : iov->iov_base, part);
        left -= part;
    }
}

/* The port is chosen at connect: 64,000 of them for each server, not in all. */
static int bind_to(int fd, const struct sockaddr *source, socklen_t len)
{
    int on = 1;

    if (!source)
        return 0;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, source, len);
}

int smtp_wire_connect(struct smtp_wire *w, const struct sockaddr *address,
                      socklen_t len, const struct sockaddr *source,
                      socklen_t source_len)
{
    int fd = socket(address->sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    if (bind_to(fd, source, source_len) < 0 ||
        (connect(fd, address, len) < 0 && errno != EINPROGRESS)) {
        int error = errno;

        close(fd);
        return error;
    }
    w->fd = fd;
    return 0;
}

int smtp_wire_connected(const struct smtp_wire *w, char out[SMTP_WIRE_NAME_MAX])
{
    int error = 0, on = 1;
    socklen_t len = sizeof error;
    struct sockaddr_storage ours = {0};

    if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error)
        return error;
    /* What we say is written once a turn: nothing is gained by waiting. */
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    len = sizeof ours;
    if (getsockname(w->fd, (struct sockaddr *)&ours, &len) == 0)
        smtp_wire_name(&ours, out);
    tell(w, SMTP_TAP_CONNECTED, out, strlen(out));
    return 0;
}

void smtp_wire_secured(struct smtp_wire *w)
{
    w->secure = true;
    tell(w, SMTP_TAP_SECURED, "", 0);
}

void smtp_wire_close(struct smtp_wire *w, bool goodbye)
{
    smtp_tls_free(w->tls, goodbye && w->secure);
    w->tls = NULL;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

void smtp_wire_settle(struct smtp_wire *w)
{
    if (w->secure)
        return;
    smtp_tls_free(w->tls, false);
    w->tls = NULL;
}

/* As a system call would have it. */
static ssize_t result_of(enum smtp_tls_io io, size_t n)
{
    switch (io) {
    case SMTP_TLS_DONE: return (ssize_t)n;
    case SMTP_TLS_CLOSED: return 0;
    case SMTP_TLS_WANTS_READ:
    case SMTP_TLS_WANTS_WRITE: errno = EAGAIN; return -1;
    case SMTP_TLS_FAILED: break;
    }
    errno = EPROTO;
    return -1;
}

ssize_t smtp_wire_read(struct smtp_wire *w, char *out, size_t max)
{
    size_t len;
    ssize_t n;

    if (w->secure) {
        enum smtp_tls_io io = smtp_tls_read(w->tls, out, max, &len);

        n = result_of(io, len);
    } else {
        n = recv(w->fd, out, max, 0);
    }
    if (n > 0)
        tell(w, SMTP_TAP_HEARD, out, (size_t)n);
    return n;
}

/* Commands and a body that are said together travel together. */
static ssize_t write_record(struct smtp_wire *w, const struct iovec *iov, int n,
                            char scratch[SMTP_TLS_RECORD_MAX])
{
    size_t len = 0, done;

    for (int i = 0; i < n && len < SMTP_TLS_RECORD_MAX; i++) {
        size_t room = SMTP_TLS_RECORD_MAX - len;
        size_t part = iov[i].iov_len < room ? iov[i].iov_len : room;

        memcpy(scratch + len, iov[i].iov_base, part);
        len += part;
    }
    enum smtp_tls_io io = smtp_tls_write(w->tls, scratch, len, &done);

    if (io == SMTP_TLS_CLOSED) {
        errno = EPIPE;
        return -1;
    }
    return result_of(io, done);
}

ssize_t smtp_wire_write(struct smtp_wire *w, struct iovec *iov, int n,
                        char scratch[SMTP_TLS_RECORD_MAX])
{
    const struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)n};
    ssize_t written = w->secure ? write_record(w, iov, n, scratch)
                                : sendmsg(w->fd, &msg, MSG_NOSIGNAL);

    tell_said(w, iov, written);
    return written;
}

bool smtp_wire_pending(const struct smtp_wire *w)
{
    return w->secure && smtp_tls_pending(w->tls);
}
