#include "inbound/listener.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/net.h"
#include "inbound/client.h"
#include <stdlib.h>

enum { BACKLOG = 512, SWEEP_MS = 1000 };

static bool may_bring(void *owner)
{
    struct client *client = owner;

    return peer_bring(client->peer, clock_mono_ms(),
                      client->listener->config->inbound_client_mails_a_minute);
}

static void set_limits(struct listener *l)
{
    l->manners.size_max = (size_t)l->config->inbound_message_max_bytes;
}

enum status listener_reload(struct listener *l, struct error *err)
{
    const struct config *c = l->config;
    SSL_CTX *fresh = NULL;

    set_limits(l);
    if (*c->inbound_tls_certificate) {
        fresh =
            secure_context(c->inbound_tls_certificate, c->inbound_tls_key, err);
        if (!fresh)
            return STATUS_INVALID;
    }
    SSL_CTX_free(l->tls);
    l->tls = fresh;
    l->manners.starttls = fresh != NULL;
    return STATUS_OK;
}

static void on_connection(uv_stream_t *stream, int status)
{
    if (status == 0)
        client_accept(stream->data);
}

static void on_sweep(uv_timer_t *timer)
{
    struct listener *l = timer->data;

    for (struct client *client = l->clients, *next; client; client = next) {
        next = client->next;
        client_check_time(client);
    }
    peers_sweep(&l->peers, clock_mono_ms());
}

static enum status bind_to(struct listener *l, const char *text,
                           struct error *err)
{
    struct net_address at;
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;
    const struct sockaddr *address = NULL;
    enum status status = net_parse(text, &at, err);

    if (status != STATUS_OK)
        return status;
    const void *any = &v4;
    if (uv_ip4_addr(at.host, at.port, &v4) == 0)
        address = any;
    any = &v6;
    if (!address && uv_ip6_addr(at.host, at.port, &v6) == 0)
        address = any;
    if (!address)
        return fail(err, STATUS_INVALID, "an IP address is expected");
    int wrong = uv_tcp_bind(&l->socket, address, 0);

    if (!wrong)
        wrong = uv_listen((uv_stream_t *)&l->socket, BACKLOG, on_connection);
    return wrong ? fail(err, STATUS_FAILED, "%s", uv_strerror(wrong))
                 : STATUS_OK;
}

static void finish(struct listener *l)
{
    if (l->handles || l->n_clients)
        return;
    void (*done)(void *owner) = l->done;
    void *owner = l->owner;

    inbound_addresses_fini(&l->addresses);
    peers_fini(&l->peers);
    SSL_CTX_free(l->tls);
    free(l);
    if (done)
        done(owner);
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;

    l->handles--;
    finish(l);
}

void listener_client_gone(struct listener *l)
{
    l->n_clients--;
    finish(l);
}

static void close_handles(struct listener *l)
{
    uv_close((uv_handle_t *)&l->socket, on_closed);
    uv_close((uv_handle_t *)&l->sweep, on_closed);
}

struct listener *listener_new(uv_loop_t *loop, const struct config *config,
                              struct inbox *inbox, struct error *err)
{
    struct listener *l = memory_new(1, sizeof *l);
    struct error why;

    l->config = config;
    l->inbox = inbox;
    config_hostname(config, l->hostname, sizeof l->hostname);
    l->manners = (struct talk_manners){.hostname = l->hostname,
                                       .addresses = &l->addresses,
                                       .may_bring = may_bring};
    l->handles = 2;
    uv_tcp_init(loop, &l->socket);
    uv_timer_init(loop, &l->sweep);
    l->socket.data = l->sweep.data = l;
    enum status status = inbound_addresses_init(&l->addresses, config, err);

    if (status == STATUS_OK)
        status = listener_reload(l, err);
    if (status == STATUS_OK) {
        memcpy(l->addresses.secret, inbox_secret(inbox),
               sizeof l->addresses.secret);
        status = bind_to(l, config->inbound_listen, &why);
        if (status != STATUS_OK)
            status = fail(err, status, "inbound_listen %s: %s",
                          config->inbound_listen, why.text);
    }
    if (status != STATUS_OK) {
        close_handles(l);
        return NULL;
    }
    uv_timer_start(&l->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    return l;
}

void listener_stop(struct listener *l, void (*done)(void *owner), void *owner)
{
    l->done = done;
    l->owner = owner;
    l->stopping = true;
    close_handles(l);
    for (struct client *client = l->clients, *next; client; client = next) {
        next = client->next;
        client_say_bye(client);
    }
}
