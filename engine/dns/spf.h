/*
 * dns/spf - the terms of an SPF record (RFC 7208, 12), one by one. No I/O:
 * whom they stand for is for the caller to ask.
 */
#ifndef DNS_SPF_H
#define DNS_SPF_H

#include "base/enum.h"
#include "dns/dns.h"
#include <sys/socket.h>

#define SPF_KIND_TABLE(X)                                                      \
    X(SPF_ALL, "all")                                                          \
    X(SPF_INCLUDE, "include")                                                  \
    X(SPF_A, "a")                                                              \
    X(SPF_MX, "mx")                                                            \
    X(SPF_PTR, "ptr")                                                          \
    X(SPF_IP4, "ip4")                                                          \
    X(SPF_IP6, "ip6")                                                          \
    X(SPF_EXISTS, "exists")                                                    \
    X(SPF_REDIRECT, "redirect")                                                \
    X(SPF_OTHER, "other") /* a modifier that changes nothing */                \
    X(SPF_WRONG, "wrong") /* receivers take the whole record for an error */
ENUM_DECLARE(spf_kind, SPF_KIND_TABLE);

enum { SPF_TERM_MAX = 320 }; /* bytes; a longer one is SPF_WRONG */

struct spf_term {
    enum spf_kind kind;
    char qualifier; /* of a mechanism: + - ~ ? */
    char text[SPF_TERM_MAX];
    char domain[DNS_NAME_MAX];       /* "": the record's own */
    bool macros;                     /* in the domain (RFC 7208, 7) */
    struct sockaddr_storage network; /* of ip4 and ip6 */
    unsigned bits4, bits6;           /* of addresses that count */
};

/* The next term of text into *out; returns what follows it, NULL at the end. */
const char *spf_next(const char *text, struct spf_term *out);

/* Past the version, to the terms; NULL: it is no SPF record. */
const char *spf_terms(const char *record);
#endif
