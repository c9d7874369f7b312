/*
 * inbound/client - one connection of inbound/listener. Part of it.
 */
#ifndef INBOUND_CLIENT_H
#define INBOUND_CLIENT_H

#include "inbound/listener.h"
#include "inbound/peers.h"
#include "inbound/talk.h"
#include "inbound/secure.h"

enum {
    CLIENT_IN_SIZE = 32 * 1024,
    CLIENT_SESSION_MS = 60 * 60 * 1000, /* however busy it is */
    CLIENT_HOSTNAME_MAX = 256,
};

struct listener {
    const struct config *config;
    struct inbox *inbox;
    uv_tcp_t socket;
    uv_timer_t sweep;
    char hostname[CLIENT_HOSTNAME_MAX];
    struct inbound_addresses addresses;
    struct talk_manners manners;
    SSL_CTX *tls; /* NULL: STARTTLS is not offered */
    struct peers peers;
    struct client *clients;
    int64_t n_clients; /* and those that close */
    int handles;
    bool stopping;
    void (*done)(void *owner);
    void *owner;
};

struct client {
    struct listener *listener;
    struct client *before, *next;
    struct peer *peer;
    uv_tcp_t tcp;
    uv_write_t write;
    struct talk talk;
    struct secure tls;
    struct buf writing; /* what the socket did not take at once */
    int64_t began_ms, heard_ms;
    bool blocked; /* waiting to write: nothing is read */
    bool taking;  /* the message waits for its commit */
    bool closing, closed;
    size_t in_at, in_end;
    char in[CLIENT_IN_SIZE];
};

void client_accept(struct listener *l);
void client_check_time(struct client *client);
void client_say_bye(struct client *client);

/* Of the listener: one is freed. */
void listener_client_gone(struct listener *l);
#endif
