/*
 * route/sources - the local addresses that mail may leave from, by pools: each
 * address with the name that it says in EHLO, as the store has them. Pools
 * stay, so that they can be referred to; what is in them changes.
 */
#ifndef ROUTE_SOURCES_H
#define ROUTE_SOURCES_H

#include "base/map.h"
#include <netinet/in.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    SOURCES_MAX = 32, /* of a pool */
    SOURCE_TEXT_MAX = INET6_ADDRSTRLEN,
    SOURCE_EHLO_MAX = 256,
    SOURCE_POOL_MAX = 64,
};

struct source {
    char address[SOURCE_TEXT_MAX]; /* as limits and others' blame name it */
    char ehlo[SOURCE_EHLO_MAX];
    struct sockaddr_storage at; /* port 0 */
    socklen_t at_len;
    int warm_day; /* of its warm-up: 1, 2, ...; 0: it is warm */
};

struct source_pool {
    char name[SOURCE_POOL_MAX];
    struct source at[SOURCES_MAX];
    size_t n;
};

struct sources {
    struct map pools; /* {0} is empty */
    uint64_t digest;  /* of what was read last */
};
void sources_fini(struct sources *s);

/* Made at first use; it stays. "": NULL. */
struct source_pool *sources_pool(struct sources *s, const char *name);

/* Rows of route_sources. What can't be bound to here is logged and left out.
 * True: something is other than before. */
bool sources_take(struct sources *s, const PGresult *rows);

/* All of a pool in the order in which a site takes them: the same on every
 * worker, and for another site another one (rendezvous hashing), so that an
 * address that comes or goes changes the order of no others. Into order, whose
 * n items are returned. */
size_t source_order(const struct source_pool *pool, const char *site,
                    const struct source *order[SOURCES_MAX]);
#endif
