/* What a token endpoint answers is taken only if all of it is right; what it
 * says of an error is told, and never a secret. */
#include "oauth/answer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define JSON "application/json"
#define HEAD "{\"token_type\": \"Bearer\", \"access_token\": \"abc\""
#define EXPIRES                                                                \
    "expires_in: a number of seconds from 1 to 316224000 is expected"

static const struct {
    long status;
    const char *type, *body, *why; /* "": good */
    int64_t seconds;
    const char *refresh;
} answers[] = {
    {200, JSON, HEAD "}", "", 300, ""},
    {200, JSON ";charset=UTF-8", HEAD ", \"expires_in\": 3599}", "", 3599, ""},
    {200, "Application/JSON", HEAD ",\"expires_in\":1,\"x\":[{}]}", "", 1, ""},
    {200, JSON, HEAD ", \"expires_in\": 316224000}", "", 86400, ""},
    {200, JSON, HEAD ", \"refresh_token\": \"next\"}", "", 300, "next"},
    {200, JSON, "{\"token_type\": \"bearer\", \"access_token\": \"abc\"}", "",
     300, ""},
    {200, JSON, HEAD ", \"expires_in\": 0}", EXPIRES, 0, ""},
    {200, JSON, HEAD ", \"expires_in\": -5}", EXPIRES, 0, ""},
    {200, JSON, HEAD ", \"expires_in\": 316224001}", EXPIRES, 0, ""},
    {200, JSON, HEAD ", \"expires_in\": 60.0}", EXPIRES, 0, ""},
    {200, JSON, HEAD ", \"expires_in\": \"60\"}", EXPIRES, 0, ""},
    {200, JSON, HEAD ", \"expires_in\": null}", EXPIRES, 0, ""},
    {200, JSON, HEAD ", \"expires_in\": 99999999999999999999}",
     "the answer is no object in JSON", 0, ""},
    {200, JSON, HEAD ", \"refresh_token\": 7}",
     "refresh_token: a string is expected", 0, ""},
    {200, JSON, HEAD ", \"refresh_token\": \"a\\nb\"}",
     "refresh_token: printable ASCII without spaces is expected", 0, ""},
    {200, JSON, HEAD ", \"access_token\": \"def\"}",
     "the answer is no object in JSON", 0, ""},
    {200, JSON, "{\"token_type\": \"Bearer\"}",
     "access_token: a string is expected", 0, ""},
    {200, JSON, "{\"token_type\": \"Bearer\", \"access_token\": \"\"}",
     "access_token: a string is expected", 0, ""},
    {200, JSON, "{\"token_type\": \"Bearer\", \"access_token\": [\"abc\"]}",
     "access_token: a string is expected", 0, ""},
    {200, JSON, "{\"token_type\": \"Bearer\", \"access_token\": \"a\\u0001\"}",
     "access_token: printable ASCII without spaces is expected", 0, ""},
    {200, JSON, "{\"token_type\": \"Bearer\", \"access_token\": \"a b\"}",
     "access_token: printable ASCII without spaces is expected", 0, ""},
    {200, JSON, "{\"token_type\": \"Bearer\", \"access_token\": \"\xc3\xa9\"}",
     "access_token: printable ASCII without spaces is expected", 0, ""},
    {200, JSON, "{\"token_type\": \"Bearer\", \"access_token\": \"a\\u0000\"}",
     "the answer is no object in JSON", 0, ""},
    {200, JSON, "{\"access_token\": \"abc\"}", "token_type: Bearer is expected",
     0, ""},
    {200, JSON, "{\"token_type\": \"mac\", \"access_token\": \"abc\"}",
     "token_type: Bearer is expected", 0, ""},
    {200, JSON, "[]", "the answer is no object in JSON", 0, ""},
    {200, JSON, "", "the answer is no object in JSON", 0, ""},
    {200, JSON, HEAD "} x", "the answer is no object in JSON", 0, ""},
    {200, "text/html", HEAD "}", "the answer is no object in JSON", 0, ""},
    {200, "application/jsonp", HEAD "}", "the answer is no object in JSON", 0,
     ""},
    {200, NULL, HEAD "}", "the answer is no object in JSON", 0, ""},
    {302, JSON, HEAD "}", "HTTP status 302", 0, ""},
    {503, "text/html", "<html>", "HTTP status 503", 0, ""},
    {400, JSON, "{\"error\": \"invalid_grant\"}",
     "HTTP status 400, invalid_grant", 0, ""},
    {200, JSON, HEAD ", \"error\": \"slow_down\"}",
     "HTTP status 200, slow_down", 0, ""},
    {401, JSON, "{\"error\": \"1//a-Refresh+Token\"}",
     "HTTP status 401, an error without a proper name", 0, ""},
    {401, JSON, "{\"error\": {\"code\": 401}}",
     "HTTP status 401, an error without a proper name", 0, ""},
    {401, JSON, "{\"error\": \"\"}",
     "HTTP status 401, an error without a proper name", 0, ""},
    {401, JSON, "{\"error\": \"a\\nb\"}",
     "HTTP status 401, an error without a proper name", 0, ""},
};

