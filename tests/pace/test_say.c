#include "pace/say.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void says_why_in_a_sentence(void **state)
{
    static const struct {
        struct say say;
        const char *sentence;
    } cases[] = {
        {{0, 0, "", false, SAY_NEVER, true}, "no mail waits"},
        {{1, 0, "", false, SAY_NEVER, false},
         "1 mail waits: no worker has begun with it"},
        {{184000, 20, "the limit for Google is 20 mails a second", false,
          SAY_NEVER, true},
         "184,000 mails wait: the limit for Google is 20 mails a second; "
         "20.0/s are going out, about 2 h 33 min at this rate"},
        {{12, 0, "", false, 250, true},
         "12 mails wait: deferred before, tried again in 4 min"},
        {{12, 3, "x", true, 250, true},
         "12 mails wait: paused by the operator; `resume` ends it"},
        {{100, 50, "", false, SAY_NEVER, true},
         "100 mails wait; 50.0/s are going out, about 2 s at this rate"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[SAY_MAX];

        say_site(&cases[i].say, out);
        assert_string_equal(out, cases[i].sentence);
    }
}

static void cuts_what_is_too_long(void **state)
{
    char why[2 * SAY_MAX], out[SAY_MAX];
    struct say say = {.mails = 5, .mails_per_second = 1, .why = why};

    (void)state;
    memset(why, 'x', sizeof why - 1);
    why[sizeof why - 1] = '\0';
    say_site(&say, out);
    assert_int_equal(strlen(out), SAY_MAX - 1);
}

static void writes_numbers_and_times(void **state)
{
    static const struct {
        int64_t n;
        const char *text;
    } numbers[] = {{0, "0"},          {999, "999"},   {1000, "1,000"},
                   {-1000, "-1,000"}, {-100, "-100"}, {1234567, "1,234,567"}},
      times[] = {{0, "0 s"},           {119, "119 s"},
                 {120, "2 min"},       {7200, "2 h 0 min"},
                 {9180, "2 h 33 min"}, {273600, "3 d 4 h"}};
    char out[SAY_NUMBER_MAX];

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        say_number(numbers[i].n, out);
        assert_string_equal(out, numbers[i].text);
        say_time(times[i].n, out);
        assert_string_equal(out, times[i].text);
    }
    say_number(INT64_MAX, out);
    assert_string_equal(out, "9,223,372,036,854,775,807");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_why_in_a_sentence),
        cmocka_unit_test(cuts_what_is_too_long),
        cmocka_unit_test(writes_numbers_and_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
