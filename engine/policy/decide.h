/*
 * policy/decide - from what was found out about a domain's hosts to what a
 * connection to each must prove. No I/O.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "policy/policy.h"
#include "policy/store.h"
#include "policy/tlsa.h"

/* What DNS said of a host's TLSA records. */
enum policy_dane {
    DANE_NONE,     /* not signed, or none: it says nothing */
    DANE_USABLE,   /* tls.tlsa of the host */
    DANE_UNUSABLE, /* there are some, which we can't use: RFC 7672, 2.2 */
    DANE_BROKEN,   /* not to be known now, or falsely signed */
};

struct policy_facts {
    enum smtp_tls least; /* what the operator demands */
    enum policy_dane dane[MX_MAX];
    bool misnamed[MX_MAX];      /* its certificate has none of its own names */
    const struct sts_kept *sts; /* NULL: none */
};

/* Is it trusted by DANE-TA, at least among others? */
bool policy_trusts_anchors(const struct smtp_tls_policy *tls);

/* Fills in hosts' tls and usable, and all that follows from them; the domain's
 * and the hosts' names, and their TLSA records with the name that these are of,
 * are there. */
void policy_decide(struct policy *p, const char *domain,
                   const struct policy_facts *facts);
#endif
