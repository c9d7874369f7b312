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

/* text is a list of servers (base/servers). err says what is wrong with
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
#endif
