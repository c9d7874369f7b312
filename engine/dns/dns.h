/*
 * dns/dns - questions to the domain name system, asked without blocking.
 *
 * libunbound resolves, validates (DNSSEC) and caches, in a thread of its own;
 * answers come on the loop. Who is asked: the servers of the setting
 * dns_servers, else those of the system. What is signed is checked against the
 * root's key, or the one of the setting dns_trust_anchor_file; without either
 * nothing is ever `secure`.
 */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include "base/config.h"
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct dns;

enum { DNS_NAME_MAX = 256 }; /* of a domain as text, with its NUL */

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_TLSA = 52,
};

enum dns_outcome {
    DNS_FOUND,   /* there are records */
    DNS_NO_DATA, /* the name exists, but has no such record */
    DNS_NO_NAME, /* NXDOMAIN */
    DNS_FAILED,  /* nobody could say now: SERVFAIL, timeout */
    DNS_BOGUS,   /* signatures are wrong: to be treated as DNS_FAILED */
};

/* One record's data, in wire format (RFC 1035, 3.3). */
struct dns_data {
    const unsigned char *bytes;
    size_t len;
};

enum { DNS_RECORDS_MAX = 256 }; /* further ones are left out */

struct dns_answer {
    enum dns_outcome outcome;
    bool secure; /* proven by signatures; also of "no data" and "no name" */
    int ttl_seconds;
    const char *why; /* of FAILED and BOGUS; "" else */
    /* Of FOUND: the name that has the records, where the one that was asked
     * for is an alias: lower case, no final dot; "" if it is none. */
    char alias_of[DNS_NAME_MAX];
    struct dns_data records[DNS_RECORDS_MAX];
    size_t n;
};

/* The answer lives until the callback returns. */
typedef void dns_answered(void *arg, const struct dns_answer *answer);

/* err names the setting that is wrong; nothing is to be freed then. */
MUST_USE enum status dns_new(uv_loop_t *loop, const struct config *config,
                             struct dns **out, struct error *err);

/* Questions under way are forgotten, not answered. NULL is allowed. */
void dns_free(struct dns *d);

/* name: an ASCII domain (A-labels). Answered later, never from within. */
void dns_ask(struct dns *d, const char *name, enum dns_type type,
             dns_answered *answered, void *arg);

/* The domain as DNS knows it: U-labels become A-labels (IDNA2008, RFC 5891),
 * upper case lower. out has DNS_NAME_MAX bytes. STATUS_INVALID says why it
 * is none. */
MUST_USE enum status dns_ascii(const char *domain, char *out,
                               struct error *err);

/* A name in wire format, without compression, as lower-case text without the
 * final dot ("" is the root). Returns the bytes used, 0 if it is none. */
size_t dns_name_text(const unsigned char *wire, size_t len, char *out);
#endif
