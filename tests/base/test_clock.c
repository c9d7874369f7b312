#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static void writes_rfc3339(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {INT64_C(999), "1970-01-01T00:00:00.000Z"},
        {INT64_C(1000), "1970-01-01T00:00:00.001Z"},
        {INT64_C(-1000), "1969-12-31T23:59:59.999Z"},
        {INT64_C(951782400123456), "2000-02-29T00:00:00.123Z"},
        {INT64_C(1795412460123999), "2026-11-23T05:41:00.123Z"},
        {INT64_C(-61310800000000000), "0027-02-20T06:13:20.000Z"},
        {CLOCK_PG_EPOCH_US, "2000-01-01T00:00:00.000Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[CLOCK_RFC3339_MAX];

        clock_rfc3339(cases[i].us, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void measures_in_milliseconds(void **state)
{
    const int64_t month = INT64_C(31) * 86400 * 1000000;

    (void)state;
    assert_int_equal(clock_between_ms(5000, 7999), 2);
    assert_int_equal(clock_between_ms(7999, 5000), -2);
    assert_int_equal(clock_between_ms(0, month), INT32_MAX);
    assert_int_equal(clock_between_ms(month, 0), INT32_MIN);
    assert_int_equal(clock_between_ms(INT64_MIN, 1), INT32_MAX);
    assert_int_equal(clock_between_ms(INT64_MAX, -2), INT32_MIN);
}

static void tells_the_time(void **state)
{
    int64_t wall = clock_wall_us(), mono = clock_mono_ms();
    const struct timespec wait = {.tv_nsec = 20 * 1000 * 1000};

    (void)state;
    nanosleep(&wait, NULL);
    assert_true(wall / 1000000 - (int64_t)time(NULL) <= 1);
    assert_true((int64_t)time(NULL) - wall / 1000000 <= 2);
    assert_true(clock_mono_ms() - mono >= 19);
    assert_true(clock_mono_ms() - mono < 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_rfc3339),
        cmocka_unit_test(measures_in_milliseconds),
        cmocka_unit_test(tells_the_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
