/* Names of domains, by table. */
#include "mail/domain.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text, *ascii; /* NULL: refused */
} cases[] = {
    {"example.com", "example.com"},
    {"Example.COM.", "example.com"},
    {"a-b.x1.test", "a-b.x1.test"},
    {"bücher.example", "xn--bcher-kva.example"},
    {"xn--bcher-kva.example", "xn--bcher-kva.example"},
    {"", NULL},
    {".", NULL},
    {"example", NULL},
    {"a..b", NULL},
    {".example.com", NULL},
    {"-a.example", NULL},
    {"a-.example", NULL},
    {"a_b.example", NULL},
    {"a b.example", NULL},
    {"a@b.example", NULL},
    {"192.0.2.1", NULL},
    {"a.example\r\n", NULL},
    {"a.example/", NULL},
    {"*.example.com", NULL},
};

static void test_table(void **state)
{
    char out[DOMAIN_MAX];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum status status = domain_ascii(cases[i].text, out, &err);

        assert_int_equal(status, cases[i].ascii ? STATUS_OK : STATUS_INVALID);
        if (cases[i].ascii)
            assert_string_equal(out, cases[i].ascii);
    }
}

static void test_spec(void **state)
{
    static const struct {
        const char *spec, *ascii; /* NULL: the same */
    } specs[] = {
        {"jo@example.com", NULL},
        {"Jo.X@Example.COM", NULL},
        {"jo@b\xc3\xbc"
         "cher.example",
         "jo@xn--bcher-kva.example"},
        {"\"a@b\"@b\xc3\xbc"
         "cher.example",
         "\"a@b\"@xn--bcher-kva.example"},
        {"j\xc3\xb6@b\xc3\xbc"
         "cher.example",
         NULL},
        {"j\xc3\xb6@example.com", NULL},
        {"jo@\xc3\xbc_.example", NULL},
        {"jo", NULL},
        {"", NULL},
    };
    char out[ADDRESS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        const char *got = domain_ascii_spec(specs[i].spec, out);

        assert_string_equal(got,
                            specs[i].ascii ? specs[i].ascii : specs[i].spec);
    }
}

static void test_length(void **state)
{
    char text[512], out[DOMAIN_MAX];
    struct error err;

    (void)state;
    for (size_t n = 240; n < 300; n++) {
        for (size_t i = 0; i < n; i++)
            text[i] = i % 50 == 49 && i + 1 < n ? '.' : 'a';
        text[n] = 0;
        assert_int_equal(domain_ascii(text, out, &err),
                         n < DOMAIN_MAX ? STATUS_OK : STATUS_INVALID);
    }
}

static void test_fold(void **state)
{
    static const struct {
        const char *spec, *folded;
    } folds[] = {
        {"Jo@Example.COM", "jo@example.com"},
        {"J\xc3\x96@B\xc3\x9c"
         "CHER.example",
         "j\xc3\x96@xn--bcher-kva.example"},
        {"\"a@b\"@b\xc3\xbc"
         "cher.example",
         "\"a@b\"@xn--bcher-kva.example"},
        {"jo@XN--Bcher-KVA.example", "jo@xn--bcher-kva.example"},
        {"jo@\xc3\xbc", "jo@\xc3\xbc"}, /* one label is no domain */
        {"J\xc3\xb6", "j\xc3\xb6"},
    };
    char out[ADDRESS_MAX], spec[ADDRESS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
        size_t n = domain_fold_spec(folds[i].spec, strlen(folds[i].spec), out);

        assert_string_equal(out, folds[i].folded);
        assert_int_equal(n, strlen(out));
    }
    /* Where the A-labels do not fit it stays as it is. */
    memset(spec, 'l', sizeof spec);
    snprintf(spec + 240, sizeof spec - 240, "@\xc3\xbc.example");
    assert_int_equal(domain_fold_spec(spec, strlen(spec), out), strlen(spec));
    assert_string_equal(out, spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_spec),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_fold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
