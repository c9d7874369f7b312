/*
 * egress/here - is an address one of this machine's? Asks the kernel, by a
 * socket that is bound and closed; nothing is sent.
 */
#ifndef EGRESS_HERE_H
#define EGRESS_HERE_H

#include "base/enum.h"
#include <stdbool.h>
#include <sys/socket.h>

/* IPv4 or IPv6 as inet_pton takes it, port 0. False: it is neither. */
MUST_USE bool egress_address(const char *text, struct sockaddr_storage *out,
                             socklen_t *len);

/* 0: it is; else an errno, EADDRNOTAVAIL where it is another machine's. */
MUST_USE int egress_here(const struct sockaddr_storage *address, socklen_t len);
#endif
