#include "cli/up/backoff.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void doubles_up_to_the_most(void **state)
{
    static const int64_t wanted[] = {100,  200,  400,   800,   1600,
                                     3200, 6400, 10000, 10000, 10000};
    int64_t wait = 0;

    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        wait = backoff_next(wait, 5);
        assert_int_equal(wait, wanted[i]);
    }
}

static void forgets_after_a_good_while(void **state)
{
    (void)state;
    assert_int_equal(backoff_next(6400, 30000), 100);
    assert_int_equal(backoff_next(6400, 29999), 10000);
    assert_int_equal(backoff_next(0, 29999), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_up_to_the_most),
        cmocka_unit_test(forgets_after_a_good_while),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
