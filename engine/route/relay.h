/*
 * route/relay - a smarthost: the servers that take mail for everybody, and how
 * to speak to them.
 *
 * The servers' names are looked up without blocking, as the system does it
 * (hosts file and DNS), and again every minute; the last good answer stays in
 * use.
 */
#ifndef ROUTE_RELAY_H
#define ROUTE_RELAY_H

#include "base/servers.h"
#include "base/status.h"
#include "loop/web.h"
#include "oauth/request.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

enum {
    RELAY_ADDRESSES_MAX = 8, /* of one host that are used */
    RELAY_NAME_MAX = 64,
};

struct relay;

/* An address of a server, and which server it is. */
struct relay_address {
    const struct server_address *host;
    struct sockaddr_storage address;
    socklen_t len;
};

/* How its servers are spoken to; texts as in the table `relay`. */
struct relay_access {
    const char *tls;      /* none, opportunistic, required, verified */
    const char *login;    /* none, auto, plain, login, ... */
    const char *username; /* "" for none */
    const char *secret;   /* where it is: file:, env:, command:; "" for none */
    /* With xoauth2, in place of a secret: where a token is had; its token_url
     * "" for nowhere. Checked by oauth_settings_check. */
    struct oauth_settings oauth;
};

/* What all relays of a worker share. ca_file: whom token endpoints are trusted
 * by; "" for the system's. It must live. */
struct relay_world {
    uv_loop_t *loop;
    struct web *web;
    const char *ca_file;
};

/* Without servers, until they are given. world must live. */
struct relay *relay_new(const struct relay_world *world, const char *name);
void relay_free(struct relay *r);

/* text is a list of servers (base/servers); the same list again changes
 * nothing. err says what is wrong with it: then it has none. */
MUST_USE enum status relay_servers(struct relay *r, const char *text,
                                   struct error *err);

/* Copied. Standard: opportunistic, none. Who watches is told of a change. */
void relay_access(struct relay *r, const struct relay_access *access);

/* It is no relay any more, unless it is given servers and access again: no name
 * is looked up for it and no token asked for, and it has neither. */
void relay_retire(struct relay *r);

/* What was given last; until the next. */
struct relay_access relay_how(const struct relay *r);

const char *relay_name(const struct relay *r);

/* Is the secret a token that a command prints or an endpoint gives? Then this
 * is it, "" while there is none. Who watches is told of another one, and of a
 * failure to get one. */
bool relay_has_token(const struct relay *r);
const char *relay_token(const struct relay *r);

/* Why an endpoint has given no token, or none that is good any more; then mail
 * should wait until it is asked again (mono, ms). "" while there is a token, or
 * it is asked for the first time. */
const char *relay_fault(const struct relay *r, int64_t *again_ms);

/* The login over a connection that was opened then (mono, ms) was refused for
 * good; or one was taken. */
void relay_refused(struct relay *r, int64_t opened_ms);
void relay_accepted(struct relay *r);

/* What is known of its servers' addresses, at most max; 0 while nothing is. */
size_t relay_addresses(const struct relay *r, struct relay_address *out,
                       size_t max);

/* How often the operator has said something else of it: connections made
 * before are not to be used any more. */
unsigned relay_version(const struct relay *r);

/* Called when the addresses, the access or the token have changed; for as long
 * as the relay lives. Several may watch. */
void relay_watch(struct relay *r, void (*changed)(void *owner), void *owner);
#endif
