/*
 * queue/presort - a slice of a campaign's audience, sorted by destination and
 * cut into batches.
 *
 * Takes recipients one by one until it is full; folds those whose addresses
 * are the same but for the case of ASCII letters (the first one counts); then
 * groups what is left by site and cuts batches of at most so many mails. The
 * batches come out round-robin over the sites, so that sending them in order
 * starts on all sites at once. A domain that no site is known for is a site of
 * its own where the slice has PRESORT_OWN_SITE or more recipients of it; the
 * rest is the site "other", sorted by domain.
 *
 * Owns copies of all that it is given. Its memory is bounded by slice_mails
 * and PRESORT_BYTES_MAX. No I/O: see queue/intake.
 *
 * Use in this order: add ..., fold, drop, domains and sites, cut, mails;
 * reset.
 */
#ifndef QUEUE_PRESORT_H
#define QUEUE_PRESORT_H

#include "base/mailid.h"
#include "queue/copy.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PRESORT_BYTES_MAX = 32 * 1024 * 1024, /* of addresses and variables */
    PRESORT_OWN_SITE = 50,                /* recipients */
};
#define PRESORT_SITE_OTHER "other"

struct presort;

/* secret: of the installation; keys the hashes, so that nobody outside can
 * make two addresses fold into one. */
struct presort *presort_new(const unsigned char secret[MAILID_SECRET_BYTES],
                            size_t slice_mails, size_t batch_mails_max);
void presort_free(struct presort *p);
void presort_reset(struct presort *p);

size_t presort_count(const struct presort *p);

/* A slice that is full wants to be written before the next recipient. */
bool presort_full(const struct presort *p);

/* address: a valid addr-spec shorter than ADDRESS_MAX. variables: a JSON
 * object as text, or NULL. */
void presort_add(struct presort *p, const char *address, size_t address_len,
                 const char *variables, size_t variables_len);

/* Forgets duplicates within the slice and returns the keyed 128-bit hashes of
 * what is left, in ascending order, *n of them; valid until drop or reset. */
const struct copy_uuid *presort_fold(struct presort *p, size_t *n);

/* Forgets the recipients with these keys (any order). Those that aren't in the
 * slice are ignored. Returns how many were forgotten. */
size_t presort_drop(struct presort *p, const struct copy_uuid *keys, size_t n);

/* The keys of what is left, as from fold. */
const struct copy_uuid *presort_keys(const struct presort *p, size_t *n);

/* The distinct domains, lower case, of what is left: their number; each name;
 * and where a domain's site is known, what it is (copied). */
size_t presort_domains(struct presort *p);
const char *presort_domain(const struct presort *p, size_t i);
void presort_site(struct presort *p, const char *domain, const char *site);

struct presort_batch {
    const char *site; /* in the slice's memory */
    size_t first;     /* mails first .. first + size - 1 */
    size_t size;
};

/* In the order of sending; *n of them; valid until reset. */
const struct presort_batch *presort_cut(struct presort *p, size_t *n);

struct presort_mail {
    const char *address, *variables; /* variables: NULL for none */
    size_t address_len, variables_len;
};

/* The mail at a place in the sorted order that batches count by. */
struct presort_mail presort_mail(const struct presort *p, size_t at);
#endif
