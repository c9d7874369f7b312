/*
 * domains - where mail for a domain goes directly: asked of DNS once for all
 * parcels that want to know, and kept for a while.
 *
 * Part of the pipeline, beside dests, which it tells; parcels wait here while
 * their domain is being looked up.
 */
#ifndef DOMAINS_H
#define DOMAINS_H

#include "base/config.h"
#include "dns/mail.h"
#include "policy/policy.h"
#include "queue/batch.h"

struct domains;

enum {
    DOMAIN_HOSTS_MAX = 32, /* addresses */
    DOMAIN_KEY_MAX = DNS_NAME_MAX + 40 + POLICY_KEY_MAX,
};

struct domain_host {
    char name[DNS_NAME_MAX];
    struct sockaddr_storage address; /* with its port */
    socklen_t len;
    unsigned group; /* of equal preference; a lower one first */
    const struct smtp_tls_policy *tls; /* the policy's */
};

/* What is known of a domain. verdict: DELIVERED: there are hosts; else BOUNCED
 * or DEFERRED, and why. */
struct domain {
    enum verdict verdict;
    unsigned code;
    char enhanced[8];
    char why[DNS_MAIL_WHY_MAX];
    char key[DOMAIN_KEY_MAX]; /* equal for domains that share connections */
    char site[DNS_NAME_MAX];
    struct domain_host hosts[DOMAIN_HOSTS_MAX];
    size_t n_hosts;
    bool sure_hosts; /* DNSSEC or MTA-STS say that they are its own */
    char name[DNS_NAME_MAX];
    struct policy *policy; /* what it demands of TLS; NULL without hosts */
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

/* Take a campaign's parcels out, or with NULL all; or those whose batch
 * is gone (batch_is_gone): nobody is told of them any more. */
void domains_take(struct domains *d, const unsigned char *campaign);
void domains_take_gone(struct domains *d);
#endif
