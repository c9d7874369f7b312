/*
 * base/net - "host:port", as settings and command lines spell it.
 * "mail.example.com:25", "127.0.0.1:25", "[::1]:25". Resolves nothing.
 */
#ifndef BASE_NET_H
#define BASE_NET_H

#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

enum { NET_HOST_MAX = 256, NET_TEXT_MAX = NET_HOST_MAX + 9 };

struct net_address {
    char host[NET_HOST_MAX]; /* an IPv6 address without its brackets */
    uint16_t port;           /* 0 only if port 0 was written */
};

/* STATUS_INVALID names what is wrong with text, not where it came from. */
MUST_USE enum status net_parse(const char *text, struct net_address *out,
                               struct error *err);

/* The text that net_parse takes, with brackets where they are needed, into
 * out (NET_TEXT_MAX bytes); returns out. */
const char *net_text(const struct net_address *address, char *out);

/* Where a client on this machine reaches what listens there (0.0.0.0 is
 * 127.0.0.1), into out (NET_TEXT_MAX bytes); returns out. */
const char *net_reach(const char *listen, char *out);

/* Is it an address of the public internet? Not one of a private or local
 * network, of this machine, of documentation, multicast or another special
 * use (RFC 6890 and its registries), nor an IPv6 address that stands for such
 * an IPv4 one. */
struct sockaddr;
bool net_is_public(const struct sockaddr *address);
#endif
