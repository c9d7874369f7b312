/*
 * policy/sts - MTA-STS (RFC 8461): the record that says a domain has a policy,
 * and the policy that its web server gives. No I/O, no memory of its own.
 */
#ifndef POLICY_STS_H
#define POLICY_STS_H

#include "base/enum.h"
#include "base/status.h"
#include "dns/dns.h"
#include <stdint.h>

enum {
    STS_ID_MAX = 33,          /* with its NUL: RFC 8461, 3.1 */
    STS_BODY_MAX = 64 * 1024, /* bytes of a policy that are read: 3.3 */
    STS_MX_MAX = 64,          /* patterns of a policy */
    STS_MX_TEXT_MAX = 4096,   /* all of them, with line ends and NUL */
    STS_AGE_MOST = 31557600,  /* seconds, a year: 3.2 */
};

#define STS_MODE_TABLE(X)                                                      \
    X(STS_NONE, "none")                                                        \
    X(STS_TESTING, "testing")                                                  \
    X(STS_ENFORCE, "enforce")
ENUM_DECLARE(sts_mode, STS_MODE_TABLE);

struct sts {
    enum sts_mode mode;
    int64_t max_age_seconds;
    char mx[STS_MX_TEXT_MAX]; /* lower case, one a line: "a.example\n*.b\n" */
};

/* The id of the one record of an answer for _mta-sts.DOMAIN that makes sense;
 * false: the domain has no policy. */
bool sts_id(const struct dns_answer *answer, char id[STS_ID_MAX]);

/* A policy as its web server gives it: 3.2. err names the line or the field;
 * text may hold any bytes. */
MUST_USE enum status sts_parse(const char *text, size_t len, struct sts *out,
                               struct error *err);

/* Is the host, in lower case, among the lines of mx? "*." stands for exactly
 * one label (4.1). */
bool sts_allows(const char *mx, const char *host);

bool sts_mode_parse(const char *text, enum sts_mode *mode);
#endif
