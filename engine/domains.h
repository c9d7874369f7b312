/*
 * domains - where mail for a domain goes directly: asked of DNS once for all
 * parcels that want to know, and kept for a while.
 *
 * DOMAINS_MAX are kept, those that were used last; beyond them only what mail
 * waits for. DOMAINS_ASKED_MAX are looked up at once, where transactional mail
 * does not wait behind a campaign's.
 *
 * Part of the pipeline, beside dests, which it tells; parcels wait here while
 * their domain is being looked up.
 */
#ifndef DOMAINS_H
#define DOMAINS_H

#include "base/config.h"
#include "domain.h"
#include "queue/batch.h"

struct domains;

enum {
    DOMAINS_MAX = 10000,
    DOMAINS_ASKED_MAX = 500,
    DOMAINS_RESERVED = 50, /* of these, for transactional mail */
};

/* A domain's site was learned. */
typedef void domains_learned(void *owner, const char *domain, const char *site);

typedef void domains_found(void *owner, struct parcel *p,
                           const struct domain *domain);

/* found is called for each parcel that had to wait. own_name: ours. */
MUST_USE enum status domains_new(uv_loop_t *loop, const struct config *config,
                                 const char *conninfo, const char *own_name,
                                 domains_found *found, domains_learned *learned,
                                 void *owner, struct domains **out,
                                 struct error *err);
void domains_free(struct domains *d);

/* Theirs, to count what came of policies. */
struct policies *domains_policies(struct domains *d);

/* What is known of the domain of an address, as it is written there; until the
 * next call. spare_tls: for mail to which it does not matter what the domain
 * demands of TLS. NULL: the parcel waits for the answer, and `found` tells. */
const struct domain *domains_find(struct domains *d, const char *domain,
                                  bool spare_tls, struct parcel *p);

/* How many are kept, or are being looked up. */
size_t domains_known(const struct domains *d);

/* Take a campaign's parcels out, or with NULL all; or those whose batch
 * is gone (batch_is_gone): nobody is told of them any more. */
void domains_take(struct domains *d, const unsigned char *campaign);
void domains_take_gone(struct domains *d);
#endif
