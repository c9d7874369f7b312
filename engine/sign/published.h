/*
 * sign/published - the DNS records that a sending domain's mail needs, with
 * what was found of them, as the API shows them. No I/O.
 */
#ifndef SIGN_PUBLISHED_H
#define SIGN_PUBLISHED_H

#include "base/buf.h"
#include "base/config.h"
#include "dns/record.h"
#include <stdbool.h>
#include <stddef.h>

enum { PUBLISHED_MAX = 12, PUBLISHED_VALUE_MAX = 2048 };

struct published_record {
    enum record_kind kind;
    char name[DNS_NAME_MAX];
    char value[PUBLISHED_VALUE_MAX];
    bool next; /* of a key that does not sign yet */
    struct record_finding finding;
};

struct published {
    struct published_record at[PUBLISHED_MAX];
    size_t n;
};

/* The records but for the keys': SPF of the envelope's domain, the MX that
 * brings bounces back, DMARC. Further ones than PUBLISHED_MAX are left out. */
void published_init(struct published *p, const struct config *config,
                    const char *hostname, const char *domain);

/* A key's, which goes in front of those. */
void published_add_key(struct published *p, const char *domain,
                       const char *selector, const char *record, bool next);

/* What was found of the same records before, as published_write wrote it. */
void published_recall(struct published *p, const char *json, size_t len);

/* As a JSON array; and the domain's status that follows from it. Records of
 * keys that do not sign yet don't count. */
void published_write(const struct published *p, struct buf *json);
const char *published_status(const struct published *p);
#endif
