#include "pace/limits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void reads_what_it_writes(void **state)
{
    static const char *const texts[][2] = {
        {"", ""},
        {" connections=5\tmails_per_hour=2000 ",
         "connections=5 mails_per_hour=2000"},
        {"burst=1 connections=none", "connections=none burst=1"},
        {"mails_per_day=1000000000", "mails_per_day=1000000000"},
        {"connections=1 connections_per_minute=2 mails_per_connection=3 "
         "mails_per_second=4 mails_per_minute=5 mails_per_hour=6 "
         "mails_per_day=7 burst=8",
         "connections=1 connections_per_minute=2 mails_per_connection=3 "
         "mails_per_second=4 mails_per_minute=5 mails_per_hour=6 "
         "mails_per_day=7 burst=8"},
        {"retry_first=90 retry_most=7d", "retry_first=90s retry_most=7d"},
        {"retry_most=86400s retry_first=3600s burst=none",
         "burst=none retry_first=1h retry_most=1d"},
        {"retry_first=600s retry_most=none", "retry_first=10m retry_most=none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct limits limits, again;
        char out[LIMITS_TEXT_MAX];
        struct error err;

        assert_int_equal(limits_parse(texts[i][0], &limits, &err), STATUS_OK);
        limits_text(&limits, out);
        assert_string_equal(out, texts[i][1]);
        assert_int_equal(limits_parse(out, &again, &err), STATUS_OK);
        assert_memory_equal(&limits, &again, sizeof limits);
    }
}

static void names_the_word_that_is_wrong(void **state)
{
    static const char *const texts[][2] = {
        {"connections", "\"connections\""},
        {"conections=5", "\"conections\" is no limit"},
        {"=5", "\"\" is no limit"},
        {"connections=", "connections="},
        {"connections=0", "connections=0"},
        {"connections=-1", "connections=-1"},
        {"connections=5x", "connections=5x"},
        {"burst=1000000001", "burst=1000000001"},
        {"burst=99999999999999999999999", "burst=9999"},
        {"burst=1 burst=2", "burst is given twice"},
        {"burst=5m", "burst=5m"},
        {"retry_first=0", "retry_first=0: expected a duration"},
        {"retry_first=5q", "retry_first=5q"},
        {"retry_first=-5m", "retry_first=-5m"},
        {"retry_first=1500ms", "retry_first=1500ms"},
        {"retry_most=8d", "retry_most=8d"},
        {"retry_most=99999999999999999999d", "retry_most=9999"},
        {"retry_most=5m retry_most=6m", "retry_most is given twice"},
        {"retry_most=5m retry_first=6m", "retry_first is longer than"},
        {"connections=5 a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "too long"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct limits limits = limits_unset(), before = limits;
        struct error err;

        assert_int_equal(limits_parse(texts[i][0], &limits, &err),
                         STATUS_INVALID);
        assert_non_null(strstr(err.text, texts[i][1]));
        assert_memory_equal(&limits, &before, sizeof limits);
    }
}

static void what_is_said_later_wins(void **state)
{
    struct limits a, b;

    (void)state;
    assert_int_equal(limits_parse("connections=5 burst=3", &a, NULL),
                     STATUS_OK);
    assert_int_equal(limits_parse("burst=none mails_per_day=9", &b, NULL),
                     STATUS_OK);
    limits_override(&a, &b);
    assert_true(a.of[LIMIT_CONNECTIONS] == 5);
    assert_true(a.of[LIMIT_BURST] == LIMIT_NONE);
    assert_true(a.of[LIMIT_MAILS_PER_DAY] == 9);
    assert_true(a.of[LIMIT_MAILS_PER_HOUR] == LIMIT_UNSET);
}

static void of_two_waits_the_later_word_wins(void **state)
{
    static const char *const cases[][3] = {
        {"retry_first=15m retry_most=4h", "retry_first=2m",
         "retry_first=2m retry_most=4h"},
        {"retry_first=15m retry_most=4h", "retry_most=5m",
         "retry_first=5m retry_most=5m"},
        {"retry_first=15m retry_most=4h", "retry_first=6h",
         "retry_first=6h retry_most=6h"},
        {"retry_first=15m retry_most=4h", "retry_first=none retry_most=5m",
         "retry_first=none retry_most=5m"},
        {"retry_first=15m retry_most=4h", "burst=3",
         "burst=3 retry_first=15m retry_most=4h"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct limits a, b;
        char out[LIMITS_TEXT_MAX];

        assert_int_equal(limits_parse(cases[i][0], &a, NULL), STATUS_OK);
        assert_int_equal(limits_parse(cases[i][1], &b, NULL), STATUS_OK);
        limits_override(&a, &b);
        limits_text(&a, out);
        assert_string_equal(out, cases[i][2]);
    }
}

static void shares_add_up(void **state)
{
    (void)state;
    assert_true(limits_share(5, 0, 3) == 2 && limits_share(5, 1, 3) == 2 &&
                limits_share(5, 2, 3) == 1);
    for (int64_t limit = 0; limit < 200; limit += 7)
        for (unsigned n = 1; n < 20; n++) {
            int64_t sum = 0;

            for (unsigned i = 0; i < n; i++)
                sum += limits_share(limit, i, n);
            assert_true(sum == limit);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(names_the_word_that_is_wrong),
        cmocka_unit_test(what_is_said_later_wins),
        cmocka_unit_test(of_two_waits_the_later_word_wins),
        cmocka_unit_test(shares_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
