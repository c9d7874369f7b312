#include "cli/sink/rules.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct sink_rules rules;

static int fini(void **state)
{
    (void)state;
    sink_rules_fini(&rules);
    return 0;
}

static const struct sink_rule *at_rcpt(const char *recipient, int64_t now_ms)
{
    return sink_rules_match(&rules, SINK_AT_RCPT, "s@x", recipient, now_ms);
}

static const struct {
    const char *text;
    enum status status;
    const char *pattern;
    double share;
    int64_t times;
    enum sink_step step;
    const char *reply;
} texts[] = {
    {"*", STATUS_OK, "*", 1, 0, SINK_AT_RCPT,
     "450 4.2.1 mailbox busy, try again later"},
    {"*@x=0.25", STATUS_OK, "*@x", 0.25, 0, SINK_AT_RCPT, NULL},
    {"*@x=25%+3@dot:451 4.3.0 a: b=c", STATUS_OK, "*@x", 0.25, 3, SINK_AT_DOT,
     "451 4.3.0 a: b=c"},
    {"a=b+c@x", STATUS_OK, "a=b+c@x", 1, 0, SINK_AT_RCPT, NULL},
    {"*@data.example@data", STATUS_OK, "*@data.example", 1, 0, SINK_AT_DATA,
     NULL},
    {"", STATUS_INVALID, NULL, 0, 0, SINK_AT_RCPT, NULL},
    {"=0.5", STATUS_INVALID, NULL, 0, 0, SINK_AT_RCPT, NULL},
    {"*=1.5", STATUS_INVALID, NULL, 0, 0, SINK_AT_RCPT, NULL},
    {"*=101%", STATUS_INVALID, NULL, 0, 0, SINK_AT_RCPT, NULL},
    {"*+0", STATUS_INVALID, NULL, 0, 0, SINK_AT_RCPT, NULL},
    {"*+9999999", STATUS_INVALID, NULL, 0, 0, SINK_AT_RCPT, NULL},
    {"*:550 5.0.0 wrong class", STATUS_INVALID, NULL, 0, 0, SINK_AT_RCPT, NULL},
    {"*:45 x", STATUS_INVALID, NULL, 0, 0, SINK_AT_RCPT, NULL},
    {"*:4500 x", STATUS_INVALID, NULL, 0, 0, SINK_AT_RCPT, NULL},
    {"*:450 a\r\n250 b", STATUS_INVALID, NULL, 0, 0, SINK_AT_RCPT, NULL},
};

static void texts_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error err;
        rules.n = 0;
        enum status got =
            sink_rules_add(&rules, SINK_DEFERRED, texts[i].text, &err);
        if (got != texts[i].status)
            fail_msg("%s: %s", texts[i].text, status_text(got));
        assert_int_equal(rules.n, got == STATUS_OK);
        if (got != STATUS_OK)
            continue;
        const struct sink_rule *rule = &rules.rules[0];
        assert_string_equal(rule->pattern, texts[i].pattern);
        assert_true(rule->share >= texts[i].share &&
                    rule->share <= texts[i].share);
        assert_int_equal(rule->times, texts[i].times);
        assert_int_equal(rule->step, texts[i].step);
        if (texts[i].reply)
            assert_string_equal(rule->reply, texts[i].reply);
    }
}

static void share_is_kept_and_steady(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(sink_rules_add(&rules, SINK_REFUSED, "*=0.1", &err), 0);
    int refused = 0;
    for (int i = 0; i < 10000; i++) {
        char address[32], upper[32];
        snprintf(address, sizeof address, "u%d@x", i);
        snprintf(upper, sizeof upper, "U%d@X", i);
        bool hit = at_rcpt(address, 1) != NULL;
        assert_true(hit == (at_rcpt(upper, 2) != NULL));
        refused += hit;
    }
    assert_in_range(refused, 900, 1100);
}

static void times_are_counted_per_address(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(sink_rules_add(&rules, SINK_DEFERRED, "*+2", &err), 0);
    for (int round = 0; round < 3; round++) {
        assert_true((at_rcpt("a@x", 1) != NULL) == (round < 2));
        assert_true((at_rcpt("b@x", 1) != NULL) == (round < 2));
    }
}

static void greylist_lets_through_when_it_is_time(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(sink_rules_add_greylist(&rules, "1.5,*@x", &err), 0);
    assert_non_null(at_rcpt("a@x", 1000));
    assert_non_null(at_rcpt("A@x", 2499));
    assert_null(at_rcpt("a@x", 2501));
    assert_null(at_rcpt("a@y", 1000));
    /* Another sender is another pair. */
    assert_non_null(sink_rules_match(&rules, SINK_AT_RCPT, "t@x", "a@x", 9000));
    assert_int_equal(sink_rules_add_greylist(&rules, "x", &err),
                     STATUS_INVALID);
    assert_int_equal(sink_rules_add_greylist(&rules, "-1", &err),
                     STATUS_INVALID);
    assert_int_equal(sink_rules_add_greylist(&rules, "1;*", &err),
                     STATUS_INVALID);
}

static void rules_are_limited(void **state)
{
    (void)state;
    struct error err;
    for (int i = 0; i < SINK_RULES_MAX; i++)
        assert_int_equal(sink_rules_add(&rules, SINK_REFUSED, "*", &err), 0);
    assert_int_equal(sink_rules_add(&rules, SINK_REFUSED, "*", &err),
                     STATUS_TOO_BIG);
}

static void seen_holds_to_its_limit(void **state)
{
    (void)state;
    struct sink_seen seen = {0};
    uint64_t mixed = 1;
    for (uint64_t i = 0; i < SINK_SEEN_MAX / 2; i++) {
        mixed = i * UINT64_C(0x9e3779b97f4a7c15);
        int64_t *value = sink_seen_at(&seen, mixed);
        assert_non_null(value);
        assert_int_equal(*value, 0);
        *value = (int64_t)i + 1;
    }
    assert_null(sink_seen_at(&seen, 12345));
    assert_int_equal(*sink_seen_at(&seen, mixed), SINK_SEEN_MAX / 2);
    sink_seen_fini(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(texts_are_read_or_refused, fini),
        cmocka_unit_test_teardown(share_is_kept_and_steady, fini),
        cmocka_unit_test_teardown(times_are_counted_per_address, fini),
        cmocka_unit_test_teardown(greylist_lets_through_when_it_is_time, fini),
        cmocka_unit_test_teardown(rules_are_limited, fini),
        cmocka_unit_test(seen_holds_to_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
