/*
 * dns/mx - the hosts that take a domain's mail: what MX records say, put in
 * order (RFC 5321, 5.1; null MX: RFC 7505). No I/O.
 */
#ifndef DNS_MX_H
#define DNS_MX_H

#include "dns/dns.h"
#include <stdbool.h>
#include <stdint.h>

enum { MX_MAX = 16 }; /* whose addresses are asked for at once */

struct mx {
    char name[DNS_NAME_MAX]; /* lower case, no final dot */
    unsigned preference;
};

enum mx_outcome {
    MX_HOSTS,
    MX_NULL,  /* the domain takes no mail */
    MX_LOOPS, /* we are the best host ourselves */
    MX_BROKEN /* records, but none that makes sense */
};

/* Is it our own name? Names are compared as DNS does, whatever their case and
 * a final dot of own. */
bool mx_is_own(const char *name, const char *own);

/* The records of an answer into out (DNS_RECORDS_MAX), n of them: by
 * preference, equal ones in an order that depends on their names alone, each
 * name once. Hosts that are no better than own, our own name, are left out. */
enum mx_outcome mx_sort(const struct dns_data *records, size_t n_records,
                        const char *own, struct mx *out, size_t *n);

/* Equal ones that are sorted come into an order that random decides (0 .. n - 1
 * for a given n). */
void mx_shuffle(struct mx *list, size_t n, uint32_t (*random)(uint32_t n));

/* The name of the site that these hosts make: the same for all domains that
 * have the same best hosts. The best host's name, or the first of several in
 * alphabetical order. out has DNS_NAME_MAX bytes. */
void mx_site(const struct mx *hosts, size_t n, char *out);
#endif
