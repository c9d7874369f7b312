/*
 * domain - what is known of a recipient domain: the hosts that take its mail
 * and what they must prove, or why there is no way to them. Each is as large as
 * what is known: there may be many. No I/O.
 */
#ifndef DOMAIN_H
#define DOMAIN_H

#include "base/arena.h"
#include "base/config.h"
#include "dns/mail.h"
#include "policy/policy.h"
#include "mail/outcome.h"

enum {
    DOMAIN_HOSTS_MAX = 32, /* addresses */
    DOMAIN_KEY_MAX = DNS_NAME_MAX + 40 + POLICY_KEY_MAX,
};

struct domain_host {
    const char *name;                /* the domain's; < DNS_NAME_MAX */
    struct sockaddr_storage address; /* with its port */
    socklen_t len;
    unsigned group; /* of equal preference; a lower one first */
    const struct smtp_tls_policy *tls; /* the policy's */
};

/* verdict: DELIVERED: there are hosts; else BOUNCED or DEFERRED, and why. Texts
 * are its own, never NULL. */
struct domain {
    enum verdict verdict;
    unsigned code;
    char enhanced[8];
    const char *why;
    const char *key;  /* equal for domains that share connections */
    const char *site; /* < DNS_NAME_MAX, as name */
    struct domain_host *hosts;
    size_t n_hosts;
    bool sure_hosts; /* DNSSEC or MTA-STS say that they are its own */
    const char *name;
    struct policy *policy; /* what it demands of TLS; NULL without hosts */
    struct arena memory;
};

/* Is it a value of the setting ip_preference? */
bool domain_prefers(const char *ip_preference);

/* What DNS said of it. Where there are more addresses than DOMAIN_HOSTS_MAX,
 * each host has as many as the others before any has more. */
struct domain *domain_new(const char *name, const struct config *config,
                          const struct dns_mail *mail);
void domain_free(struct domain *d); /* NULL is allowed */

/* Only hosts that its policy allows stay, each with what it must prove; if none
 * is left, mail waits. The policy is the domain's from now on. */
void domain_take_policy(struct domain *d, struct policy *policy);

/* why is copied. */
void domain_refuse(struct domain *d, enum verdict verdict, unsigned code,
                   const char *enhanced, const char *why);
#endif
