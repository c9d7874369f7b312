/*
 * policy/policy - what a recipient domain demands of TLS, host by host, before
 * domains are merged by the hosts that they share.
 *
 * A rule of the operator's for the domain, else the setting tls_policy, says
 * the least. "none" and "opportunistic" as a rule are the last word; else DANE
 * (RFC 7672) and, where a host has no TLSA records, MTA-STS (RFC 8461) may ask
 * for more: a failing DANE is never made up for by MTA-STS.
 *
 * A MTA-STS policy once fetched holds until its max_age is over, whatever DNS
 * and its web server say meanwhile; a newer one that can be fetched replaces
 * it.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/arena.h"
#include "base/config.h"
#include "dns/mail.h"
#include "smtp/tls.h"
#include <uv.h>

struct policies;

enum {
    POLICY_KEY_MAX = 24,
    POLICY_TEXT_MAX = DNS_NAME_MAX + 96,
    POLICY_STS_FRESH_SECONDS = 86400, /* then it is fetched again, aside */
    POLICY_NAMES_MAX = 2,
    POLICY_MISNAMED_MAX = 4096, /* hosts that are known to be so */
};

/* For reports: RFC 8460, 4.2. */
#define POLICY_TYPE_TABLE(X)                                                   \
    X(POLICY_NONE_FOUND, "no-policy-found")                                    \
    X(POLICY_TLSA, "tlsa")                                                     \
    X(POLICY_STS, "sts")
ENUM_DECLARE(policy_type, POLICY_TYPE_TABLE);

struct policy_host {
    char name[DNS_NAME_MAX];
    bool usable;                /* mail may be given to it at all */
    const char *tlsa_base;      /* the name that its TLSA records are of */
    struct smtp_tls_policy tls; /* texts and TLSA: the policy's */
};

struct policy {
    unsigned users;
    bool usable; /* one host at least; else why, and mail has to wait */
    char why[POLICY_TEXT_MAX];
    /* "" where all hosts have opportunistic TLS; equal for domains with the
     * same hosts that demand the same. */
    char key[POLICY_KEY_MAX];
    struct policy_host *hosts; /* as dns_mail had them; on the heap */
    size_t n_hosts;
    enum policy_type type;
    /* What the domain is called, and what it is an alias of. */
    const char *names[POLICY_NAMES_MAX];
    size_t n_names;
    bool sure_hosts; /* MTA-STS, testing or not, names all hosts */
    bool testing;    /* MTA-STS, mode testing: failures are only counted */
    bool reported;   /* the domain wants reports */
    char *json;      /* the policy as reports have it */
    struct arena memory;
};

/* Shared by those who keep it. */
struct policy *policy_keep(struct policy *p);
void policy_drop(struct policy *p); /* NULL is allowed */

/* NULL: there is no such host. */
const struct policy_host *policy_host(const struct policy *p, const char *name);

/* Does any host have to speak TLS (NULL: none has to)? */
bool policy_demands_tls(const struct policy *p);

/* config and dns must live; conninfo is copied. err names the setting. */
MUST_USE enum status policies_new(uv_loop_t *loop, const struct config *config,
                                  const char *conninfo, struct dns *dns,
                                  struct policies **out, struct error *err);

/* After dns_free. NULL is allowed. */
void policies_free(struct policies *p);

/* Were the operator's rules read? Until then too little may be asked. */
bool policies_are_known(const struct policies *p);

/* Which ones: another number, other rules. What was found by those of another
 * round is to be asked for again. */
int64_t policies_round(const struct policies *p);

/* The policy is the callback's, which drops it. */
typedef void policy_found(void *arg, struct policy *policy);

/* domain: as dns_ascii gives it; mail: DNS_MAIL_HOSTS, only looked at before
 * this returns. found may be called from within. spared: what the domain itself
 * demands is not asked for (RFC 8689, 5), only what the operator does; and
 * nothing is reported to it. */
void policy_find(struct policies *p, const char *domain, bool spared,
                 const struct dns_mail *mail, policy_found *found, void *arg);

/* The certificate of a host of that policy (which may be NULL) has another name
 * than was asked for: where DANE-TA trusts it, the domain's will do from now on
 * (RFC 7672, 3.2.2). */
void policies_misnamed(struct policies *p, const struct policy *policy,
                       const char *host);

/* Was that found out of a host of the policy after it was made? */
bool policy_is_stale(const struct policies *p, const struct policy *policy);

/* A connection to a host is made, or its TLS failed; for the domain's reports.
 * Addresses may have a port. */
void policy_count(struct policies *p, const char *domain,
                  const struct policy *policy, const char *host,
                  const char *source, const char *peer,
                  const struct smtp_tls_facts *facts);
#endif
