#include "cli/sink/server.h"
#include "base/clock.h"
#include "base/memory.h"
#include <inttypes.h>
#include <stdlib.h>

enum { IN_SIZE = 64 << 10, BACKLOG = 1024, SWEEP_MS = 1000 };
_Static_assert(IN_SIZE > 2 * SINK_LINE_MAX, "an unfinished line must fit");

struct sink_client {
    struct sink_server *server;
    struct sink_client *before, *after;
    uv_tcp_t tcp;
    uv_timer_t pause; /* only with --slow */
    uv_write_t write;
    struct sink_talk talk;
    struct sink_tls *tls; /* NULL: in clear */
    struct buf sealed;    /* by TLS, for the socket */
    struct buf writing;   /* what the socket did not take at once */
    struct buf kept;      /* the message, with --maildir */
    int64_t heard_ms;
    int64_t mails; /* taken or refused */
    bool busy;     /* a mail is under way: its last reply has not left */
    int handles_open;
    bool blocked; /* waiting to write: nothing is read */
    size_t in_at, in_end;
    char in[IN_SIZE];
};

static void pump(struct sink_client *client);

static void hear_body(void *owner, const char *bytes, size_t n)
{
    struct sink_client *client = owner;
    buf_add(&client->kept, bytes, n);
}

static bool hear_keep(void *owner, const struct sink_envelope *envelope)
{
    struct sink_client *client = owner;
    struct error err;
    if (sink_maildir_write(client->server->maildir, envelope,
                           client->kept.data ? client->kept.data : "",
                           client->kept.len, &err) == STATUS_OK)
        return true;
    fprintf(stderr, "presort sink: %s\n", err.text);
    return false;
}

static void hear_forget(void *owner)
{
    struct sink_client *client = owner;
    buf_reset(&client->kept);
}

static void set_busy(struct sink_client *client, bool busy)
{
    if (client->busy == busy)
        return;
    client->busy = busy;
    sink_ledger_busy(client->server->ledger, busy);
}

static void hear_settled(void *owner, const char *sender, const char *recipient,
                         size_t size_bytes, enum sink_deed deed)
{
    struct sink_client *client = owner;
    struct sink_ledger *ledger = client->server->ledger;

    set_busy(client, true);
    if (++client->mails > ledger->each_most)
        ledger->each_most = client->mails;
    sink_ledger_note(client->server->ledger, clock_wall_us() / 1000, sender,
                     recipient, size_bytes, deed);
}

static void client_free(uv_handle_t *handle)
{
    struct sink_client *client = handle->data;
    if (--client->handles_open > 0)
        return;
    sink_talk_fini(&client->talk);
    sink_tls_free(client->tls);
    buf_fini(&client->sealed);
    buf_fini(&client->writing);
    buf_fini(&client->kept);
    free(client);
}

static void client_close(struct sink_client *client)
{
    if (uv_is_closing((uv_handle_t *)&client->tcp))
        return;
    struct sink_server *server = client->server;
    *(client->before ? &client->before->after : &server->clients) =
        client->after;
    if (client->after)
        client->after->before = client->before;
    server->ledger->open--;
    set_busy(client, false);
    sink_ledger_flush(server->ledger);
    uv_close((uv_handle_t *)&client->tcp, client_free);
    if (client->handles_open > 1)
        uv_close((uv_handle_t *)&client->pause, client_free);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    (void)wanted;
    static char sealed[IN_SIZE]; /* used up by on_read, before the next */
    struct sink_client *client = handle->data;
    if (client->tls)
        *out = uv_buf_init(sealed, sizeof sealed);
    else
        *out = uv_buf_init(client->in + client->in_end,
                           (unsigned)(IN_SIZE - client->in_end));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct sink_client *client = stream->data;
    if (n < 0) {
        client_close(client);
        return;
    }
    if (client->tls)
        sink_tls_received(client->tls, buf->base, (size_t)n);
    else
        client->in_end += (size_t)n;
    client->heard_ms = (int64_t)uv_now(stream->loop);
    pump(client);
}

static void unblock(struct sink_client *client)
{
    client->blocked = false;
    if (client->talk.state == SINK_OVER)
        client_close(client);
    else
        pump(client);
}

static void on_written(uv_write_t *write, int status)
{
    struct sink_client *client = write->handle->data;
    if (uv_is_closing((uv_handle_t *)&client->tcp))
        return;
    client->heard_ms = (int64_t)uv_now(client->tcp.loop);
    if (status < 0)
        client_close(client);
    else
        unblock(client);
}

/* What the socket does not take at once is written behind, and until then the
 * client is not read. */
