/*
 * dns/align - does a domain count as the sender's own for DMARC (RFC 7489,
 * 3.1)? No I/O.
 *
 * The list of public suffixes is not known here: of two domains that only
 * share a parent, it depends on whether that is one ("co.uk").
 */
#ifndef DNS_ALIGN_H
#define DNS_ALIGN_H

#include "base/enum.h"
#include <stdbool.h>

#define ALIGNED_TABLE(X)                                                       \
    X(ALIGNED_NO, "not aligned")                                               \
    X(ALIGNED_MAYBE, "aligned if they have the same owner")                    \
    X(ALIGNED_YES, "aligned")
ENUM_DECLARE(aligned, ALIGNED_TABLE);

/* strict: adkim=s or aspf=s, the same domain only. Names in lower case. */
enum aligned domains_aligned(const char *from, const char *other, bool strict);
#endif
