#include "pace/turn.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define NOW INT64_C(1000000000)

static int64_t a, b, c; /* since when they wait */

/* Between tests. */
static int nobody(void **state)
{
    (void)state;
    a = b = c = 0;
    return 0;
}

static void nobody_waits(void **state)
{
    struct turn t = {0};

    (void)state;
    assert_true(turn_is_ours(&t, &a, false, NOW));
    assert_false(turn_is_wanted(&t, &a, NOW));
    turn_served(&t, &a, &a);
    assert_true(turn_is_ours(&t, &b, false, NOW));
}

/* Whoever is served goes on, until another one has waited. */
static void who_waits_is_next(void **state)
{
    struct turn t = {0};

    (void)state;
    turn_refused(&t, &a, false, &a, NOW, NOW);
    assert_true(turn_is_wanted(&t, &b, NOW));
    assert_false(turn_is_wanted(&t, &a, NOW));
    assert_true(turn_is_ours(&t, &b, false, NOW + TURN_PATIENCE_US - 1));
    assert_false(turn_is_ours(&t, &b, false, NOW + TURN_PATIENCE_US));
    assert_true(turn_is_ours(&t, &a, false, NOW + TURN_PATIENCE_US));
    turn_served(&t, &b, &b);
    assert_false(turn_is_ours(&t, &b, false, NOW + TURN_PATIENCE_US));
    turn_served(&t, &a, &a);
    assert_true(turn_is_ours(&t, &b, false, NOW + TURN_PATIENCE_US));
}

/* Three of them, who all ask each time: one after the other. */
static void all_are_served_in_turn(void **state)
{
    static int64_t *const all[] = {&a, &b, &c};
    struct turn t = {0};
    int served[3] = {0};
    int64_t now = NOW;

    (void)state;
    for (int i = 0; i < 30; i++, now += TURN_PATIENCE_US) {
        bool taken = false;

        for (int k = 0; k < 3; k++) {
            if (taken || !turn_is_ours(&t, all[k], false, now)) {
                turn_refused(&t, all[k], false, all[k], now, now);
                continue;
            }
            turn_served(&t, all[k], all[k]);
            served[k]++;
            taken = true;
        }
    }
    for (int k = 0; k < 3; k++)
        assert_in_range(served[k], 9, 11);
}

/* More than are remembered, and who was served asks again at once. */
static void nobody_is_forgotten_among_many(void **state)
{
    enum { MANY = 100 };
    static int64_t since[MANY];
    struct turn t = {0};
    int served[MANY] = {0};
    int64_t now = NOW;

    (void)state;
    for (int i = 0; i < 10 * MANY; i++, now += TURN_PATIENCE_US) {
        int who = -1;

        for (int k = 0; k < MANY; k++)
            if (who < 0 && turn_is_ours(&t, &since[k], false, now)) {
                turn_served(&t, &since[k], &since[k]);
                served[k]++;
                turn_refused(&t, &since[k], false, &since[k], now + 1, now + 1);
                who = k;
            } else {
                turn_refused(&t, &since[k], false, &since[k], now, now);
            }
    }
    for (int k = 0; k < MANY; k++)
        assert_in_range(served[k], 5, 15);
}

static void transactional_mail_comes_first(void **state)
{
    struct turn t = {0};
    int64_t now = NOW;

    (void)state;
    turn_refused(&t, &a, false, &a, now, now);
    now += TURN_PATIENCE_US;
    assert_true(turn_is_ours(&t, &b, true, now));
    turn_refused(&t, &b, true, &b, now, now);
    /* At once, and for as long as it waits. */
    assert_false(turn_is_ours(&t, &a, false, now));
    turn_refused(&t, &a, false, &a, now, now);
    assert_true(turn_is_ours(&t, &b, true, now));
    assert_true(turn_is_ours(&t, &c, true, now));
    turn_refused(&t, &c, true, &c, now, now);
    now += TURN_PATIENCE_US;
    assert_false(turn_is_ours(&t, &c, true, now));
    assert_true(turn_is_ours(&t, &b, true, now));
}

/* Where the limit is slow, nobody asks before it is time. */
static void who_asks_seldom_keeps_its_turn(void **state)
{
    struct turn t = {0};
    const int64_t when = NOW + 60 * TURN_STALE_US;

    (void)state;
    turn_refused(&t, &a, false, &a, when, NOW);
    turn_refused(&t, &b, false, &b, when, NOW + 1);
    assert_false(turn_is_ours(&t, &b, false, when));
    assert_true(turn_is_ours(&t, &a, false, when));
    turn_served(&t, &a, &a);
    turn_refused(&t, &a, false, &a, when, when);
    assert_true(turn_is_ours(&t, &b, false, when + TURN_PATIENCE_US));
    assert_false(turn_is_ours(&t, &a, false, when + TURN_PATIENCE_US));
    assert_true(turn_is_ours(&t, &a, false, when + TURN_STALE_US));
}

static void who_asks_no_more_is_forgotten(void **state)
{
    struct turn t = {0};

    (void)state;
    turn_refused(&t, &a, true, &a, NOW, NOW);
    turn_refused(&t, &a, true, &a, NOW + TURN_STALE_US / 2,
                 NOW + TURN_STALE_US / 2);
    assert_false(turn_is_ours(&t, &b, false, NOW + TURN_STALE_US));
    assert_true(
        turn_is_ours(&t, &b, false, NOW + TURN_STALE_US + TURN_STALE_US / 2));
    turn_refused(&t, &b, false, &b, NOW + 2 * TURN_STALE_US,
                 NOW + 2 * TURN_STALE_US);
    assert_true(turn_is_wanted(&t, &a, NOW + 2 * TURN_STALE_US));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_waits, nobody),
        cmocka_unit_test_setup(who_waits_is_next, nobody),
        cmocka_unit_test_setup(all_are_served_in_turn, nobody),
        cmocka_unit_test_setup(nobody_is_forgotten_among_many, nobody),
        cmocka_unit_test_setup(transactional_mail_comes_first, nobody),
        cmocka_unit_test_setup(who_asks_seldom_keeps_its_turn, nobody),
        cmocka_unit_test_setup(who_asks_no_more_is_forgotten, nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
