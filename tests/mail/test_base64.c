#include "mail/base64.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

static void canonical(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {"", true},      {"aGk=", true},        {"aA==", true},
        {"aGkh", true},  {"+/09", true},        {"aGk", false},
        {"aG k", false}, {"a===", false},       {"====", false},
        {"-_09", false}, {"a=Gk", false},       {"aGk=\n", false},
        {"=", false},    {"aG\xc3\xa9", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (base64_is_canonical(cases[i].text, strlen(cases[i].text)) !=
            cases[i].is)
            fail_msg("%s", cases[i].text);
}

static void clean(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"aGk=", "aGk="},
        {"aGk", "aGk="},
        {"aA", "aA=="},
        {"aA==\r\n", "aA=="},
        {" a\nG\tk\r= ", "aGk="},
        {"-_-_", "+/+/"},
        {"a", NULL},
        {"aGkha", NULL},
        {"aA=", NULL},
        {"aGk==", NULL},
        {"aGkh=", NULL},
        {"aG=k", NULL},
        {"a!", NULL},
        {"=", NULL},
        {"data:text/plain;base64,aGk=", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};

        buf_add_char(&out, '>');
        bool ok = base64_clean(&out, cases[i].text, strlen(cases[i].text));
        if (ok != !!cases[i].want)
            fail_msg("%s", cases[i].text);
        assert_int_equal(out.len, 1 + (ok ? strlen(cases[i].want) : 0));
        if (ok)
            assert_string_equal(out.data + 1, cases[i].want);
        buf_fini(&out);
    }
}

static void lines(void **state)
{
    char text[153];

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t len = 0; len < sizeof text; len++) {
        struct buf out = {0};

        base64_lines(&out, text, len);
        assert_int_equal(out.len, base64_lines_size(len));
        for (size_t i = 0; i < out.len; i++)
            assert_int_equal(out.data[i], i % 78 == 76   ? '\r'
                                          : i % 78 == 77 ? '\n'
                                                         : 'x');
        assert_int_equal(out.len,
                         len + (len > 76 ? 2 : 0) + (len > 152 ? 2 : 0));
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical),
        cmocka_unit_test(clean),
        cmocka_unit_test(lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
