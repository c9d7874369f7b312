#include "api/pace.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static void is(double rate, double expected)
{
    assert_true(rate > expected - 0.01 && rate < expected + 0.01);
}

static void measures_over_a_window(void **state)
{
    (void)state;
    is(pace_note("a", 1000, 0), -1);
    is(pace_note("a", 1400, 100), -1); /* too soon to say */
    is(pace_note("a", 2000, 1000), 1000);
    is(pace_note("b", 2000, 5), -1); /* another campaign */
    is(pace_note("a", 4000, 1000), 1000.0 / 3);
    /* What is older than the window no longer counts: here, the first two. */
    is(pace_note("a", 9000, 6000), 1000);
    is(pace_note("a", 90000, 9000), -1);
}

/* Looking twenty times a second must not shorten the window. */
static void looks_often(void **state)
{
    (void)state;
    for (int i = 0; i <= 200; i++)
        pace_note("often", 100000 + i * 50, i * 10);
    is(pace_note("often", 110050, 2010), 200);
    /* Since the sample of 106000, when 1,200 were done. */
    is(pace_note("often", 112000, 2010), 135);
}

static void forgets_the_least_lately_seen(void **state)
{
    char name[PACE_ID_MAX];

    (void)state;
    pace_note("kept", 200000, 0);
    for (int i = 0; i < PACE_CAMPAIGNS_MAX - 1; i++) {
        snprintf(name, sizeof name, "other %d", i);
        pace_note(name, 200000 + i, 0);
    }
    pace_note("kept", 201000, 500);
    pace_note("one more", 201000, 0);
    is(pace_note("kept", 202000, 1000), 500);
    is(pace_note("other 0", 202000, 1000), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_over_a_window),
        cmocka_unit_test(looks_often),
        cmocka_unit_test(forgets_the_least_lately_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
