#include "api/route.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *method, *path, *pattern, *arg;
} found[] = {
    {"GET", "/", "/", ""},
    {"GET", "", "/", ""},
    {"GET", "//", "/", ""},
    {"POST", "/emails", "/emails", ""},
    {"POST", "//emails", "/emails", ""},
    {"POST", "/emails/", "/emails", ""},
    {"POST", "/emails/batch", "/emails/batch", ""},
    {"GET", "/emails/batch", "/emails/{}", "batch"},
    {"HEAD", "/livez", "/livez", ""},
    {"GET", "/emails/0caa-1", "/emails/{}", "0caa-1"},
    {"PATCH", "/emails/a%20b%2Fc", "/emails/{}", "a b/c"},
    {"GET", "/emails/b@x.test", "/emails/{}", "b@x.test"},
    {"GET", "/emails/b%40x.test", "/emails/{}", "b@x.test"},
    {"GET", "/emails/a+b", "/emails/{}", "a+b"},
    {"POST", "/emails///x//cancel/", "/emails/{}/cancel", "x"},
};

static void test_found(void **state)
{
    char args[ROUTE_ARGS_MAX][ROUTE_ARG_MAX], allow[ROUTE_ALLOW_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        const struct route *route = NULL;

        args[0][0] = 0;
        if (route_find(found[i].method, found[i].path, &route, args, allow) !=
            ROUTE_FOUND)
            fail_msg("%s %s", found[i].method, found[i].path);
        assert_string_equal(route->pattern, found[i].pattern);
        assert_string_equal(args[0], found[i].arg);
    }
}

static void test_not_found(void **state)
{
    static const char *const paths[] = {
        "/nothing",    "/emails/x/y",   "/emails/x/cancel/z",
        "/EMAILS",     "/emails/%",     "/emails/%4",
        "/emails/%zz", "/emails/a%00b", "/a/b/c/d/e/f/g/h/i/j",
        "/livez/x"};
    char args[ROUTE_ARGS_MAX][ROUTE_ARG_MAX], allow[ROUTE_ALLOW_MAX];
    char path[ROUTE_ARG_MAX + 16] = "/emails/";
    const struct route *route;

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (route_find("GET", paths[i], &route, args, allow) != ROUTE_NO_PATH)
            fail_msg("%s", paths[i]);
    memset(path + 8, 'x', ROUTE_ARG_MAX);
    assert_int_equal(route_find("GET", path, &route, args, allow),
                     ROUTE_NO_PATH);
    path[8 + ROUTE_ARG_MAX - 1] = 0;
    assert_int_equal(route_find("GET", path, &route, args, allow), ROUTE_FOUND);
}

static void test_method(void **state)
{
    char args[ROUTE_ARGS_MAX][ROUTE_ARG_MAX], allow[ROUTE_ALLOW_MAX];
    const struct route *route;

    (void)state;
    assert_int_equal(route_find("PUT", "/emails", &route, args, allow),
                     ROUTE_NO_METHOD);
    assert_string_equal(allow, "POST, GET");
    assert_int_equal(route_find("GETS", "/livez", &route, args, allow),
                     ROUTE_NO_METHOD);
    assert_string_equal(allow, "GET");
}

static void test_decode(void **state)
{
    char out[32];

    (void)state;
    assert_true(route_decode("a%2bb+c", 7, true, out));
    assert_string_equal(out, "a+b c");
    assert_true(route_decode("a%2bb+c", 5, false, out));
    assert_string_equal(out, "a+b");
    /* The escape ends beyond the length: it is broken, whatever follows. */
    assert_false(route_decode("a%2bb", 2, false, out));
    assert_false(route_decode("a%2bb", 3, false, out));
    assert_true(route_decode("%c3%a9", 6, false, out));
    assert_string_equal(out, "\xc3\xa9");
    assert_false(route_decode("a%ff", 4, false, out));
    assert_false(route_decode("%c3", 3, false, out));
    assert_false(route_decode("a\xff", 2, true, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_method),
        cmocka_unit_test(test_decode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
