/*
 * dns/record - does the DNS say what a sending domain's mail needs? Compares
 * one record that ought to be published with what was answered. No I/O.
 *
 * What is found is foreign: it comes out as printable ASCII, bounded, with "?"
 * for anything else.
 */
#ifndef DNS_RECORD_H
#define DNS_RECORD_H

#include "base/enum.h"
#include "dns/dns.h"

enum { RECORD_TEXT_MAX = 4096, RECORD_WHY_MAX = 512, RECORD_PARTS_MAX = 64 };

#define RECORD_KIND_TABLE(X)                                                   \
    X(RECORD_DKIM, "DKIM")   /* TXT, RFC 6376 3.6.1: the same key */           \
    X(RECORD_SPF, "SPF")     /* TXT, RFC 7208: has all mechanisms wanted */    \
    X(RECORD_DMARC, "DMARC") /* TXT, RFC 7489 6.3: any valid policy */         \
    X(RECORD_MX, "MX")       /* this host among others */
ENUM_DECLARE(record_kind, RECORD_KIND_TABLE);

#define RECORD_STATE_TABLE(X)                                                  \
    X(RECORD_NOT_STARTED, "not_started")                                       \
    X(RECORD_VERIFIED, "verified")                                             \
    X(RECORD_FAILED, "failed")             /* missing or wrong */              \
    X(RECORD_UNKNOWN, "temporary_failure") /* nobody could say now */
ENUM_DECLARE(record_state, RECORD_STATE_TABLE);

struct record_finding {
    enum record_state state;
    char found[RECORD_TEXT_MAX]; /* records, each on a line; "" if none */
    char why[RECORD_WHY_MAX];    /* for people; "" if all is well */
};

/* value: what is to be published; of an MX the host, in lower case. */
void record_check(enum record_kind kind, const char *value,
                  const struct dns_answer *answer, struct record_finding *out);

/* The value of a tag of "name=value; ..." (RFC 6376, 3.2) without white space
 * into out (max bytes, cut); false: there is none. */
bool record_tag(const char *text, const char *name, char *out, size_t max);
#endif
