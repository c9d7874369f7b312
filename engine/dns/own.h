/*
 * dns/own - who we are among mail hosts: our name, and where our own listener
 * (the setting inbound_listen) takes mail. A host that is us is a loop, and so
 * is each that is no better (RFC 5321, 5.1).
 *
 * An address is ours if inbound_listen names it, or names all (0.0.0.0, ::)
 * and an interface of this machine has it; and only if mail hosts are asked at
 * the listener's port. A loopback address is ours only if it is named. One that
 * a router translates to ours is not known: there the name has to tell.
 */
#ifndef DNS_OWN_H
#define DNS_OWN_H

#include "base/config.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { OWN_ADDRESSES_MAX = 256 }; /* further ones are not known */

struct own {
    const char *name;
    struct in6_addr addresses[OWN_ADDRESSES_MAX]; /* IPv4: mapped */
    size_t n;
};

/* Asks the system for its interfaces, if it matters. The name must live. */
void own_find(struct own *o, const struct config *config, const char *name);

/* The same with interfaces given: addresses of either family, n of them. port:
 * of mail hosts. A listen that makes no sense is none. */
void own_set(struct own *o, const char *listen, uint16_t port,
             const struct sockaddr_storage *interfaces, size_t n);

/* Whatever its port. */
bool own_has(const struct own *o, const struct sockaddr *address);
#endif
