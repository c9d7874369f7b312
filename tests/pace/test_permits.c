#include "pace/permits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define NOW (1000 * SECOND)

/* Place 0 of so many workers. */
static struct permits permits_of(int64_t limit, unsigned workers)
{
    struct permits p = {0};

    permits_limit(&p, limit, 0, workers);
    return p;
}

static unsigned asked(struct permits *p, int64_t now_us)
{
    unsigned want;

    return permits_ask(p, now_us, &want) ? want : UINT32_MAX;
}

static void without_a_limit_all_may(void **state)
{
    struct permits p = {0};
    unsigned want;

    (void)state;
    assert_true(permits_allow(&p, NOW));
    for (int i = 0; i < 1000; i++)
        permits_use(&p, NOW);
    assert_true(permits_allow(&p, NOW));
    permits_refused(&p, NOW);
    assert_false(permits_ask(&p, NOW, &want));
    assert_true(permits_rate(&p) <= 0);
}

static void nothing_is_used_that_the_store_did_not_give(void **state)
{
    struct permits p = permits_of(10, 2);

    (void)state;
    assert_false(permits_allow(&p, NOW));
    permits_refused(&p, NOW);
    assert_int_equal(asked(&p, NOW), 1);
    assert_false(permits_allow(&p, NOW));
    permits_told(&p, 1, false, NOW);
    assert_true(permits_allow(&p, NOW));
    permits_use(&p, NOW);
    assert_false(permits_allow(&p, NOW));
}

/* By more as more are used, up to the share; not for each refusal. */
static void more_are_asked_for_while_somebody_is_refused(void **state)
{
    struct permits p = permits_of(10, 2);
    int64_t now = NOW;
    unsigned held = 0;

    (void)state;
    for (int i = 0; i < 10; i++, now += SECOND / 2) {
        while (permits_allow(&p, now))
            permits_use(&p, now);
        permits_refused(&p, now);
        unsigned want = asked(&p, now);

        if (held == 5) {
            assert_int_equal(want, UINT32_MAX);
            continue;
        }
        assert_true(want > held && want <= 5);
        permits_refused(&p, now + 1);
        held = want;
        permits_told(&p, held, false, now);
        assert_int_equal(asked(&p, now + 1), UINT32_MAX);
    }
    assert_int_equal(held, 5);
    assert_int_equal(p.used, 5);
}

static void what_nobody_uses_is_given_back(void **state)
{
    struct permits p = permits_of(10, 2);

    (void)state;
    assert_int_equal(asked(&p, NOW), 0); /* we may hold some of before */
    permits_told(&p, 0, false, NOW);
    permits_refused(&p, NOW + 1);
    assert_int_equal(asked(&p, NOW + SECOND * 3 / 10), 1);
    permits_told(&p, 1, false, NOW + SECOND / 4);
    permits_use(&p, NOW + SECOND / 2);
    assert_int_equal(asked(&p, NOW + 5 * SECOND), UINT32_MAX);
    permits_free(&p, NOW + 6 * SECOND);
    assert_int_equal(asked(&p, NOW + 6 * SECOND + 1), UINT32_MAX);
    assert_true(permits_allow(&p, NOW + 6 * SECOND + 1));
    assert_int_equal(asked(&p, NOW + 8 * SECOND), 0);
    /* At once, not when the store has heard. */
    assert_false(permits_allow(&p, NOW + 8 * SECOND));
}

static void a_smaller_share_is_kept_to_as_uses_end(void **state)
{
    struct permits p = permits_of(4, 1);

    (void)state;
    permits_told(&p, 4, false, NOW);
    for (int i = 0; i < 4; i++)
        permits_use(&p, NOW);
    permits_limit(&p, 4, 0, 2);
    assert_int_equal(permits_cap(&p, NOW), 2);
    assert_int_equal(asked(&p, NOW), UINT32_MAX);
    permits_free(&p, NOW);
    assert_int_equal(asked(&p, NOW), 3);
    permits_told(&p, 3, false, NOW);
    permits_free(&p, NOW);
    assert_int_equal(asked(&p, NOW + SECOND / 2), 2);
    assert_false(permits_allow(&p, NOW + SECOND / 2));
}

/* One for three workers: ours for a while, if another one asks; longer if
 * none does. */
static void few_are_held_by_turns(void **state)
{
    struct permits p = permits_of(1, 3);
    int64_t now = NOW;

    (void)state;
    permits_refused(&p, now);
    assert_int_equal(asked(&p, now), 1);
    permits_told(&p, 1, false, now);
    permits_use(&p, now);
    for (int i = 0; i < 10; i++) {
        now += SECOND;
        assert_int_equal(asked(&p, now), 1); /* does anybody ask? */
        permits_told(&p, 1, i == 9, now);
    }
    assert_int_equal(permits_cap(&p, now), 0);
    assert_false(permits_allow(&p, now));
    permits_refused(&p, now);
    assert_int_equal(asked(&p, now + 1), UINT32_MAX); /* it is in use */
    permits_free(&p, now);
    assert_int_equal(asked(&p, now + 2), 0);
    permits_told(&p, 0, false, now + 2);
    permits_refused(&p, now + 3);
    assert_int_equal(asked(&p, now + SECOND / 2), UINT32_MAX);
    permits_refused(&p, now + SECOND);
    assert_int_equal(asked(&p, now + SECOND), 1);
}

static void a_turn_is_not_cut_short(void **state)
{
    struct permits p = permits_of(1, 3);

    (void)state;
    permits_told(&p, 1, true, NOW);
    assert_int_equal(permits_cap(&p, NOW + PERMITS_TURN_US - 1), 1);
    assert_int_equal(permits_cap(&p, NOW + PERMITS_TURN_US), 0);
}

static void the_rate_follows_from_how_long_one_is_used(void **state)
{
    struct permits p = permits_of(4, 2);
    int64_t now = NOW;

    (void)state;
    permits_told(&p, 2, false, now);
    for (int i = 0; i < 500; i++) {
        permits_use(&p, now);
        now += SECOND / 50;
        permits_free(&p, now);
        now += SECOND / 10;
    }
    assert_true(permits_rate(&p) > 95 && permits_rate(&p) < 105);
}

static void a_worker_by_another_number_starts_with_none(void **state)
{
    struct permits p = permits_of(4, 1);

    (void)state;
    permits_told(&p, 4, false, NOW);
    permits_use(&p, NOW);
    permits_lost(&p);
    assert_false(permits_allow(&p, NOW));
    assert_int_equal(asked(&p, NOW), 1); /* that is in use */
    permits_limit(&p, 0, 0, 1);
    assert_true(permits_allow(&p, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_all_may),
        cmocka_unit_test(nothing_is_used_that_the_store_did_not_give),
        cmocka_unit_test(more_are_asked_for_while_somebody_is_refused),
        cmocka_unit_test(what_nobody_uses_is_given_back),
        cmocka_unit_test(a_smaller_share_is_kept_to_as_uses_end),
        cmocka_unit_test(few_are_held_by_turns),
        cmocka_unit_test(a_turn_is_not_cut_short),
        cmocka_unit_test(the_rate_follows_from_how_long_one_is_used),
        cmocka_unit_test(a_worker_by_another_number_starts_with_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
