#include "route/sources.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/pg.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { WARMUP_MOST = 1000000000 };

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

static bool parse(const char *text, struct source *out)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(&out->at, &in, sizeof in);
        out->at_len = sizeof in;
    } else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
        memcpy(&out->at, &in6, sizeof in6);
        out->at_len = sizeof in6;
    } else {
        return false;
    }
    snprintf(out->address, sizeof out->address, "%s", text);
    return true;
}

/* An address of another machine is of no use here. */
static bool is_ours(const struct source *source)
{
    const void *any = &source->at;
    int fd = socket(source->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd >= 0 && bind(fd, any, source->at_len) == 0;

    if (!bound)
        log_event(LOG_ERROR, "source_unusable", "address=%s why=\"%s\"",
                  source->address, strerror(errno));
    if (fd >= 0)
        close(fd);
    return bound;
}

static void take_row(struct sources *s, const PGresult *rows, int row)
{
    struct source_pool *p = sources_pool(s, PQgetvalue(rows, row, COLUMN_POOL));
    struct source source = {0};

    if (!p || p->n == SOURCES_MAX ||
        !parse(PQgetvalue(rows, row, COLUMN_ADDRESS), &source) ||
        !is_ours(&source))
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

unsigned sources_most(const struct sources *s)
{
    size_t at = 0, most = 0;

    for (struct source_pool *p; (p = map_next(&s->pools, &at));)
        most = p->n > most ? p->n : most;
    return (unsigned)most;
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

bool warmup_is_valid(const char *schedule)
{
    for (const char *at = schedule;; at++) {
        char *end;
        long n = strtol(at, &end, 10);

        if (end == at || *at < '0' || *at > '9' || n < 1 || n > WARMUP_MOST)
            return false;
        if (*end == 0)
            return true;
        if (*end != ',')
            return false;
        at = end;
    }
}

int64_t warmup_per_day(const char *schedule, int day)
{
    const char *at = schedule;

    if (day < 1 || !warmup_is_valid(schedule))
        return 0;
    for (int i = 1; i < day; i++) {
        at = strchr(at, ',');
        if (!at)
            return 0;
        at++;
    }
    return strtol(at, NULL, 10);
}
