#include "egress/route.h"
#include "route/rule.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void spells_domains_as_dns_does(void **state)
{
    static const char *const cases[][2] = {
        {"Example.COM", "example.com"},
        {"example.com.", "example.com"},
        {"*.Example.com", "*.example.com"},
        {"m\xc3\xbcnchen.example", "xn--mnchen-3ya.example"},
        {"*.m\xc3\xbcnchen.example", "*.xn--mnchen-3ya.example"},
        {"*.de", "*.de"},
        {"localhost", "localhost"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct egress_route route = {
            .via = "direct", .from = cases[i][0], .to = cases[i][0]};
        struct egress_fault fault;

        assert_true(egress_route_check(&route, &fault));
        assert_string_equal(route.from, cases[i][1]);
        assert_string_equal(route.to, cases[i][1]);
    }
}

static void takes_ways(void **state)
{
    struct egress_route ways[] = {
        {.via = "sandbox"},
        {.via = "corp", .pool = "main"},
        {.via = "direct", .fallback = "corp", .pool = "main"},
        {.via = "direct", .class = "transactional", .place = -5},
        {.via = "direct", .class = "campaign", .project = "shop"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct egress_fault fault;

        assert_true(egress_route_check(&ways[i], &fault));
    }
}

#define LABEL "a123456789a123456789a123456789a123456789a123456789a123456789abc"
static const struct {
    struct egress_route route;
    const char *field, *says;
} wrong[] = {
    {{.via = NULL}, "via", "missing"},
    {{.via = "Corp"}, "via", "relay's name"},
    {{.via = "corp", .fallback = "b"}, "fallback", "direct only"},
    {{.via = "sandbox", .fallback = "b"}, "fallback", "direct only"},
    {{.via = "direct", .fallback = "B"}, "fallback", "relay's name"},
    {{.via = "sandbox", .pool = "main"}, "pool", "the sandbox"},
    {{.via = "direct", .pool = "the main"}, "pool", "pool's name"},
    {{.via = "direct", .class = "all"}, "class", "transactional or"},
    {{.via = "direct", .project = ""}, "project", "no such"},
    {{.via = "direct", .from = ""}, "from", "neither"},
    {{.via = "direct", .from = "*"}, "from", "neither"},
    {{.via = "direct", .from = "*."}, "from", "neither"},
    {{.via = "direct", .from = "a.*.example"}, "from", "neither"},
    {{.via = "direct", .to = "jo@a.example"}, "to", "neither"},
    {{.via = "direct", .to = "a b.example"}, "to", "neither"},
    {{.via = "direct", .to = "\xff.example"}, "to", "neither"},
    {{.via = "direct", .to = LABEL "." LABEL "." LABEL "." LABEL "." LABEL},
     "to",
     "longer"},
    {{.via = "direct", .place = 1000000001}, "place", "within"},
    {{.via = "direct", .place = -1000000001}, "place", "within"},
};

static void names_the_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct egress_route route = wrong[i].route;
        struct egress_fault fault;

        if (egress_route_check(&route, &fault))
            fail_msg("case %zu was taken", i);
        assert_string_equal(fault.field, wrong[i].field);
        if (!strstr(fault.error.text, wrong[i].says))
            fail_msg("case %zu says %s", i, fault.error.text);
    }
}

static void reads_places(void **state)
{
    static const char *const words[] = {"", "x", "1x", "1.5"};
    struct egress_fault fault;
    int64_t place;

    (void)state;
    assert_true(egress_place_parse("-50", &place, &fault));
    assert_int_equal(place, -50);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_false(egress_place_parse(words[i], &place, &fault));
    assert_string_equal(fault.field, "place");
}

static void takes_what_workers_read(void **state)
{
    (void)state;
    assert_int_equal(EGRESS_ROUTES_MAX, RULES_MAX);
    assert_true((int)EGRESS_PATTERN_MAX <= (int)RULE_DOMAIN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spells_domains_as_dns_does),
        cmocka_unit_test(takes_ways),
        cmocka_unit_test(names_the_field),
        cmocka_unit_test(reads_places),
        cmocka_unit_test(takes_what_workers_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
