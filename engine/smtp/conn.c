#include "smtp/conn.h"
#include "base/bug.h"
#include "base/memory.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
    READ_MAX = 64 * 1024,
    TICK_MS = 100,         /* how exact deadlines are */
    QUIT_MS = 5000,        /* a server that we leave has so long to say 221 */
    PROGRESS_BYTES = 4096, /* less of a body taken is no sign of life */
    PEER_MAX = INET6_ADDRSTRLEN + sizeof "[]:65535",
};

enum conn_state {
    CONN_CONNECTING,
    CONN_TALKING,
    CONN_OVER,     /* `closed` was given; libuv still holds the handle */
    CONN_REAPABLE, /* it does not any more */
};

struct smtp_conn {
    struct smtp_net *net;
    enum conn_state state;
    int fd;
    uv_poll_t poll;
    int watched;               /* events that poll waits for */
    bool dirty;                /* the next flush will look at it */
    bool announced;            /* the owner knows that it takes a mail */
    char failed[SMTP_WHY_MAX]; /* why there will be no connection */
    bool abandoned;            /* that is so; or the owner quit before it */
    unsigned sent;

    int64_t deadline_ms; /* of uv_now() */
    struct {
        uint64_t replies, taken;
        enum smtp_step waits;
        bool quitting;
    } at_deadline; /* how things stood when the deadline was set */

    struct smtp_conn_limits limits;
    struct smtp_conn_events events;
    void *owner;
    char peer[PEER_MAX], source[PEER_MAX];
    struct smtp_session session;
    TAILQ_ENTRY(smtp_conn) in_all;
    STAILQ_ENTRY(smtp_conn) in_dirty;
};

struct smtp_net {
    uv_loop_t *loop;
    uv_timer_t ticker; /* one for all deadlines */
    uv_idle_t awake;   /* runs while something waits for a flush */
    TAILQ_HEAD(, smtp_conn) all;
    STAILQ_HEAD(, smtp_conn) dirty;
    size_t handles; /* that libuv still holds */
    bool freed;
    char in[READ_MAX];
};

/* The loop must not sleep while something is to be flushed. */
static void on_awake(uv_idle_t *idle)
{
    (void)idle;
}

static void mark_dirty(struct smtp_conn *c)
{
    if (c->dirty)
        return;
    c->dirty = true;
    STAILQ_INSERT_TAIL(&c->net->dirty, c, in_dirty);
    uv_idle_start(&c->net->awake, on_awake);
}

static int64_t now_ms(const struct smtp_conn *c)
{
    return (int64_t)uv_now(c->net->loop);
}

/* How long the server may take to bring us on from here. */
static int64_t patience_ms(const struct smtp_conn *c)
{
    switch (smtp_session_waits(&c->session)) {
    case STEP_GREETING:
    case STEP_EHLO:
    case STEP_HELO:
    case STEP_RSET: return c->session.quitting ? QUIT_MS : c->limits.reply_ms;
    case STEP_MAIL:
    case STEP_RCPT:
    case STEP_DATA: return c->limits.reply_ms;
    case STEP_BODY:
    case STEP_EMPTY: return c->limits.final_dot_ms;
    case STEP_IDLE: return c->limits.idle_ms;
    case STEP_QUIT:
    case STEP_OVER:
    case SMTP_STEPS: return QUIT_MS;
    }
    BUG("no such step");
}

/* Only what brings the conversation on moves the deadline: a complete reply,
 * a new step, some of a body taken. Single bytes do not. */
