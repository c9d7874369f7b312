/*
 * inbound/address - which addresses we take mail for: return paths of ours,
 * b+NAME@DOMAIN with a right MAC, and a few names of the same domains.
 * No I/O, no allocation after _init.
 */
#ifndef INBOUND_ADDRESS_H
#define INBOUND_ADDRESS_H

#include "base/config.h"
#include "base/mailid.h"
#include <stdbool.h>

enum { INBOUND_DOMAINS_MAX = 32, INBOUND_NAMES_MAX = 32 };

struct inbound_addresses {
    char *text; /* what the others point into */
    const char *domains[INBOUND_DOMAINS_MAX], *names[INBOUND_NAMES_MAX];
    size_t n_domains, n_names;
    unsigned char secret[MAILID_SECRET_BYTES];
};

enum inbound_match {
    INBOUND_TAKEN,
    INBOUND_NO_DOMAIN, /* not a domain of ours: nothing is relayed */
    INBOUND_NO_NAME,   /* one of ours, but no such address */
};

/* STATUS_INVALID names the setting. */
MUST_USE enum status inbound_addresses_init(struct inbound_addresses *a,
                                            const struct config *config,
                                            struct error *err);
void inbound_addresses_fini(struct inbound_addresses *a);

/* address: as in RCPT TO, without angle brackets. Case makes no difference. */
enum inbound_match inbound_address_match(const struct inbound_addresses *a,
                                         const char *address);
#endif
