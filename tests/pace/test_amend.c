#include "pace/amend.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void changes_what_is_named_alone(void **state)
{
    static const char *const cases[][3] = {
        {"", "connections=5", "connections=5"},
        {"connections=3 burst=7", "connections=5", "connections=5 burst=7"},
        {"connections=3 burst=7", "mails_per_day=9 connections=none",
         "connections=none mails_per_day=9 burst=7"},
        {"connections=3 burst=7", "burst=default", "connections=3"},
        {"connections=3", " connections=default\tburst=1 ", "burst=1"},
        {"connections=3", "connections=default", ""},
        {"", "burst=default", ""},
        {"connections=3 burst=7", "", "connections=3 burst=7"},
        /* A wait that is named is worth more than one that stood there. */
        {"retry_first=15m retry_most=4h", "retry_most=5m",
         "retry_first=5m retry_most=5m"},
        {"retry_first=15m retry_most=4h", "retry_first=default retry_most=5m",
         "retry_most=5m"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[LIMITS_TEXT_MAX];
        struct error err;

        assert_int_equal(limits_amend_text(cases[i][0], cases[i][1], out, &err),
                         STATUS_OK);
        assert_string_equal(out, cases[i][2]);
    }
}

static void refuses_the_whole_for_one_word(void **state)
{
    static const char *const cases[][2] = {
        {"conections=5", "\"conections\" is no limit"},
        {"burst=1 conections=default", "\"conections\" is no limit"},
        {"burst=defaults", "burst=defaults"},
        {"burst=default burst=1", "burst is given twice"},
        {"burst=1 burst=default", "burst is given twice"},
        {"burst=default burst=default", "burst is given twice"},
        {"default", "\"default\""},
        {"retry_first=6m retry_most=5m", "retry_first is longer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[LIMITS_TEXT_MAX] = "as it was";
        struct error err;

        assert_int_equal(
            limits_amend_text("connections=3", cases[i][0], out, &err),
            STATUS_INVALID);
        assert_non_null(strstr(err.text, cases[i][1]));
        assert_string_equal(out, "as it was");
    }
}

static void takes_no_more_than_fits(void **state)
{
    char words[4 * LIMITS_TEXT_MAX], out[LIMITS_TEXT_MAX];
    struct error err;

    (void)state;
    memset(words, 'a', sizeof words);
    words[sizeof words - 1] = '\0';
    assert_int_equal(limits_amend_text("", words, out, &err), STATUS_INVALID);
    for (size_t i = 0; i + 8 < sizeof words; i += 8)
        memcpy(words + i, "burst=1 ", 9);
    assert_int_equal(limits_amend_text("", words, out, &err), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_what_is_named_alone),
        cmocka_unit_test(refuses_the_whole_for_one_word),
        cmocka_unit_test(takes_no_more_than_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
