/*
 * egress/source - an address that mail leaves from, as it is asked for by
 * command line or API. The table is `source`, the statements stand in
 * egress.sql. No I/O: whether it is this machine's, its workers find out.
 */
#ifndef EGRESS_SOURCE_H
#define EGRESS_SOURCE_H

#include "egress/fault.h"

enum {
    EGRESS_SOURCES_MAX = 1000, /* as many as workers read */
    EGRESS_POOL_MAX = 32,      /* of these in one pool */
    EGRESS_EHLO_MAX = 252,     /* bytes */
};

struct egress_source {
    const char *address; /* IPv4 or IPv6 */
    const char *ehlo;    /* the name said there */
    const char *pool;
    const char *warm_up; /* its first day: now, YYYY-MM-DD; NULL: it is warm */
};

/* False: *fault has the field. */
MUST_USE bool egress_source_check(const struct egress_source *source,
                                  struct egress_fault *fault);

/* An address, in the text forms of inet_pton, that can be sent from. */
bool egress_is_address(const char *text);
#endif
