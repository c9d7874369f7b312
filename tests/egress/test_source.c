#include "egress/source.h"
#include "route/rule.h"
#include "route/sources.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void takes_sources(void **state)
{
    static const struct egress_source right[] = {
        {"192.0.2.1", "out.example", "main", NULL},
        {"2001:db8::1", "Out-1.Example", "main", "now"},
        {"127.0.0.1", "localhost", "p.1_x-y", "2028-02-29"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        struct egress_fault fault;

        assert_true(egress_source_check(&right[i], &fault));
    }
}

static const struct {
    struct egress_source source;
    const char *field, *says;
} wrong[] = {
    {{NULL, "a.example", "p", NULL}, "address", "missing"},
    {{"192.0.2", "a.example", "p", NULL}, "address", "no IP address"},
    {{"192.0.2.1/24", "a.example", "p", NULL}, "address", "no IP address"},
    {{"out.example", "a.example", "p", NULL}, "address", "no IP address"},
    {{"0.0.0.0", "a.example", "p", NULL}, "address", "to send from"},
    {{"224.0.0.1", "a.example", "p", NULL}, "address", "to send from"},
    {{"::", "a.example", "p", NULL}, "address", "to send from"},
    {{"ff02::1", "a.example", "p", NULL}, "address", "to send from"},
    {{"192.0.2.1", NULL, "p", NULL}, "ehlo", "missing"},
    {{"192.0.2.1", "", "p", NULL}, "ehlo", "host name"},
    {{"192.0.2.1", "a b", "p", NULL}, "ehlo", "host name"},
    {{"192.0.2.1", "a\r\nMAIL", "p", NULL}, "ehlo", "host name"},
    {{"192.0.2.1", "a..b", "p", NULL}, "ehlo", "host name"},
    {{"192.0.2.1", "a.example.", "p", NULL}, "ehlo", "host name"},
    {{"192.0.2.1", "a.example", NULL, NULL}, "pool", "missing"},
    {{"192.0.2.1", "a.example", "the pool", NULL}, "pool", "lower-case"},
    {{"192.0.2.1", "a.example", "p", "soon"}, "warm_up", "YYYY-MM-DD"},
    {{"192.0.2.1", "a.example", "p", ""}, "warm_up", "YYYY-MM-DD"},
    {{"192.0.2.1", "a.example", "p", "2027-02-29"}, "warm_up", "YYYY-MM-DD"},
    {{"192.0.2.1", "a.example", "p", "2027-13-01"}, "warm_up", "YYYY-MM-DD"},
    {{"192.0.2.1", "a.example", "p", "2027-2-01"}, "warm_up", "YYYY-MM-DD"},
    {{"192.0.2.1", "a.example", "p", "2027-02-01x"}, "warm_up", "YYYY-MM-DD"},
    {{"192.0.2.1", "a.example", "p", "infinity"}, "warm_up", "YYYY-MM-DD"},
};

static void names_the_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct egress_fault fault;

        if (egress_source_check(&wrong[i].source, &fault))
            fail_msg("case %zu was taken", i);
        assert_string_equal(fault.field, wrong[i].field);
        if (!strstr(fault.error.text, wrong[i].says))
            fail_msg("case %zu says %s", i, fault.error.text);
    }
}

static void takes_what_workers_read(void **state)
{
    (void)state;
    assert_int_equal(EGRESS_POOL_MAX, SOURCES_MAX);
    assert_int_equal(EGRESS_SOURCES_MAX, RULES_MAX);
    assert_true((int)EGRESS_EHLO_MAX < (int)SOURCE_EHLO_MAX);
    assert_true((int)EGRESS_NAME_MAX < (int)SOURCE_POOL_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_sources),
        cmocka_unit_test(names_the_field),
        cmocka_unit_test(takes_what_workers_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
