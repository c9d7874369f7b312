/* When a token is asked for, how long it is good, and what a refusal means. */
#include "oauth/token.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct oauth_token token;
static struct oauth_answer answer;

/* It is asked for and comes, both at that time. */
static bool get(const char *text, int64_t seconds, int64_t now_ms)
{
    snprintf(answer.token, sizeof answer.token, "%s", text);
    answer.expires_seconds = seconds;
    assert_true(oauth_token_is_due(&token, now_ms));
    oauth_token_ask(&token, now_ms);
    assert_false(oauth_token_is_due(&token, now_ms));
    return oauth_token_take(&token, &answer, now_ms);
}

static int64_t fail_at(int64_t now_ms, uint32_t random)
{
    oauth_token_ask(&token, now_ms);
    oauth_token_fail(&token, "no", now_ms, random);
    return token.ask_ms - now_ms;
}

static int setup(void **state)
{
    (void)state;
    oauth_token_init(&token, 1000);
    return 0;
}

static void it_is_asked_for_before_its_end(void **state)
{
    static const struct {
        int64_t seconds, ahead_ms;
    } lives[] = {{1, 200}, {100, 20000}, {3600, 300000}, {86400, 300000}};

    (void)state;
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        int64_t end_ms = 1000 + lives[i].seconds * 1000;

        oauth_token_init(&token, 1000);
        assert_true(get("a", lives[i].seconds, 1000));
        assert_int_equal(oauth_token_wake_ms(&token),
                         end_ms - lives[i].ahead_ms);
        assert_false(
            oauth_token_is_due(&token, end_ms - lives[i].ahead_ms - 1));
        assert_true(oauth_token_is_due(&token, end_ms - lives[i].ahead_ms));
        assert_false(oauth_token_age(&token, end_ms - 1));
        assert_string_equal(token.text, "a");
        assert_true(oauth_token_age(&token, end_ms));
        assert_string_equal(token.text, "");
        assert_false(oauth_token_age(&token, end_ms));
    }
}

/* Its life counts from when it was asked for. */
static void one_that_was_long_under_way_is_older(void **state)
{
    (void)state;
    answer.expires_seconds = 100;
    memcpy(answer.token, "a", 2);
    oauth_token_ask(&token, 1000);
    assert_true(oauth_token_take(&token, &answer, 31000));
    assert_int_equal(token.end_ms, 101000);
}

static void the_same_again_is_no_other(void **state)
{
    (void)state;
    assert_true(get("a", 100, 1000));
    assert_false(get("a", 100, 90000));
    assert_true(get("b", 100, 180000));
}

static void pauses_grow_to_a_limit(void **state)
{
    static const int64_t pauses[] = {5000,   10000,  20000,  40000, 80000,
                                     160000, 300000, 300000, 300000};

    (void)state;
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++)
        assert_int_equal(fail_at(1000, 0), pauses[i]);
    assert_int_equal(fail_at(1000, 1000), 225000);
    assert_true(get("a", 100, 1000000));
    assert_int_equal(fail_at(2000000, 0), 5000);
}

static void the_last_one_is_used_to_its_end(void **state)
{
    (void)state;
    assert_true(get("a", 100, 1000));
    fail_at(90000, 0);
    assert_string_equal(token.text, "a");
    assert_string_equal(oauth_token_fault(&token), "");
    assert_int_equal(oauth_token_wake_ms(&token), 95000);
    oauth_token_ask(&token, 95000);
    assert_int_equal(oauth_token_wake_ms(&token), 101000);
    assert_true(oauth_token_age(&token, 101000));
    assert_string_equal(oauth_token_fault(&token), "no");
    assert_int_equal(oauth_token_wake_ms(&token), INT64_MAX);
}

static void a_refused_one_is_had_anew_once(void **state)
{
    (void)state;
    assert_true(get("a", 100, 1000));
    assert_true(oauth_token_refuse(&token, 1500, 2000, 0));
    assert_string_equal(token.text, "");
    assert_string_equal(oauth_token_fault(&token), "");
    /* Of several connections, all but the first say nothing new. */
    assert_false(oauth_token_refuse(&token, 1500, 2000, 0));
    assert_true(get("b", 100, 2000));
    assert_false(oauth_token_refuse(&token, 1500, 2100, 0));
    assert_string_equal(token.text, "b");

    assert_true(oauth_token_refuse(&token, 2200, 3000, 0));
    assert_string_equal(oauth_token_fault(&token),
                        "the server refuses the token");
    assert_false(oauth_token_is_due(&token, 7999));
    assert_true(get("c", 100, 8000));
    assert_true(oauth_token_refuse(&token, 8000, 9000, 0));
    assert_int_equal(oauth_token_wake_ms(&token), 9000 + 10000);
}

static void one_that_is_taken_clears_the_doubt(void **state)
{
    (void)state;
    assert_true(get("a", 100, 1000));
    assert_true(oauth_token_refuse(&token, 1500, 2000, 0));
    oauth_token_accept(&token); /* an older connection's: says nothing */
    assert_true(token.doubted);
    assert_true(get("b", 100, 2000));
    oauth_token_accept(&token);
    assert_true(oauth_token_refuse(&token, 2200, 3000, 0));
    assert_true(oauth_token_is_due(&token, 3000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_asked_for_before_its_end, setup),
        cmocka_unit_test_setup(one_that_was_long_under_way_is_older, setup),
        cmocka_unit_test_setup(the_same_again_is_no_other, setup),
        cmocka_unit_test_setup(pauses_grow_to_a_limit, setup),
        cmocka_unit_test_setup(the_last_one_is_used_to_its_end, setup),
        cmocka_unit_test_setup(a_refused_one_is_had_anew_once, setup),
        cmocka_unit_test_setup(one_that_is_taken_clears_the_doubt, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