static void an_answer_is_read_or_says_why_not(void **state)
{
    static struct oauth_answer out;

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct error err = {""};
        const char *body = answers[i].body;
        enum status status = oauth_answer_read(
            answers[i].status, answers[i].type, body, strlen(body), &out, &err);

        assert_string_equal(err.text, answers[i].why);
        assert_int_equal(status == STATUS_OK, !answers[i].why[0]);
        assert_string_equal(out.token, answers[i].why[0] ? "" : "abc");
        assert_string_equal(out.refresh, answers[i].refresh);
        if (status == STATUS_OK)
            assert_int_equal(out.expires_seconds, answers[i].seconds);
    }
}

/* Cut anywhere, there is no token in it. */
static void a_cut_answer_is_none(void **state)
{
    static const char whole[] = HEAD ", \"expires_in\": 3600}";
    static struct oauth_answer out;
    struct error err;

    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        assert_int_not_equal(
            oauth_answer_read(200, JSON, whole, len, &out, &err), STATUS_OK);
        assert_string_equal(out.token, "");
    }
    assert_int_equal(
        oauth_answer_read(200, JSON, whole, sizeof whole - 1, &out, &err),
        STATUS_OK);
}

/* An answer with n times x for its token. */
static enum status read_long(size_t n, struct error *err)
{
    static struct oauth_answer out;
    static char body[OAUTH_SECRET_MAX + 200], token[OAUTH_SECRET_MAX + 1];

    memset(token, 'x', n);
    token[n] = 0;
    int len =
        snprintf(body, sizeof body,
                 "{\"token_type\":\"Bearer\",\"access_token\":\"%s\"}", token);
    enum status status =
        oauth_answer_read(200, JSON, body, (size_t)len, &out, err);

    if (status == STATUS_OK)
        assert_int_equal(strlen(out.token), n);
    return status;
}

static void too_much_is_refused(void **state)
{
    static char spaces[OAUTH_BODY_MAX + 1];
    static struct oauth_answer out;
    struct error err;

    (void)state;
    assert_int_equal(read_long(OAUTH_SECRET_MAX - 1, &err), STATUS_OK);
    assert_int_equal(read_long(OAUTH_SECRET_MAX, &err), STATUS_TOO_BIG);
    assert_string_equal(err.text, "access_token: more than 5999 bytes");
    memset(spaces, ' ', sizeof spaces);
    memcpy(spaces, HEAD "}", sizeof HEAD);
    assert_int_equal(
        oauth_answer_read(200, JSON, spaces, OAUTH_BODY_MAX, &out, &err),
        STATUS_OK);
    assert_int_equal(
        oauth_answer_read(200, JSON, spaces, OAUTH_BODY_MAX + 1, &out, &err),
        STATUS_TOO_BIG);
}

static void the_name_of_an_error_is_short(void **state)
{
    char body[128], name[OAUTH_ERROR_MAX + 1];
    static struct oauth_answer out;
    struct error err;

    (void)state;
    for (size_t n = OAUTH_ERROR_MAX - 1; n <= OAUTH_ERROR_MAX; n++) {
        memset(name, 'e', n);
        name[n] = 0;
        int len = snprintf(body, sizeof body, "{\"error\":\"%s\"}", name);

        assert_int_equal(
            oauth_answer_read(400, JSON, body, (size_t)len, &out, &err),
            STATUS_FAILED);
        assert_int_equal(strstr(err.text, name) != NULL, n < OAUTH_ERROR_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_read_or_says_why_not),
        cmocka_unit_test(a_cut_answer_is_none),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(the_name_of_an_error_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
