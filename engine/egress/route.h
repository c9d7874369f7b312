/*
 * egress/route - a route as it is asked for, by command line or API: which
 * mail, and how it leaves. The table is `route`, the statements stand in
 * egress.sql. No I/O: whether the relays, pools and projects that it names are
 * there, egress_route_fault asks.
 */
#ifndef EGRESS_ROUTE_H
#define EGRESS_ROUTE_H

#include "egress/fault.h"
#include "mail/domain.h"
#include <stdint.h>

enum {
    EGRESS_ROUTES_MAX = 1000, /* as many as workers read */
    EGRESS_PLACE_STANDARD = 100,
    EGRESS_PLACE_MOST = 1000 * 1000 * 1000,
    EGRESS_PATTERN_MAX = DOMAIN_MAX + 2,
    EGRESS_PROJECT_MAX = 100,
};

struct egress_route {
    int64_t place;         /* lower ones are looked at first */
    const char *project;   /* by name; NULL: any */
    const char *class;     /* transactional, campaign; NULL: any */
    const char *from, *to; /* domain, or *.domain for all below; NULL: any */
    const char *via;       /* direct, sandbox, or a relay's name */
    const char *fallback;  /* beside direct: a relay's name, or NULL */
    const char *pool;      /* of source addresses, or NULL */
    char sender[EGRESS_PATTERN_MAX], recipient[EGRESS_PATTERN_MAX];
};

/* from and to then point at sender and recipient, where they stand as DNS
 * knows them. False: *fault has the field, one of the members above these. */
MUST_USE bool egress_route_check(struct egress_route *route,
                                 struct egress_fault *fault);

/* The same text as one of egress.sql's class columns: is it a class? */
bool egress_is_class(const char *text);

/* A place as the command line has it. */
MUST_USE bool egress_place_parse(const char *text, int64_t *place,
                                 struct egress_fault *fault);
#endif
