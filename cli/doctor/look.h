/*
 * cli/doctor/look - the addresses of a name and the names of an address, as
 * `presort doctor` asks for them.
 */
#ifndef CLI_DOCTOR_LOOK_H
#define CLI_DOCTOR_LOOK_H

#include "cli/doctor/say.h"
#include <sys/socket.h>

enum { LOOK_ADDRESSES_MAX = 16, LOOK_NAMES_MAX = 8, LOOK_WHY_MAX = 256 };

/* Addresses of a name, or names of an address; further ones are left out. */
struct found {
    struct sockaddr_storage addresses[LOOK_ADDRESSES_MAX];
    size_t n;
    char names[LOOK_NAMES_MAX][DNS_NAME_MAX];
    size_t n_names;
    bool unsure; /* nobody could say; why */
    char why[LOOK_WHY_MAX];
};

/* Both add to *f. */
void look_up_addresses(struct doctor *d, const char *name, struct found *f);
void look_up_names(struct doctor *d, const char *reverse, struct found *f);

/* Is the address among them? */
bool found_has(const struct found *f, const struct sockaddr_storage *address);

/* The bytes of an IPv4 or IPv6 address, and its text (INET6_ADDRSTRLEN);
 * returns out. */
const void *address_bytes(const struct sockaddr_storage *address);
const char *address_text(const struct sockaddr_storage *address, char *out);

/* Are the first bits of both the same? False for two families. */
bool same_network(const struct sockaddr_storage *a,
                  const struct sockaddr_storage *b, unsigned bits);
#endif
