#include "route/sources.h"
#include "base/log.h"
#include "base/memory.h"
#include "egress/here.h"
#include "loop/pg.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum column { COLUMN_POOL, COLUMN_ADDRESS, COLUMN_EHLO, COLUMN_WARM_DAY };

void sources_fini(struct sources *s)
{
    size_t at = 0;

    for (struct source_pool *p; (p = map_next(&s->pools, &at));)
        free(p);
    map_fini(&s->pools);
}

struct source_pool *sources_pool(struct sources *s, const char *name)
{
    struct source_pool *p = *name ? map_get(&s->pools, name) : NULL;

    if (p || !*name)
        return p;
    p = memory_new(1, sizeof *p);
    snprintf(p->name, sizeof p->name, "%s", name);
    map_put(&s->pools, name, p);
    return p;
}

/* An address of another machine is of no use here. */
static bool is_ours(const struct source *source)
{
    int error = egress_here(&source->at, source->at_len);

    if (error)
        log_event(LOG_ERROR, "source_unusable", "address=%s why=\"%s\"",
                  source->address, strerror(error));
    return error == 0;
}

static void take_row(struct sources *s, const PGresult *rows, int row)
{
    struct source_pool *p = sources_pool(s, PQgetvalue(rows, row, COLUMN_POOL));
    struct source source = {0};

    if (!p || p->n == SOURCES_MAX ||
        !egress_address(PQgetvalue(rows, row, COLUMN_ADDRESS), &source.at,
                        &source.at_len))
        return;
    snprintf(source.address, sizeof source.address, "%s",
             PQgetvalue(rows, row, COLUMN_ADDRESS));
    if (!is_ours(&source))
        return;
    snprintf(source.ehlo, sizeof source.ehlo, "%s",
             PQgetvalue(rows, row, COLUMN_EHLO));
    source.warm_day = pg_int(rows, row, COLUMN_WARM_DAY);
    p->at[p->n++] = source;
}

static uint64_t digest_of(const PGresult *rows)
{
    uint64_t digest = 1;

    for (int row = 0; row < PQntuples(rows); row++)
        for (int c = 0; c < PQnfields(rows); c++)
            digest = XXH3_64bits_withSeed(PQgetvalue(rows, row, c),
                                          (size_t)PQgetlength(rows, row, c) + 1,
                                          digest);
    return digest;
}

bool sources_take(struct sources *s, const PGresult *rows)
{
    uint64_t digest = digest_of(rows);
    size_t at = 0;

    if (digest == s->digest)
        return false;
    s->digest = digest;
    for (struct source_pool *p; (p = map_next(&s->pools, &at));)
        p->n = 0;
    for (int row = 0; row < PQntuples(rows); row++)
        take_row(s, rows, row);
    return true;
}

static uint64_t weight(const struct source *source, const char *site)
{
    return XXH3_64bits_withSeed(source->address, strlen(source->address),
                                XXH3_64bits(site, strlen(site)));
}

size_t source_order(const struct source_pool *pool, const char *site,
                    const struct source *order[SOURCES_MAX])
{
    for (size_t i = 0; i < pool->n; i++) {
        size_t at = i;

        for (;
             at > 0 && weight(order[at - 1], site) < weight(&pool->at[i], site);
             at--)
            order[at] = order[at - 1];
        order[at] = &pool->at[i];
    }
    return pool->n;
}