static void watch_deadline(struct smtp_conn *c)
{
    const struct smtp_session *s = &c->session;

    if (c->at_deadline.replies == s->replies &&
        c->at_deadline.waits == smtp_session_waits(s) &&
        c->at_deadline.quitting == s->quitting &&
        s->said.taken - c->at_deadline.taken < PROGRESS_BYTES)
        return;
    c->at_deadline.replies = s->replies;
    c->at_deadline.waits = smtp_session_waits(s);
    c->at_deadline.quitting = s->quitting;
    c->at_deadline.taken = s->said.taken;
    c->deadline_ms = now_ms(c) + patience_ms(c);
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* epoll_ctl is a system call: only when something changes. */
static void watch(struct smtp_conn *c, int events)
{
    if (c->watched == events)
        return;
    c->watched = events;
    if (uv_poll_start(&c->poll, events, on_poll) != 0)
        BUG("a socket can't be polled");
}

/* The last handle that libuv gives back takes the net with it. */
static void release(struct smtp_net *net)
{
    struct smtp_conn *c;

    if (--net->handles > 0)
        return;
    while ((c = TAILQ_FIRST(&net->all)) != NULL) {
        TAILQ_REMOVE(&net->all, c, in_all);
        free(c);
    }
    free(net);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct smtp_conn *c = handle->data;

    c->state = CONN_REAPABLE;
    if (!c->net->freed)
        mark_dirty(c);
    release(c->net);
}

/* The end: the socket goes at once, the memory with a later flush. */
static void finish(struct smtp_conn *c, const char *why, unsigned reply_code)
{
    if (c->fd >= 0) {
        c->state = CONN_OVER;
        uv_close((uv_handle_t *)&c->poll, on_poll_closed);
        close(c->fd);
        c->fd = -1;
    } else {
        c->state = CONN_REAPABLE;
        mark_dirty(c);
    }
    c->events.closed(c, why, reply_code, c->session.attempts, c->owner);
}

static void report(struct smtp_conn *c)
{
    struct smtp_result result;

    while (smtp_session_result(&c->session, &result))
        c->events.settled(c, &result, c->owner);
}

/* After anything that may have brought the session on. */
static void follow(struct smtp_conn *c)
{
    struct smtp_session *s = &c->session;

    report(c);
    if (smtp_session_waits(s) == STEP_OVER) {
        finish(c, s->why, s->reply_code);
        return;
    }
    if (!c->announced && smtp_session_takes(s)) {
        c->announced = true;
        c->events.ready(c, c->owner);
    }
    watch_deadline(c);
}

static void want_flush(struct smtp_conn *c)
{
    if (c->session.said.total > c->session.said.taken)
        mark_dirty(c);
}

static void lose(struct smtp_conn *c, enum smtp_loss loss, const char *what)
{
    char why[SMTP_WHY_MAX];

    snprintf(why, sizeof why, "%s at %s", what,
             smtp_step_text(smtp_session_waits(&c->session)));
    smtp_session_lost(&c->session, loss, why);
    follow(c);
}

/* One read; true if there may be more and somebody to hear it. */
static bool hear(struct smtp_conn *c)
{
    struct smtp_net *net = c->net;

    report(c); /* refusals of our own that no flush has told yet */
    ssize_t n = recv(c->fd, net->in, sizeof net->in, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        lose(c, SMTP_LOSS_SERVER,
             n == 0 ? "connection closed by the server"
                    : uv_strerror(uv_translate_sys_error(errno)));
        return false;
    }
    for (size_t at = 0; at < (size_t)n;) {
        at += smtp_session_receive(&c->session, net->in + at, (size_t)n - at);
        report(c);
    }
    follow(c);
    want_flush(c);
    return c->state == CONN_TALKING;
}

/* Nothing can be sent any more, but the reason may have been received: a 421
 * and the end. */
static void hear_last_words(struct smtp_conn *c, int error)
{
    while (hear(c))
        ;
    if (c->state == CONN_TALKING)
        lose(c, SMTP_LOSS_SERVER, uv_strerror(uv_translate_sys_error(error)));
}

static void say(struct smtp_conn *c)
{
    struct iovec iov[SMTP_IOV_MAX];
    int pieces;

    while ((pieces = smtp_said_pending(&c->session.said, iov)) > 0) {
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)pieces};
        ssize_t n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            hear_last_words(c, errno);
            return;
        }
        smtp_said_taken(&c->session.said, (size_t)n);
    }
    watch(c, pieces > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
    watch_deadline(c);
}

