#include "cli/campaign/progress.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void numbers(void **state)
{
    char out[32];

    (void)state;
    assert_string_equal(progress_number(0, out), "0");
    assert_string_equal(progress_number(999, out), "999");
    assert_string_equal(progress_number(1000, out), "1,000");
    assert_string_equal(progress_number(1234567, out), "1,234,567");
    assert_string_equal(progress_number(-5, out), "0");
}

static void times(void **state)
{
    char out[32];

    (void)state;
    assert_string_equal(progress_time(1234, out), "1.2 s");
    assert_string_equal(progress_time(59999, out), "59 s");
    assert_string_equal(progress_time(200000, out), "3 min 20 s");
    assert_string_equal(progress_time(7500000, out), "2 h 5 min");
}

static void lines_fit_their_width(void **state)
{
    const struct progress_counts counts = {
        .total = 10000, .delivered = 4000, .failed = 1000, .state = "paused"};
    char out[PROGRESS_LINE_MAX];

    (void)state;
    progress_line(&counts, 1000, 79, true, out);
    assert_string_equal(out, "  [====>    ]  50 %  5,000 of 10,000  "
                             "1,000 failed  paused  1,000/s  5.0 s left");
    for (unsigned width = 70; width < 200; width++) {
        progress_line(&counts, 1000, width, true, out);
        assert_true(strlen(out) <= width);
    }
    progress_line(&counts, 0, 79, false, out);
    assert_string_equal(out, "  50 %  5,000 of 10,000  1,000 failed  paused");
}

static void an_empty_campaign_has_a_line(void **state)
{
    const struct progress_counts counts = {.state = "sending"};
    char out[PROGRESS_LINE_MAX];

    (void)state;
    progress_line(&counts, 0, 79, true, out);
    assert_non_null(strstr(out, "0 %  0 of 0"));
}

static void rates_are_of_the_last_seconds(void **state)
{
    struct progress p = {0};
    int64_t rate = 0;

    (void)state;
    for (int64_t ms = 1; ms <= 10000; ms += 100)
        rate = progress_rate(&p, ms, ms * 5);
    assert_in_range(rate, 4900, 5100);
    for (int64_t ms = 10001; ms <= 20000; ms += 100)
        rate = progress_rate(&p, ms, 50000);
    assert_int_equal(rate, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(times),
        cmocka_unit_test(lines_fit_their_width),
        cmocka_unit_test(an_empty_campaign_has_a_line),
        cmocka_unit_test(rates_are_of_the_last_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
