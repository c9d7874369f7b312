/* Secrets are read where they are, replaced where the endpoint says so, and
 * stand in no reason. */
#include "oauth/grant.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct oauth_settings settings = {
    "https://a.example", "id", "env:TEST_CLIENT", "env:TEST_REFRESH", ""};
static struct oauth_grant grant;
static struct oauth_answer answer;

static int setup(void **state)
{
    struct error err;

    (void)state;
    setenv("TEST_CLIENT", "client", 1);
    setenv("TEST_REFRESH", "first", 1);
    memset(&grant, 0, sizeof grant);
    return oauth_grant_read(&grant, &settings, &err) != STATUS_OK;
}

static bool take(const char *refresh)
{
    snprintf(answer.refresh, sizeof answer.refresh, "%s", refresh);
    return oauth_grant_take(&grant, &answer);
}

static void read_again(void)
{
    struct error err;

    assert_int_equal(oauth_grant_read(&grant, &settings, &err), STATUS_OK);
}

static void secrets_are_read_from_their_places(void **state)
{
    struct oauth_settings public = settings;
    struct error err;

    (void)state;
    assert_string_equal(grant.client_secret, "client");
    assert_string_equal(oauth_grant_refresh(&grant), "first");
    setenv("TEST_REFRESH", "second", 1);
    read_again();
    assert_string_equal(oauth_grant_refresh(&grant), "second");
    public.client_secret = "";
    assert_int_equal(oauth_grant_read(&grant, &public, &err), STATUS_OK);
    assert_string_equal(grant.client_secret, "");
    unsetenv("TEST_REFRESH");
    assert_int_equal(oauth_grant_read(&grant, &settings, &err),
                     STATUS_NOT_FOUND);
    assert_string_equal(err.text, "env:TEST_REFRESH: not set");
}

static void a_newer_one_is_used_until_its_place_says_another(void **state)
{
    struct error err;

    (void)state;
    assert_false(take(""));
    assert_false(take("first"));
    assert_true(take("newer"));
    assert_false(take("newer"));
    read_again();
    assert_string_equal(oauth_grant_refresh(&grant), "newer");
    unsetenv("TEST_REFRESH"); /* for a moment */
    assert_int_equal(oauth_grant_read(&grant, &settings, &err),
                     STATUS_NOT_FOUND);
    setenv("TEST_REFRESH", "first", 1);
    read_again();
    assert_string_equal(oauth_grant_refresh(&grant), "newer");
    setenv("TEST_REFRESH", "other", 1);
    read_again();
    assert_string_equal(oauth_grant_refresh(&grant), "other");
}

static void a_newer_one_that_is_refused_is_given_up(void **state)
{
    char why[OAUTH_WHY_MAX];

    (void)state;
    assert_true(take("newer"));
    oauth_grant_fail(&grant, "HTTP status 503", why);
    assert_string_equal(oauth_grant_refresh(&grant), "newer");
    oauth_grant_fail(&grant, "HTTP status 400, invalid_grant", why);
    assert_string_equal(why,
                        "the token endpoint: HTTP status 400, invalid_grant");
    assert_string_equal(oauth_grant_refresh(&grant), "first");
}

static void no_reason_tells_a_secret(void **state)
{
    static const char *const secrets[] = {"client", "first", "newer"};
    char why[OAUTH_WHY_MAX], said[400];

    (void)state;
    assert_true(take("newer"));
    for (size_t i = 0; i < 3; i++) {
        snprintf(said, sizeof said, "HTTP status 400, no_%s_please",
                 secrets[i]);
        oauth_grant_fail(&grant, said, why);
        assert_string_equal(why,
                            "the token endpoint: an error that can't be shown");
    }
    memset(said, 'x', sizeof said);
    said[sizeof said - 1] = 0;
    oauth_grant_fail(&grant, said, why);
    assert_int_equal(strlen(why), strlen("the token endpoint: ") + 160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(secrets_are_read_from_their_places, setup),
        cmocka_unit_test_setup(a_newer_one_is_used_until_its_place_says_another,
                               setup),
        cmocka_unit_test_setup(a_newer_one_that_is_refused_is_given_up, setup),
        cmocka_unit_test_setup(no_reason_tells_a_secret, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
