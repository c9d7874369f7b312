#include "pace/site.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define NOW (1000 * SECOND)

static const struct pace_keys nothing;
static int64_t waits_us;
static const struct pace_asker anyone = {.waits_us = &waits_us};

/* The only worker's. */
static struct pace *pace_of(const char *standard)
{
    struct limits limits;
    struct pace *p;

    assert_int_equal(limits_parse(standard, &limits, NULL), STATUS_OK);
    p = pace_new(&limits);
    pace_lanes(p, &(int32_t){1}, 1, 1, 0, 0, 1);
    return p;
}

static void says_when_the_next_may_go(void **state)
{
    struct pace *p = pace_of("mails_per_hour=60");
    struct pace_site *s = pace_site(p, "a.example", false, 1);
    int64_t next;

    (void)state;
    assert_true(pace_next_us(s, NOW) == NOW);
    pace_spend(s, &nothing, NOW);
    pace_spend(s, &nothing, NOW);
    pace_spend(s, &nothing, NOW);
    next = pace_next_us(s, NOW);
    assert_true(next > NOW + 50 * SECOND && next < NOW + 200 * SECOND);
    pace_pause(s, true);
    assert_true(pace_next_us(s, NOW) == PACE_NEVER_US);
    pace_free(p);
}

static void says_that_a_server_is_not_reached(void **state)
{
    struct pace *p = pace_of("");
    struct pace_site *s = pace_site(p, "corp", true, 1);
    char why[PACE_WHY_MAX];

    (void)state;
    pace_opened(s, &anyone, NOW);
    pace_closed(s, NULL, true, 0, "connect: connection refused", NOW);
    pace_why(s, NOW, why);
    assert_string_equal(why, ""); /* no mail waits */
    pace_ledger(s)->waiting = 3;
    pace_why(s, NOW, why);
    assert_string_equal(why,
                        "corp is not reached: connect: connection refused");
    pace_opened(s, &anyone, NOW);
    pace_connected(s, NOW);
    pace_disconnected(s);
    pace_closed(s, NULL, false, 0, "", NOW);
    pace_why(s, NOW, why);
    assert_string_equal(why, "");
    pace_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_when_the_next_may_go),
        cmocka_unit_test(says_that_a_server_is_not_reached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
