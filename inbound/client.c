#include "inbound/client.h"
#include "base/clock.h"
#include "base/memory.h"
#include <stdlib.h>

_Static_assert(CLIENT_IN_SIZE > 2 * TALK_LINE_MAX, "an unfinished line fits");

static void pump(struct client *client);

/* ---- The end ---- */

static void free_if_done(struct client *client)
{
    struct listener *l = client->listener;

    if (!client->closed || client->taking)
        return;
    talk_fini(&client->talk);
    secure_fini(&client->tls);
    buf_fini(&client->writing);
    free(client);
    listener_client_gone(l);
}

static void on_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;

    client->closed = true;
    free_if_done(client);
}

static void client_close(struct client *client)
{
    if (client->closing)
        return;
    client->closing = true;
    *(client->before ? &client->before->next : &client->listener->clients) =
        client->next;
    if (client->next)
        client->next->before = client->before;
    if (client->peer)
        peer_leave(client->peer);
    uv_close((uv_handle_t *)&client->tcp, on_closed);
}

/* ---- Output ---- */

static void on_written(uv_write_t *write, int status)
{
    struct client *client = write->data;

    if (client->closing)
        return;
    client->blocked = false;
    client->heard_ms = clock_mono_ms();
    if (status < 0 || client->talk.state == TALK_OVER)
        client_close(client);
    else
        pump(client);
}

/* What the socket does not take at once is written behind; until then the
 * client is not read. */
static void send_bytes(struct client *client)
{
    struct buf *out = &client->writing;
    uv_buf_t whole = uv_buf_init(out->data, (unsigned)out->len);
    int n = uv_try_write((uv_stream_t *)&client->tcp, &whole, 1);

    if (n < 0 && n != UV_EAGAIN) {
        client_close(client);
        return;
    }
    size_t done = n > 0 ? (size_t)n : 0;

    if (done == out->len) {
        buf_reset(out);
        return;
    }
    uv_buf_t rest = uv_buf_init(out->data + done, (unsigned)(out->len - done));
    client->blocked = true;
    client->write.data = client;
    if (uv_write(&client->write, (uv_stream_t *)&client->tcp, &rest, 1,
                 on_written) != 0)
        client_close(client);
}

static void flush(struct client *client)
{
    struct buf *said = &client->talk.out;

    if (client->blocked)
        return;
    buf_reset(&client->writing);
    if (client->tls.up) {
        if (said->len && !secure_write(&client->tls, said->data, said->len))
            client_close(client);
        buf_reset(said);
    } else if (said->len) {
        buf_add(&client->writing, said->data, said->len);
        buf_reset(said);
    }
    if (client->tls.ssl)
        secure_drain(&client->tls, &client->writing);
    if (client->writing.len && !client->closing)
        send_bytes(client);
}

/* ---- Messages ---- */

static void on_taken(void *arg, bool committed)
{
    struct client *client = arg;

    client->taking = false;
    if (client->closing) {
        free_if_done(client);
        return;
    }
    talk_taken(&client->talk, committed);
    if (client->listener->stopping)
        talk_end(&client->talk, "421 4.3.2 going down");
    pump(client);
}

static void take_message(struct client *client)
{
    const struct buf *message = &client->talk.message;

    client->taking = true;
    if (inbox_take(client->listener->inbox, message->data, message->len, "smtp",
                   on_taken, client))
        return;
    client->taking = false;
    talk_taken(&client->talk, false);
}

/* ---- Input ---- */

/* What was sent behind STARTTLS in the clear is dropped: it may be somebody
 * else's, who sits in between (RFC 3207, 6). */
static void start_tls(struct client *client)
{
    flush(client);
    if (client->closing)
        return;
    client->in_at = client->in_end = 0;
    secure_start(&client->tls, client->listener->tls);
}

/* Through the handshake, then clear text into in. False: it is over. */
static bool decrypt(struct client *client)
{
    if (!client->tls.ssl)
        return true;
    if (!client->tls.up) {
        if (!secure_shake(&client->tls))
            return false;
        if (!client->tls.up)
            return true;
        talk_secured(&client->talk);
    }
    while (client->in_end < CLIENT_IN_SIZE) {
        int n = secure_read(&client->tls, client->in + client->in_end,
                            CLIENT_IN_SIZE - client->in_end);
        if (n <= 0)
            return n == 0;
        client->in_end += (size_t)n;
    }
    return true;
}