static void fail_connect(struct smtp_conn *c, int error)
{
    snprintf(c->failed, sizeof c->failed, "connect: %s",
             uv_strerror(uv_translate_sys_error(error)));
    c->abandoned = true;
    mark_dirty(c);
}

static void write_address(const struct sockaddr_storage *a, char out[PEER_MAX])
{
    /* sockaddr_storage is made to be read as what its family says. */
    const void *any = a;
    char host[INET6_ADDRSTRLEN] = "?";

    if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = any;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(out, PEER_MAX, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else if (a->ss_family == AF_INET) {
        const struct sockaddr_in *in = any;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, PEER_MAX, "%s:%u", host, ntohs(in->sin_port));
    }
}

static void connected(struct smtp_conn *c)
{
    int error = 0, on = 1;
    socklen_t len = sizeof error;
    struct sockaddr_storage ours = {0};

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error) {
        fail_connect(c, error);
        return;
    }
    /* What we say is written once a turn: nothing is gained by waiting. */
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    len = sizeof ours;
    if (getsockname(c->fd, (struct sockaddr *)&ours, &len) == 0)
        write_address(&ours, c->source);
    c->state = CONN_TALKING;
    watch(c, UV_READABLE);
    c->deadline_ms = now_ms(c) + patience_ms(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct smtp_conn *c = poll->data;

    switch (c->state) {
    case CONN_CONNECTING:
        if (!c->abandoned)
            connected(c);
        break;
    case CONN_TALKING:
        if (status < 0)
            hear_last_words(c, EPIPE); /* libuv has stopped to poll it */
        else if (events & UV_READABLE)
            hear(c);
        if (c->state == CONN_TALKING && (events & UV_WRITABLE))
            mark_dirty(c);
        break;
    case CONN_OVER:
    case CONN_REAPABLE: break;
    }
}

static void expire(struct smtp_conn *c)
{
    switch (c->state) {
    case CONN_CONNECTING: fail_connect(c, ETIMEDOUT); break;
    case CONN_TALKING:
        if (smtp_session_waits(&c->session) == STEP_IDLE) {
            smtp_session_quit(&c->session);
            follow(c);
            want_flush(c);
        } else {
            lose(c, SMTP_LOSS_TIMEOUT, "timeout");
        }
        break;
    case CONN_OVER:
    case CONN_REAPABLE: break;
    }
}

/* Nothing leaves the list in here: that is for the flush. */
static void on_tick(uv_timer_t *ticker)
{
    struct smtp_net *net = ticker->data;
    struct smtp_conn *c;

    TAILQ_FOREACH(c, &net->all, in_all)
    if (now_ms(c) >= c->deadline_ms)
        expire(c);
}

