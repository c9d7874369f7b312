#include "pool/hosts.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct pool_host at(const char *address, unsigned group)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct pool_host h = {.group = group, .weight = 1};

    if (inet_pton(AF_INET, address, &in.sin_addr) == 1) {
        memcpy(&h.address, &in, sizeof in);
        h.address_len = sizeof in;
    } else if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1) {
        memcpy(&h.address, &in6, sizeof in6);
        h.address_len = sizeof in6;
    }
    return h;
}

static void fail_until(struct hosts *h, const char *address, int64_t ms,
                       bool unfit)
{
    const struct pool_host which = at(address, 0);
    struct host *host = hosts_find(h, &which);

    assert_non_null(host);
    host->failures++;
    host->down_until_ms = ms;
    host->unfit = unfit;
}

/* The best that is up; what is known of a host outlives a new list. */
static void the_best_that_is_up(void **state)
{
    struct pool_host list[] = {at("127.0.0.1", 0), at("127.0.0.2", 1),
                               at("::1", 1)};
    struct hosts h = {0};

    (void)state;
    assert_null(hosts_choose(&h, 0));
    assert_false(hosts_are_failing(&h) || hosts_are_down(&h, 0));
    hosts_set(&h, list, 3);
    h.family = AF_INET;
    assert_int_equal(hosts_reachable(&h), 2);
    assert_true(hosts_reach(&h, AF_INET6));
    assert_ptr_equal(hosts_choose(&h, 0), &h.all[0]);
    fail_until(&h, "127.0.0.1", 100, false);
    hosts_set(&h, list, 3);
    assert_ptr_equal(hosts_choose(&h, 99), &h.all[1]);
    assert_ptr_equal(hosts_choose(&h, 100), &h.all[0]);
    assert_false(hosts_are_failing(&h));
    fail_until(&h, "127.0.0.2", 200, false);
    assert_null(hosts_choose(&h, 99)); /* the third can't be reached */
    assert_true(hosts_are_failing(&h) && hosts_are_down(&h, 99));
    assert_false(hosts_are_down(&h, 100));
    assert_int_equal(hosts_up_again_ms(&h), 100);
    assert_int_equal(hosts_failures(&h), 1);
    h.family = AF_UNSPEC;
    assert_ptr_equal(hosts_choose(&h, 99), &h.all[2]);
}

/* As long as one may be fit, it is waited for. */
static void unfit_are_they_only_together(void **state)
{
    struct pool_host list[] = {at("127.0.0.1", 0), at("127.0.0.2", 1)};
    struct hosts h = {0};

    (void)state;
    hosts_set(&h, list, 2);
    assert_false(hosts_are_unfit(&h));
    fail_until(&h, "127.0.0.1", 100, true);
    assert_false(hosts_are_unfit(&h));
    fail_until(&h, "127.0.0.2", 100, false);
    assert_false(hosts_are_unfit(&h));
    fail_until(&h, "127.0.0.2", 100, true);
    assert_true(hosts_are_unfit(&h));
    fail_until(&h, "127.0.0.1", 100, false);
    assert_false(hosts_are_unfit(&h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_that_is_up),
        cmocka_unit_test(unfit_are_they_only_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