static void write_bytes(struct sink_client *client, struct buf *out)
{
    uv_buf_t whole = uv_buf_init(out->data, (unsigned)out->len);
    int n = uv_try_write((uv_stream_t *)&client->tcp, &whole, 1);
    if (n < 0 && n != UV_EAGAIN) {
        client_close(client);
        return;
    }
    size_t done = n > 0 ? (size_t)n : 0;
    client->blocked = done < out->len;
    if (client->blocked) {
        buf_reset(&client->writing);
        buf_add(&client->writing, out->data + done, out->len - done);
        uv_buf_t rest =
            uv_buf_init(client->writing.data, (unsigned)client->writing.len);
        if (uv_write(&client->write, (uv_stream_t *)&client->tcp, &rest, 1,
                     on_written) != 0)
            client_close(client);
    }
    buf_reset(out);
}

/* Hand the replies to the socket. */
static void write_out(struct sink_client *client)
{
    struct buf *out = &client->talk.out;
    sink_ledger_flush(client->server->ledger);
    client->talk.replies = 0;
    if (!client->talk.in_mail)
        set_busy(client, false);
    if (client->tls) {
        sink_tls_write(client->tls, out->data, out->len, &client->sealed);
        buf_reset(out);
        out = &client->sealed;
    }
    if (out->len > 0)
        write_bytes(client, out);
}

static void on_pause_over(uv_timer_t *timer)
{
    struct sink_client *client = timer->data;
    write_out(client);
    if (!client->blocked && !uv_is_closing((uv_handle_t *)&client->tcp))
        unblock(client);
}

static void flush(struct sink_client *client)
{
    if (client->server->slow_ms == 0) {
        write_out(client);
        return;
    }
    client->blocked = true;
    uint64_t wait_ms = client->talk.replies * (uint64_t)client->server->slow_ms;
    uv_timer_start(&client->pause, on_pause_over, wait_ms, 0);
}

static void keep_rest(struct sink_client *client)
{
    size_t rest = client->in_end - client->in_at;
    if (client->in_at > 0 && rest > 0)
        memmove(client->in, client->in + client->in_at, rest);
    client->in_at = 0;
    client->in_end = rest;
}

/* False while the handshake is not done. */
static bool shake(struct sink_client *client)
{
    if (!client->tls || sink_tls_is_up(client->tls))
        return true;
    bool ok = sink_tls_shake(client->tls);
    sink_tls_write(client->tls, NULL, 0, &client->sealed);
    if (client->sealed.len > 0)
        write_bytes(client, &client->sealed);
    if (uv_is_closing((uv_handle_t *)&client->tcp))
        return false;
    if (!ok) {
        client_close(client);
        return false;
    }
    return sink_tls_is_up(client->tls);
}