static int connect_socket(struct smtp_conn *c, const struct sockaddr *address,
                          socklen_t len)
{
    int fd = socket(address->sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    if (connect(fd, address, len) < 0 && errno != EINPROGRESS) {
        int error = errno;

        close(fd);
        return error;
    }
    if (uv_poll_init(c->net->loop, &c->poll, fd) != 0)
        BUG("a socket can't be polled");
    c->poll.data = c;
    c->net->handles++;
    c->fd = fd;
    watch(c, UV_WRITABLE);
    return 0;
}

struct smtp_conn *smtp_conn_open(struct smtp_net *net,
                                 const struct sockaddr *address,
                                 socklen_t address_len, const char *ehlo_name,
                                 const struct smtp_conn_limits *limits,
                                 const struct smtp_conn_events *events,
                                 void *owner)
{
    struct smtp_conn *c = memory_new(1, sizeof *c);
    struct sockaddr_storage theirs = {0};

    if (net->freed || address_len > sizeof theirs)
        BUG("a connection that can't be");
    c->net = net;
    c->state = CONN_CONNECTING;
    c->fd = -1;
    c->limits = *limits;
    c->events = *events;
    c->owner = owner;
    memcpy(&theirs, address, address_len);
    write_address(&theirs, c->peer);
    smtp_session_init(&c->session, ehlo_name);
    c->deadline_ms = now_ms(c) + limits->connect_ms;
    if (TAILQ_EMPTY(&net->all))
        uv_timer_start(&net->ticker, on_tick, TICK_MS, TICK_MS);
    TAILQ_INSERT_TAIL(&net->all, c, in_all);

    int error = connect_socket(c, address, address_len);
    if (error)
        fail_connect(c, error);
    return c;
}

bool smtp_conn_takes(const struct smtp_conn *c)
{
    return c->state == CONN_TALKING && smtp_session_takes(&c->session);
}

void smtp_conn_send(struct smtp_conn *c, const struct smtp_message *m)
{
    smtp_session_send(&c->session, m);
    if (++c->sent == c->limits.mails_max)
        smtp_session_quit(&c->session);
    c->announced = false;
    mark_dirty(c);
    watch_deadline(c);
}

void smtp_conn_quit(struct smtp_conn *c)
{
    smtp_session_quit(&c->session);
    c->abandoned |= c->state == CONN_CONNECTING;
    mark_dirty(c);
    watch_deadline(c);
}

const char *smtp_conn_peer(const struct smtp_conn *c)
{
    return c->peer;
}

const char *smtp_conn_source(const struct smtp_conn *c)
{
    return c->source;
}

static void flush(struct smtp_conn *c)
{
    switch (c->state) {
    case CONN_CONNECTING:
        if (c->abandoned)
            finish(c, c->failed, 0);
        break;
    case CONN_TALKING:
        follow(c); /* tells refusals of our own */
        if (c->state == CONN_TALKING)
            say(c);
        break;
    case CONN_OVER: break;
    case CONN_REAPABLE:
        TAILQ_REMOVE(&c->net->all, c, in_all);
        free(c);
        break;
    }
}

/* What its callbacks make dirty anew waits for the next flush. */
void smtp_net_flush(struct smtp_net *net)
{
    struct smtp_conn *c;
    STAILQ_HEAD(, smtp_conn) now = STAILQ_HEAD_INITIALIZER(now);

    if (STAILQ_EMPTY(&net->dirty))
        return;
    STAILQ_CONCAT(&now, &net->dirty);
    while ((c = STAILQ_FIRST(&now)) != NULL) {
        STAILQ_REMOVE_HEAD(&now, in_dirty);
        c->dirty = false;
        flush(c);
    }
    if (STAILQ_EMPTY(&net->dirty))
        uv_idle_stop(&net->awake);
    if (TAILQ_EMPTY(&net->all))
        uv_timer_stop(&net->ticker);
}

struct smtp_net *smtp_net_new(uv_loop_t *loop)
{
    struct smtp_net *net = memory_new(1, sizeof *net);

    net->loop = loop;
    TAILQ_INIT(&net->all);
    STAILQ_INIT(&net->dirty);
    uv_timer_init(loop, &net->ticker);
    uv_idle_init(loop, &net->awake);
    net->ticker.data = net->awake.data = net;
    net->handles = 2;
    return net;
}

static void on_handle_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void smtp_net_free(struct smtp_net *net)
{
    struct smtp_conn *c;

    if (!net)
        return;
    TAILQ_FOREACH(c, &net->all, in_all)
    {
        if (c->state == CONN_TALKING)
            lose(c, SMTP_LOSS_OWNER, "closed by us");
        else if (c->state == CONN_CONNECTING)
            finish(c, "closed by us at connect", 0);
    }
    net->freed = true;
    uv_close((uv_handle_t *)&net->ticker, on_handle_closed);
    uv_close((uv_handle_t *)&net->awake, on_handle_closed);
}
