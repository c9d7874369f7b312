#include "settle/retry.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct config config_of(int64_t first, int64_t most, int64_t jitter)
{
    return (struct config){.retry_first_seconds = first,
                           .retry_most_seconds = most,
                           .retry_jitter_percent = jitter};
}

static void doubles_up_to_the_longest(void **state)
{
    const struct config c = config_of(300, 3600, 0);
    static const int64_t seconds[] = {300, 600, 1200, 2400, 3600, 3600};

    (void)state;
    for (int i = 0; i < 6; i++)
        assert_true(retry_wait_ms(&c, false, i + 1, 12345) ==
                    seconds[i] * 1000);
    assert_true(retry_wait_ms(&c, false, 30000, 0) == 3600 * 1000);
    const struct config flat = config_of(300, 10, 0);

    assert_true(retry_wait_ms(&flat, false, 1, 0) == 10 * 1000);
}

/* A fifth of it, half before and half behind. */
static void leaves_a_share_to_chance(void **state)
{
    const struct config c = config_of(100, 3600, 20);
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    for (uint32_t random = 0; random < 5000; random++) {
        int64_t ms = retry_wait_ms(&c, false, 1, random);

        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    assert_true(least == 90000 && most == 110000);
    assert_in_range(retry_wait_ms(&c, false, 1, UINT32_MAX), 90000, 110000);
}

static void is_never_at_once(void **state)
{
    const struct config zero = config_of(0, 0, 100), one = config_of(1, 1, 100);

    (void)state;
    assert_true(retry_wait_ms(&zero, false, 1, 0) == 500);
    assert_true(retry_wait_ms(&one, false, 1, 0) == 500);
}

/* The largest values that the settings take. */
static void does_not_overflow(void **state)
{
    const struct config c = config_of(366LL * 86400, 366LL * 86400, 100);

    (void)state;
    for (int tries = 1; tries < 200; tries++)
        assert_true(retry_wait_ms(&c, false, tries, UINT32_MAX) > 0);
}

static void somebody_waits_for_transactional_mail(void **state)
{
    struct config c = config_of(300, 3600, 0);
    static const int64_t seconds[] = {60, 120, 240, 480, 900, 900};

    (void)state;
    c.transactional_retry_first_seconds = 60;
    c.transactional_retry_most_seconds = 900;
    for (int i = 0; i < 6; i++)
        assert_true(retry_wait_ms(&c, true, i + 1, 1) == seconds[i] * 1000);
    c.retry_first_seconds = 1;
    c.retry_most_seconds = 5;
    assert_true(retry_wait_ms(&c, true, 1, 1) == 1000);
    assert_true(retry_wait_ms(&c, true, 9, 1) == 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_up_to_the_longest),
        cmocka_unit_test(leaves_a_share_to_chance),
        cmocka_unit_test(is_never_at_once),
        cmocka_unit_test(does_not_overflow),
        cmocka_unit_test(somebody_waits_for_transactional_mail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
