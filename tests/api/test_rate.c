#include "api/rate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000)

static void test_a_full_bucket(void **state)
{
    struct rate r = {0};
    struct rate_answer a;

    (void)state;
    for (int64_t i = 0; i < 10; i++) {
        a = rate_take(&r, 10, 5 * SECOND);
        assert_true(a.allowed);
        assert_int_equal(a.limit, 10);
        assert_int_equal(a.remaining, 9 - i);
        assert_int_equal(a.retry_seconds, 0);
        assert_int_equal(a.reset_seconds, 1);
    }
    a = rate_take(&r, 10, 5 * SECOND);
    assert_false(a.allowed);
    assert_int_equal(a.remaining, 0);
    assert_int_equal(a.retry_seconds, 1);
}

/* A refusal costs nothing, and nothing is lost to rounding: 3 a second are 3
 * a second however often one asks. */
static void test_refill(void **state)
{
    struct rate r = {0};
    int allowed = 0;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(rate_take(&r, 3, SECOND).allowed);
    for (int64_t us = 1; us <= 10 * SECOND; us += 7)
        allowed += rate_take(&r, 3, SECOND + us).allowed;
    assert_int_equal(allowed, 30 - 1); /* the last is due after the end */
    assert_true(rate_take(&r, 3, 11 * SECOND).allowed);
}

static void test_never_more_than_a_second(void **state)
{
    struct rate r = {0};
    int allowed = 0;

    (void)state;
    assert_true(rate_take(&r, 10000000, 1).allowed);
    for (int i = 0; i < 20; i++)
        allowed += rate_take(&r, 5, INT64_C(1) << 60).allowed;
    assert_int_equal(allowed, 5);
}

static void test_a_lowered_limit(void **state)
{
    struct rate r = {0};

    (void)state;
    assert_true(rate_take(&r, 1000, SECOND).allowed);
    assert_int_equal(rate_take(&r, 2, SECOND).remaining, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_bucket),
        cmocka_unit_test(test_refill),
        cmocka_unit_test(test_never_more_than_a_second),
        cmocka_unit_test(test_a_lowered_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
