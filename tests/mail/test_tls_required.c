#include "mail/tls_required.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *name, *value;
    bool no;
} cases[] = {
    {"TLS-Required", "No", true},     {"tls-required", "no", true},
    {"TLS-REQUIRED", " \tNO ", true}, {"TLS-Required", "", false},
    {"TLS-Required", "N", false},     {"TLS-Required", "Not", false},
    {"TLS-Required", "No No", false}, {"TLS-Required", "Yes", false},
    {"TLS-Require", "No", false},     {"X-TLS-Required", "No", false},
};

static void is_no(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tls_required_is_no(cases[i].name, cases[i].value),
                         cases[i].no);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_no),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
