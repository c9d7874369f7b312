#include "route/rule.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void knows_domains_and_what_is_below(void **state)
{
    (void)state;
    assert_true(rule_domain_matches("example.com", "Example.COM"));
    assert_false(rule_domain_matches("example.com", "a.example.com"));
    assert_true(rule_domain_matches("*.example.com", "a.Example.com"));
    assert_true(rule_domain_matches("*.example.com", "a.b.example.com"));
    assert_false(rule_domain_matches("*.example.com", "example.com"));
    assert_false(rule_domain_matches("*.example.com", "badexample.com"));
    assert_false(rule_domain_matches("*.example.com", ".example.com"));
    assert_false(rule_domain_matches("example.com", ""));
}

static void finds_the_first_that_matches(void **state)
{
    static const struct rule rules[] = {
        {.project = 7,
         .class = -1,
         .recipient = "a.example",
         .via = RULE_SANDBOX},
        {.class = 0, .via = RULE_RELAY},
        {.class = -1, .sender = "*.corp.example", .via = RULE_RELAY},
        {.class = -1, .recipient = "a.example", .via = RULE_DIRECT},
    };
    static const struct {
        struct rule_question question;
        int rule; /* -1: none */
    } cases[] = {
        {{7, 1, "x.example", "A.example"}, 0},
        {{8, 1, "x.example", "a.example"}, 3},
        {{8, 0, "x.example", "b.example"}, 1},
        {{8, 1, "x.corp.example", "b.example"}, 2},
        {{8, 1, NULL, "b.example"}, -1},
        {{8, 1, "x.example", "b.example"}, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct rule *found = rule_find(rules, 4, &cases[i].question);

        assert_ptr_equal(found,
                         cases[i].rule < 0 ? NULL : &rules[cases[i].rule]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_domains_and_what_is_below),
        cmocka_unit_test(finds_the_first_that_matches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
