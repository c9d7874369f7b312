/* Each rule of rules.def fires on its own fixture, and none is hidden behind
 * an earlier one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bounce/classify.h"
#include "bounce/reply.h"
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct bounce_verdict classify(const char *text)
{
    struct bounce_reply reply;

    bounce_reply_find(text, strlen(text), &reply);
    struct bounce_evidence e = {
        .code = reply.code,
        .status = reply.status,
        .text = text,
        .text_len = strlen(text),
    };
    return bounce_classify(&e);
}

static void every_rule_fires(void **state)
{
    size_t n, hidden = 0;
    const struct bounce_rule *rules = bounce_rules(&n);

    (void)state;
    assert_true(n > 100);
    for (size_t i = 0; i < n; i++) {
        struct bounce_verdict v = classify(rules[i].fixture);
        if (v.rule == (int)i)
            continue;
        hidden++;
        fprintf(stderr, "rule \"%s\" does not decide \"%s\": %s does\n",
                rules[i].phrase, rules[i].fixture,
                v.rule < 0 ? "none" : rules[v.rule].phrase);
    }
    assert_int_equal(hidden, 0);
}

static void phrases_are_folded(void **state)
{
    size_t n;
    const struct bounce_rule *rules = bounce_rules(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        assert_true(rules[i].phrase[0]);
        for (const char *c = rules[i].phrase; *c; c++)
            assert_false(*c >= 'A' && *c <= 'Z');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_fires),
        cmocka_unit_test(phrases_are_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
