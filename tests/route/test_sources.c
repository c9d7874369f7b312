/* In which order a site takes the addresses of a pool; warm-up schedules. */
#include "route/sources.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SITES = 2000, ADDRESSES = 8 };

static struct source_pool pool_of(size_t n, size_t without)
{
    struct source_pool pool = {.name = "main"};

    for (size_t i = 0; i < n; i++)
        if (i != without)
            snprintf(pool.at[pool.n++].address, SOURCE_TEXT_MAX, "192.0.2.%zu",
                     i);
    return pool;
}

static const char *first(const struct source_pool *pool, const char *site)
{
    const struct source *order[SOURCES_MAX];

    assert_int_equal(source_order(pool, site, order), pool->n);
    for (size_t i = 0; i < pool->n; i++)
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(order[i], order[j]);
    return order[0]->address;
}

/* Sites are shared out evenly; one address less moves its own sites only. */
static void sites_keep_theirs(void **state)
{
    struct source_pool all = pool_of(ADDRESSES, SOURCES_MAX);
    struct source_pool less = pool_of(ADDRESSES, 3);
    size_t counts[ADDRESSES] = {0};
    char site[32];

    (void)state;
    for (int i = 0; i < SITES; i++) {
        snprintf(site, sizeof site, "mx%d.example", i);
        const char *was = first(&all, site);

        assert_string_equal(first(&all, site), was);
        counts[was[strlen(was) - 1] - '0']++;
        if (strcmp(was, "192.0.2.3") != 0)
            assert_string_equal(first(&less, site), was);
    }
    for (size_t i = 0; i < ADDRESSES; i++)
        assert_in_range(counts[i], SITES / ADDRESSES * 3 / 4,
                        SITES / ADDRESSES * 5 / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites_keep_theirs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