/* Takes out of TLS what there is room for; true if it was anything. */
static bool unseal(struct sink_client *client)
{
    if (!client->tls)
        return false;
    keep_rest(client);
    int n = sink_tls_read(client->tls, client->in + client->in_end,
                          IN_SIZE - client->in_end);
    if (n < 0)
        client->talk.state = SINK_OVER;
    client->in_end += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* 220 has left: what was received in clear till now is none of TLS. */
static void start_tls(struct sink_client *client)
{
    client->in_at = client->in_end = 0;
    client->tls = sink_tls_new(client->server->tls);
    sink_talk_secured(&client->talk);
}

/* Let the talk take what was read and answer, until it wants more input or
 * the socket takes no more output. */
static void pump(struct sink_client *client)
{
    struct sink_talk *talk = &client->talk;
    int64_t now_ms = (int64_t)uv_now(client->tcp.loop);
    bool up = shake(client);
    for (bool more = up; more && !client->blocked;) {
        bool fresh = unseal(client);
        size_t used = sink_talk_feed(talk, client->in + client->in_at,
                                     client->in_end - client->in_at, now_ms);
        client->in_at += used;
        if (talk->in_mail)
            set_busy(client, true);
        more = used > 0 || fresh;
        if (talk->out.len > 0)
            flush(client);
        if (uv_is_closing((uv_handle_t *)&client->tcp))
            return;
    }
    if (uv_is_closing((uv_handle_t *)&client->tcp))
        return;
    if (talk->state == SINK_TLS && !client->blocked)
        start_tls(client);
    keep_rest(client);
    if (client->blocked)
        uv_read_stop((uv_stream_t *)&client->tcp);
    else if (talk->state == SINK_OVER)
        client_close(client);
    else
        uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
}

static struct sink_client *client_new(struct sink_server *server)
{
    struct sink_client *client = memory_new(1, sizeof *client);
    uv_loop_t *loop = server->listener.loop;
    client->server = server;
    client->tcp.data = client->pause.data = client;
    client->heard_ms = (int64_t)uv_now(loop);
    uv_tcp_init(loop, &client->tcp);
    client->handles_open = 1;
    if (server->slow_ms) {
        uv_timer_init(loop, &client->pause);
        client->handles_open = 2;
    }
    sink_talk_init(&client->talk, &server->manners, client);
    client->after = server->clients;
    if (client->after)
        client->after->before = client;
    server->clients = client;
    return client;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct sink_server *server = listener->data;
    if (status < 0)
        return;
    struct sink_ledger *ledger = server->ledger;
    struct sink_client *client = client_new(server);
    sink_ledger_connected(ledger, (int64_t)uv_now(listener->loop));
    if (uv_accept(listener, (uv_stream_t *)&client->tcp) != 0) {
        client_close(client);
        return;
    }
    uv_tcp_nodelay(&client->tcp, 1);
    if (server->implicit_tls)
        start_tls(client);
    if (ledger->open > server->connections_max) {
        buf_reset(&client->talk.out);
        sink_talk_end(&client->talk, "421 4.7.0 too many connections");
    }
    pump(client);
}

static void on_sweep(uv_timer_t *timer)
{
    struct sink_server *server = timer->data;
    int64_t silent_since = (int64_t)uv_now(timer->loop) - server->timeout_ms;
    for (struct sink_client *client = server->clients, *after; client;
         client = after) {
        after = client->after;
        if (client->heard_ms > silent_since)
            continue;
        if (client->blocked) {
            client_close(client);
            continue;
        }
        sink_talk_end(&client->talk, "421 4.4.2 silent for too long");
        pump(client);
    }
}

static void set_manners(struct sink_server *server,
                        struct sink_options *options)
{
    bool keep = server->maildir != NULL;
    server->manners =
        (struct sink_manners){.hostname = options->hostname,
                              .rules = &options->rules,
                              .ears = {.body = keep ? hear_body : NULL,
                                       .keep = keep ? hear_keep : NULL,
                                       .forget = keep ? hear_forget : NULL,
                                       .settled = hear_settled},
                              .size_max = (size_t)options->size_max,
                              .mails_max = options->mails_max,
                              .no_pipelining = options->no_pipelining,
                              .no_8bitmime = options->no_8bitmime,
                              .false_8bitmime = options->false_8bitmime,
                              .no_requiretls = options->no_requiretls,
                              .no_smtputf8 = options->no_smtputf8,
                              .no_ehlo = options->no_ehlo,
                              .chunking = options->chunking,
                              .dsn = options->dsn,
                              .starttls = options->starttls,
                              .tls_required = options->tls_required,
                              .auth = options->auth,
                              .mailmax = options->mailmax};
}

enum status sink_server_start(struct sink_server *server, uv_loop_t *loop,
                              struct sink_options *options,
                              struct sink_ledger *ledger,
                              struct sink_maildir *maildir, struct error *err)
{
    *server =
        (struct sink_server){.ledger = ledger,
                             .maildir = maildir,
                             .slow_ms = options->slow_ms,
                             .connections_max = options->connections_max,
                             .timeout_ms = options->timeout_seconds * 1000};
    set_manners(server, options);
    uv_tcp_init(loop, &server->listener);
    uv_timer_init(loop, &server->sweep);
    server->listener.data = server->sweep.data = server;
    server->implicit_tls = options->tls;
    if (options->tls || options->starttls) {
        enum status status =
            sink_tls_context_new(options->hostname, options->tls_cert,
                                 options->tls_key, &server->tls, err);
        if (status != STATUS_OK)
            return status;
    }
    const void *address = &options->listen;
    int wrong = uv_tcp_bind(&server->listener, address, 0);
    if (wrong == 0)
        wrong =
            uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    if (wrong != 0)
        return fail(err, STATUS_FAILED, "--listen: %s", uv_strerror(wrong));
    uv_timer_start(&server->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    return STATUS_OK;
}

void sink_server_stop(struct sink_server *server)
{
    uv_close((uv_handle_t *)&server->listener, NULL);
    uv_close((uv_handle_t *)&server->sweep, NULL);
    while (server->clients) {
        struct sink_client *client = server->clients;
        if (!client->blocked) {
            sink_talk_end(&client->talk, "421 4.3.2 the sink stops");
            write_out(client);
        }
        client_close(client);
    }
}

void sink_address_text(const uv_tcp_t *listener, char *out, size_t size)
{
    struct sockaddr_storage address = {0};
    int len = sizeof address;
    void *any = &address;
    char ip[INET6_ADDRSTRLEN] = "?";
    uv_tcp_getsockname(listener, any, &len);
    uv_ip_name(any, ip, sizeof ip);
    const struct sockaddr_in *in = any; /* sin_port is at the same place */
    bool v6 = address.ss_family == AF_INET6;
    snprintf(out, size, "%s%s%s:%u", v6 ? "[" : "", ip, v6 ? "]" : "",
             ntohs(in->sin_port));
}
