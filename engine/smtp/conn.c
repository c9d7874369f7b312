#include "smtp/conn.h"
#include "base/bug.h"
#include "base/memory.h"
#include "smtp/patience.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

enum {
    READ_MAX = 64 * 1024,
    TICK_MS = 100, /* how exact deadlines are */
};

enum conn_state {
    CONN_CONNECTING,
    CONN_SHAKING, /* TLS; the session hears nothing meanwhile */
    CONN_TALKING,
    CONN_OVER,     /* `closed` was given; libuv still holds the handle */
    CONN_REAPABLE, /* it does not any more */
};

struct smtp_conn {
    struct smtp_net *net;
    enum conn_state state;
    struct smtp_wire wire;
    uv_poll_t poll;
    int watched;               /* events that poll waits for */
    bool dirty;                /* the next flush will look at it */
    bool announced;            /* the owner knows that it takes a mail */
    char failed[SMTP_WHY_MAX]; /* why there will be no connection */
    enum smtp_fault fault;     /* if so: of what kind */
    bool abandoned;            /* that is so; or the owner quit before it */
    unsigned sent;

    int64_t deadline_ms;              /* of uv_now() */
    struct smtp_progress at_deadline; /* how things stood when it was set */

    struct smtp_conn_limits limits;
    struct smtp_conn_events events;
    void *owner;
    char peer[SMTP_WIRE_NAME_MAX], source[SMTP_WIRE_NAME_MAX];
    bool implicit_tls;
    struct smtp_tls_facts facts;
    struct smtp_auth *auth; /* until it has done its work */
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
    struct smtp_tls_net *tls;
    char in[READ_MAX];
    char record[SMTP_TLS_RECORD_MAX]; /* what becomes one of TLS */
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

static void watch_deadline(struct smtp_conn *c)
{
    if (smtp_progress_made(&c->at_deadline, &c->session))
        c->deadline_ms = now_ms(c) + smtp_patience_ms(&c->session, &c->limits);
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
    smtp_tls_net_free(net->tls);
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
static void finish(struct smtp_conn *c, enum smtp_fault fault, const char *why,
                   unsigned reply_code)
{
    const struct smtp_end end = {
        .fault = fault,
        .why = why,
        .code = reply_code,
        .enhanced = fault == SMTP_FAULT_UNFIT ? c->session.enhanced : "",
        .mails = c->session.attempts};

    if (c->wire.fd >= 0) {
        c->state = CONN_OVER;
        uv_close((uv_handle_t *)&c->poll, on_poll_closed);
    } else {
        c->state = CONN_REAPABLE;
        mark_dirty(c);
    }
    smtp_wire_close(&c->wire, fault == SMTP_FAULT_NONE);
    c->session.auth = NULL;
    smtp_auth_free(c->auth);
    c->auth = NULL;
    c->events.closed(c, &end, c->owner);
}

static void report(struct smtp_conn *c)
{
    struct smtp_result result;

    while (smtp_session_result(&c->session, &result))
        c->events.settled(c, &result, c->owner);
}

static void start_tls(struct smtp_conn *c);

/* A mail can be given for the first time: what it took is not needed more. */
static void settle_in(struct smtp_conn *c)
{
    uint64_t most = c->session.offer.mails_max;

    smtp_auth_free(c->auth);
    c->auth = NULL;
    smtp_wire_settle(&c->wire);
    if (most > 0 && (c->limits.mails_max == 0 || most < c->limits.mails_max))
        c->limits.mails_max = (unsigned)most;
}

/* After anything that may have brought the session on. */
static void follow(struct smtp_conn *c)
{
    struct smtp_session *s = &c->session;

    report(c);
    if (s->no_starttls)
        c->facts.result = SMTP_TLS_NO_STARTTLS;
    if (smtp_session_waits(s) == STEP_OVER) {
        if (s->fault == SMTP_FAULT_TLS && c->facts.result == SMTP_TLS_UNUSED)
            c->facts.result = SMTP_TLS_VALIDATION;
        finish(c, s->fault, s->why, s->reply_code);
        return;
    }
    if (smtp_session_waits(s) == STEP_HANDSHAKE && c->state == CONN_TALKING) {
        start_tls(c);
        return;
    }
    if (!c->announced && smtp_session_takes(s)) {
        c->announced = true;
        settle_in(c);
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
    enum smtp_step at = c->state == CONN_SHAKING
                            ? STEP_HANDSHAKE
                            : smtp_session_waits(&c->session);

    snprintf(why, sizeof why, "%s at %s", what, smtp_step_text(at));
    smtp_session_lost(&c->session, loss, why);
    if (at == STEP_HANDSHAKE)
        c->session.fault = SMTP_FAULT_TLS;
    follow(c);
}

/* One read; true if there may be more and somebody to hear it. */
static bool hear_once(struct smtp_conn *c)
{
    struct smtp_net *net = c->net;

    report(c); /* refusals of our own that no flush has told yet */
    ssize_t n = smtp_wire_read(&c->wire, net->in, sizeof net->in);
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

/* TLS holds what polling does not show. */
static void hear(struct smtp_conn *c)
{
    while (hear_once(c) && smtp_wire_pending(&c->wire))
        ;
}

/* Nothing can be sent any more, but the reason may have been received: a 421
 * and the end. */
static void hear_last_words(struct smtp_conn *c, int error)
{
    while (hear_once(c))
        ;
    if (c->state == CONN_TALKING)
        lose(c, SMTP_LOSS_SERVER, uv_strerror(uv_translate_sys_error(error)));
}

static void say(struct smtp_conn *c)
{
    struct iovec iov[SMTP_IOV_MAX];
    int pieces;

    while ((pieces = smtp_said_pending(&c->session.said, iov)) > 0) {
        c->wire.secret = smtp_session_waits(&c->session) == STEP_AUTH;
        ssize_t n = smtp_wire_write(&c->wire, iov, pieces, c->net->record);

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

static void shake(struct smtp_conn *c)
{
    switch (smtp_tls_shake(c->wire.tls)) {
    case SMTP_TLS_WANTS_READ: watch(c, UV_READABLE); return;
    case SMTP_TLS_WANTS_WRITE: watch(c, UV_WRITABLE); return;
    case SMTP_TLS_CLOSED:
    case SMTP_TLS_FAILED: lose(c, SMTP_LOSS_SERVER, c->facts.why); return;
    case SMTP_TLS_DONE: break;
    }
    smtp_wire_secured(&c->wire);
    c->state = CONN_TALKING;
    watch(c, UV_READABLE);
    if (smtp_session_waits(&c->session) == STEP_HANDSHAKE)
        smtp_session_secured(&c->session);
    follow(c);
    want_flush(c);
    if (c->state == CONN_TALKING)
        hear(c);
}

static void start_tls(struct smtp_conn *c)
{
    c->state = CONN_SHAKING;
    watch_deadline(c);
    smtp_tls_start(c->wire.tls, c->wire.fd);
    shake(c);
}

static void fail_connect(struct smtp_conn *c, int error)
{
    snprintf(c->failed, sizeof c->failed, "connect: %s",
             uv_strerror(uv_translate_sys_error(error)));
    c->fault = SMTP_FAULT_CONNECT;
    c->abandoned = true;
    mark_dirty(c);
}

static void connected(struct smtp_conn *c)
{
    int error = smtp_wire_connected(&c->wire, c->source);

    if (error) {
        fail_connect(c, error);
        return;
    }
    c->deadline_ms = now_ms(c) + smtp_patience_ms(&c->session, &c->limits);
    c->state = CONN_TALKING;
    watch(c, UV_READABLE);
    if (c->implicit_tls)
        start_tls(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct smtp_conn *c = poll->data;

    switch (c->state) {
    case CONN_CONNECTING:
        if (!c->abandoned)
            connected(c);
        break;
    case CONN_SHAKING: shake(c); break;
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
    case CONN_SHAKING: lose(c, SMTP_LOSS_TIMEOUT, "timeout"); break;
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

/* Nothing leaves the list in here. */
static void on_tick(uv_timer_t *ticker)
{
    struct smtp_net *net = ticker->data;
    struct smtp_conn *c;

    TAILQ_FOREACH(c, &net->all, in_all)
    if (now_ms(c) >= c->deadline_ms)
        expire(c);
}

static int connect_socket(struct smtp_conn *c,
                          const struct smtp_conn_setup *setup)
{
    int error = smtp_wire_connect(&c->wire, setup->address, setup->address_len,
                                  setup->source, setup->source_len);

    if (error)
        return error;
    if (uv_poll_init(c->net->loop, &c->poll, c->wire.fd) != 0)
        BUG("a socket can't be polled");
    c->poll.data = c;
    c->net->handles++;
    watch(c, UV_WRITABLE);
    return 0;
}

enum status smtp_net_trust(struct smtp_net *net, const char *ca_file,
                           struct error *err)
{
    if (net->tls)
        BUG("trusted already");
    return smtp_tls_net_new(ca_file, &net->tls, err);
}

static void set_up_security(struct smtp_conn *c,
                            const struct smtp_conn_setup *setup)
{
    enum smtp_tls level = setup->tls.level;
    bool never = level == SMTP_TLS_NONE ||
                 (level == SMTP_TLS_OPPORTUNISTIC && setup->broken_tls);
    enum smtp_starttls starttls =
        level > SMTP_TLS_OPPORTUNISTIC ? SMTP_STARTTLS_MUST : SMTP_STARTTLS_MAY;
    struct error err;

    c->implicit_tls = setup->implicit_tls;
    c->facts = (struct smtp_tls_facts){.version = "", .cipher = "", .why = ""};
    if (setup->login)
        c->auth = smtp_auth_new(setup->login);
    smtp_session_want(&c->session, never ? SMTP_STARTTLS_NEVER : starttls,
                      setup->implicit_tls, c->auth);
    smtp_session_proves(&c->session, &c->facts, setup->broken_tls);
    c->session.keeps_tls = setup->keeps_tls;
    if (never && !setup->implicit_tls)
        return;
    if (!c->net->tls && smtp_net_trust(c->net, NULL, &err) != STATUS_OK)
        BUG("the system's certificates can't be read");
    c->wire.tls = smtp_tls_open(c->net->tls, &setup->tls, &c->facts);
}

struct smtp_conn *smtp_conn_open(struct smtp_net *net,
                                 const struct smtp_conn_setup *setup,
                                 const struct smtp_conn_events *events,
                                 void *owner)
{
    struct smtp_conn *c = memory_new(1, sizeof *c);
    struct sockaddr_storage theirs = {0};
    int error;

    if (net->freed || setup->address_len > sizeof theirs)
        BUG("a connection that can't be");
    c->net = net;
    c->state = CONN_CONNECTING;
    c->wire = (struct smtp_wire){.fd = -1, .tap = setup->tap};
    c->limits = setup->limits;
    c->events = *events;
    c->owner = owner;
    memcpy(&theirs, setup->address, setup->address_len);
    smtp_wire_name(&theirs, c->peer);
    smtp_session_init(&c->session, setup->ehlo_name);
    set_up_security(c, setup);
    c->deadline_ms = now_ms(c) + c->limits.connect_ms;
    if (TAILQ_EMPTY(&net->all))
        uv_timer_start(&net->ticker, on_tick, TICK_MS, TICK_MS);
    TAILQ_INSERT_TAIL(&net->all, c, in_all);
    if ((error = connect_socket(c, setup)))
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

const struct smtp_tls_facts *smtp_conn_tls(const struct smtp_conn *c)
{
    return &c->facts;
}

const struct smtp_offer *smtp_conn_offer(const struct smtp_conn *c)
{
    return &c->session.offer;
}

static void flush(struct smtp_conn *c)
{
    switch (c->state) {
    case CONN_CONNECTING:
        if (c->abandoned)
            finish(c, c->fault, c->failed, 0);
        break;
    case CONN_TALKING:
        follow(c); /* tells refusals of our own */
        if (c->state == CONN_TALKING)
            say(c);
        break;
    case CONN_SHAKING:
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
        if (c->state == CONN_TALKING || c->state == CONN_SHAKING)
            lose(c, SMTP_LOSS_OWNER, "closed by us");
        else if (c->state == CONN_CONNECTING)
            finish(c, SMTP_FAULT_CONNECT, "closed by us at connect", 0);
    }
    net->freed = true;
    uv_close((uv_handle_t *)&net->ticker, on_handle_closed);
    uv_close((uv_handle_t *)&net->awake, on_handle_closed);
}
