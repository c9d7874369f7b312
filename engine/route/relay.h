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

#include "base/net.h"
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

enum {
    RELAY_HOSTS_MAX = 16,
    RELAY_ADDRESSES_MAX = 8, /* of one host that are used */
    RELAY_NAME_MAX = 64,
    RELAY_WEIGHT_MAX = 1000,
};

struct relay;

/* One server, as it is written: [smtp://|submission://|smtps://]HOST[:PORT]
 * [*WEIGHT] or HOST:PORT. smtps is TLS from the first byte, port 465;
 * submission is port 587. */
struct relay_host {
    struct net_address at;
    bool implicit_tls;
    unsigned weight;
};

/* An address of a server, and which server it is. */
struct relay_address {
    const struct relay_host *host;
    struct sockaddr_storage address;
    socklen_t len;
};

/* text is a list of servers, separated by commas. err says what is wrong with
 * it. On failure nothing is to be freed. */
MUST_USE enum status relay_new(uv_loop_t *loop, const char *name,
                               const char *text, struct relay **out,
                               struct error *err);
void relay_free(struct relay *r);

const char *relay_name(const struct relay *r);

/* What is known of its servers' addresses, at most max; 0 while nothing is. */
size_t relay_addresses(const struct relay *r, struct relay_address *out,
                       size_t max);

/* Called when the addresses have changed. */
void relay_watch(struct relay *r, void (*changed)(void *owner), void *owner);

/* The list's grammar alone: n hosts into out (RELAY_HOSTS_MAX). */
MUST_USE enum status relay_parse(const char *text, struct relay_host *out,
                                 size_t *n, struct error *err);
#endif
