/*
 * policy/tlsa - TLSA records (RFC 6698) as SMTP uses them (RFC 7672). No I/O.
 */
#ifndef POLICY_TLSA_H
#define POLICY_TLSA_H

#include "dns/dns.h"
#include "smtp/tls.h"

enum {
    TLSA_TRUST_ANCHOR = 2, /* usages: DANE-TA and DANE-EE */
    TLSA_END_ENTITY = 3,
    TLSA_MAX = 16,         /* of one host; further ones are left out */
    TLSA_BYTES_MAX = 8192, /* of one record: a whole certificate */
};

/* The usable ones of an answer: usages 2 and 3 (RFC 7672, 3.1.3), known
 * selectors and matching types, digests of the right length; whole certificates
 * and keys (matching type 0) that can be read. Returns how many. */
size_t tlsa_usable(const struct dns_answer *answer,
                   struct smtp_tlsa out[TLSA_MAX]);

/* "3 1 1 0123abcd", as a zone file and reports have it (RFC 8460, 4.4), cut at
 * max; returns out. */
const char *tlsa_text(const struct smtp_tlsa *t, char *out, size_t max);
#endif
