/*
 * policy/rua - where a domain wants its TLS reports: the record of
 * _smtp._tls.DOMAIN (RFC 8460, 3). No I/O.
 */
#ifndef POLICY_RUA_H
#define POLICY_RUA_H

#include "dns/dns.h"

enum { RUA_MAX = 1024 };

/* The URIs that can be used (mailto: and https:) into out (RUA_MAX bytes),
 * separated by commas. False: the domain wants no reports. */
bool rua_of(const struct dns_answer *answer, char *out);
#endif
