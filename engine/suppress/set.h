/*
 * suppress/set - whom the projects send nothing to, compactly: 16 bytes an
 * address, and at most three quarters of the places are taken. So 1 million
 * addresses need 32 MB, 10 million 256 MB.
 *
 * What is kept is a 64-bit hash of project and address, keyed by a secret of
 * the process, so that nobody can make two addresses meet. That two of 10
 * million meet a third by chance is a matter of one in 10^12 per mail. No I/O;
 * the clock is an argument.
 */
#ifndef SUPPRESS_SET_H
#define SUPPRESS_SET_H

#include "mail/suppression.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SET_SECRET_BYTES = 192 };

/* Until when an address is not written to: 0 if it may be. */
struct set_state {
    int64_t until_us; /* nothing at all; INT64_MAX: for ever */
    enum suppression reason;
    int64_t unsubscribed_until_us; /* nothing that it may unsubscribe from */
};

struct set_slot;

struct set {
    struct set_slot *slots; /* {0} is empty but for the secret */
    size_t n, cap;
    bool wide; /* an address beyond ASCII was put in */
    unsigned char secret[SET_SECRET_BYTES];
};

/* Draws the secret. */
void set_init(struct set *s);
void set_fini(struct set *s);

/* Replaces what is known of the address in this spelling: with the domain's
 * U-labels (RFC 5890) or without, in any case of letters. */
void set_put(struct set *s, int64_t project, const char *address, size_t len,
             const struct set_state *state);

/* Is it on the list now, in whatever spelling of its domain? campaign: the mail
 * is one that may be unsubscribed from. No allocation. */
bool set_has(const struct set *s, int64_t project, const char *address,
             size_t len, bool campaign, int64_t now_us,
             enum suppression *reason);
#endif