static void keep_rest(struct client *client)
{
    size_t rest = client->in_end - client->in_at;

    if (client->in_at && rest)
        memmove(client->in, client->in + client->in_at, rest);
    client->in_at = 0;
    client->in_end = rest;
}

/* One step; false: nothing more can be done now. */
static bool step(struct client *client)
{
    struct talk *talk = &client->talk;
    bool over = !decrypt(client);
    size_t used = talk_feed(talk, client->in + client->in_at,
                            client->in_end - client->in_at);

    client->in_at += used;
    keep_rest(client);
    if (talk->state == TALK_MESSAGE && !client->taking)
        take_message(client);
    if (talk->state == TALK_TLS && !client->tls.ssl)
        start_tls(client);
    if (client->closing)
        return false;
    flush(client);
    if (over && !client->closing)
        client_close(client);
    return used > 0 && !client->closing && !client->blocked;
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    /* One thread, and the bytes are used before it returns to the loop. */
    static char raw[CLIENT_IN_SIZE];
    struct client *client = handle->data;

    (void)wanted;
    if (client->tls.ssl)
        *out = uv_buf_init(raw, sizeof raw);
    else
        *out = uv_buf_init(client->in + client->in_end,
                           (unsigned)(CLIENT_IN_SIZE - client->in_end));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *client = stream->data;

    if (n < 0) {
        client_close(client);
        return;
    }
    client->heard_ms = clock_mono_ms();
    if (client->tls.ssl)
        secure_hear(&client->tls, buf->base, (size_t)n);
    else
        client->in_end += (size_t)n;
    pump(client);
}

/* While a message waits for its commit, or replies to be read, nothing more
 * is read: what a client can make us hold is bounded. */
static void pump(struct client *client)
{
    while (step(client))
        continue;
    if (client->closing)
        return;
    if (client->blocked || client->taking || client->in_end == CLIENT_IN_SIZE)
        uv_read_stop((uv_stream_t *)&client->tcp);
    else if (client->talk.state == TALK_OVER)
        client_close(client);
    else
        uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
}

/* ---- The beginning ---- */

static const char *refuse(struct client *client)
{
    struct listener *l = client->listener;
    struct sockaddr_storage from = {0};
    int size = sizeof from;
    void *any = &from;

    if (l->n_clients > l->config->inbound_connections_max)
        return "421 4.7.0 too many connections";
    if (uv_tcp_getpeername(&client->tcp, any, &size) != 0)
        return "421 4.7.0 who are you";
    client->peer =
        peer_enter(&l->peers, any, l->config->inbound_client_connections_max);
    return client->peer ? NULL : "421 4.7.0 too many connections from you";
}

void client_accept(struct listener *l)
{
    struct client *client = memory_new(1, sizeof *client);

    client->listener = l;
    client->tcp.data = client;
    client->began_ms = client->heard_ms = clock_mono_ms();
    uv_tcp_init(l->socket.loop, &client->tcp);
    talk_init(&client->talk, &l->manners, client);
    client->next = l->clients;
    if (client->next)
        client->next->before = client;
    l->clients = client;
    l->n_clients++;
    if (uv_accept((uv_stream_t *)&l->socket, (uv_stream_t *)&client->tcp) !=
        0) {
        client_close(client);
        return;
    }
    uv_tcp_nodelay(&client->tcp, 1);
    const char *why = refuse(client);

    if (why) {
        buf_reset(&client->talk.out);
        talk_end(&client->talk, why);
    }
    pump(client);
}

void client_check_time(struct client *client)
{
    const struct config *c = client->listener->config;
    int64_t now = clock_mono_ms();
    bool silent = now - client->heard_ms > c->inbound_timeout_seconds * 1000;

    if (client->taking ||
        (!silent && now - client->began_ms <= CLIENT_SESSION_MS))
        return;
    if (client->blocked || (client->tls.ssl && !client->tls.up)) {
        client_close(client);
        return;
    }
    talk_end(&client->talk, "421 4.4.2 too slow");
    pump(client);
}

void client_say_bye(struct client *client)
{
    if (client->taking)
        return; /* it hears of its message first */
    if (client->blocked) {
        client_close(client);
        return;
    }
    talk_end(&client->talk, "421 4.3.2 going down");
    pump(client);
}
