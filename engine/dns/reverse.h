/*
 * dns/reverse - the name under which an address's PTR record stands (RFC 1035,
 * 3.5; RFC 3596, 2.5), and which addresses the world can't reach. No I/O.
 */
#ifndef DNS_REVERSE_H
#define DNS_REVERSE_H

#include "dns/dns.h"
#include <sys/socket.h>

/* AF_INET or AF_INET6 into out (DNS_NAME_MAX bytes); returns out. */
const char *dns_reverse(const struct sockaddr_storage *address, char *out);

/* Loopback, link-local, private use, shared (RFC 1918, 4193, 6598), none. */
bool dns_is_private(const struct sockaddr_storage *address);
#endif
