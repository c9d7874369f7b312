#include "dns/spf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    const char *text;
    enum spf_kind kind;
    char qualifier;
    const char *domain;
    unsigned bits4, bits6;
} right[] = {
    {"all", SPF_ALL, '+', "", 32, 128},
    {"-ALL", SPF_ALL, '-', "", 32, 128},
    {"~include:_spf.a.example.", SPF_INCLUDE, '~', "_spf.a.example", 32, 128},
    {"a", SPF_A, '+', "", 32, 128},
    {"?a/24", SPF_A, '?', "", 24, 128},
    {"a//64", SPF_A, '+', "", 32, 64},
    {"mx:b.example/0//0", SPF_MX, '+', "b.example", 0, 0},
    {"ptr", SPF_PTR, '+', "", 32, 128},
    {"exists:%{i}.x.example", SPF_EXISTS, '+', "%{i}.x.example", 32, 128},
    {"ip4:192.0.2.0/25", SPF_IP4, '+', "", 25, 128},
    {"ip6:2001:db8::/32", SPF_IP6, '+', "", 32, 32},
    {"redirect=c.example", SPF_REDIRECT, '+', "c.example", 32, 128},
    {"exp=why.example", SPF_OTHER, '+', "", 32, 128},
    {"later=x/y:z", SPF_OTHER, '+', "", 32, 128},
};

static const char *const wrong[] = {
    "al",
    "all:x",
    "alla",
    "a:",
    "a/33",
    "a/024",
    "a/",
    "a//129",
    "a/1/2",
    "ip4:",
    "ip4:192.0.2",
    "ip4:192.0.2.1/",
    "ip4:::1",
    "ip6:1.2.3.4",
    "ip6:::1/129",
    "ip4:192.0.2.1/33",
    "include",
    "include:",
    "include:.",
    "exists",
    "-redirect=a",
    "redirect=",
    "=x",
    "--all",
    "a:b.example/x",
};

static void terms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        struct spf_term t;
        const char *rest = spf_next(right[i].text, &t);

        assert_non_null(rest);
        assert_int_equal(*rest, 0);
        assert_string_equal(t.text, right[i].text);
        assert_int_equal(t.kind, right[i].kind);
        assert_int_equal(t.qualifier, right[i].qualifier);
        assert_string_equal(t.domain, right[i].domain);
        assert_int_equal(t.bits4, right[i].bits4);
        assert_int_equal(t.bits6, right[i].bits6);
        assert_int_equal(t.macros, strchr(right[i].text, '%') != NULL);
        assert_null(spf_next(rest, &t));
    }
}

static void wrong_terms(void **state)
{
    char longest[SPF_TERM_MAX + 8];
    struct spf_term t;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_non_null(spf_next(wrong[i], &t));
        assert_int_equal(t.kind, SPF_WRONG);
    }
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    const char *rest = spf_next(longest, &t);

    assert_non_null(rest);
    assert_int_equal(*rest, 0);
    assert_int_equal(t.kind, SPF_WRONG);
}

static void versions(void **state)
{
    struct spf_term t;

    (void)state;
    assert_null(spf_terms("v=spf10 a"));
    assert_null(spf_terms("spf2.0/pra a"));
    assert_null(spf_terms(""));
    const char *at = spf_next(spf_terms("V=SPF1   a  -all "), &t);

    assert_int_equal(t.kind, SPF_A);
    at = spf_next(at, &t);
    assert_int_equal(t.kind, SPF_ALL);
    assert_null(spf_next(at, &t));
    assert_null(spf_next(spf_terms("v=spf1"), &t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms),
        cmocka_unit_test(wrong_terms),
        cmocka_unit_test(versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
