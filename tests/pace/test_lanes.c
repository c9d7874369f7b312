#include "pace/lanes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { KEYS = 2000 };

static struct lane_share share_of(int32_t mine, const int32_t *workers,
                                  unsigned n, int key, const char *text)
{
    static struct lanes lanes;
    struct limits limits;
    char name[32];

    assert_int_equal(limits_parse(text, &limits, NULL), STATUS_OK);
    snprintf(name, sizeof name, "site s%d.example", key);
    lanes_set(&lanes, workers, n, mine, 0);
    return lanes_share(&lanes, name, &limits, 1);
}

static void whole_numbers_add_up_to_the_limit(void **state)
{
    static const int32_t workers[] = {3, 14, 15, 92, 65, 35};
    static const char *const texts[] = {
        "connections=5", "connections=1", "connections=100 mails_per_second=3",
        "connections=9 mails_per_connection=1 burst=1"};
    static const int lanes[] = {5, 1, 3, 6};

    (void)state;
    for (int key = 0; key < 100; key++)
        for (int t = 0; t < 4; t++) {
            unsigned seen = 0, n = 0;

            for (unsigned i = 0; i < 6; i++) {
                struct lane_share s =
                    share_of(workers[i], workers, 6, key, texts[t]);

                if (s.n == 0)
                    continue;
                assert_int_equal(s.n, lanes[t]);
                assert_true(s.mine < s.n && !(seen & 1u << s.mine));
                seen |= 1u << s.mine;
                n++;
            }
            assert_int_equal(n, lanes[t]);
        }
}

static int lanes_of(int32_t worker, const int32_t *workers, unsigned n)
{
    int lanes = 0;

    for (int key = 0; key < KEYS; key++)
        lanes += (int)share_of(worker, workers, n, key, "connections=1").n;
    return lanes;
}

static void lanes_are_spread_evenly(void **state)
{
    static const int32_t workers[] = {1, 2, 3, 4, 5};

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        assert_in_range(lanes_of(workers[i], workers, 5), KEYS / 5 * 8 / 10,
                        KEYS / 5 * 12 / 10);
}

/* When a worker goes only its own lanes move. */
static void only_its_own_lanes_move(void **state)
{
    static const int32_t all[] = {1, 2, 3, 4, 5}, left[] = {1, 2, 4, 5};

    (void)state;
    for (int key = 0; key < KEYS; key++)
        for (unsigned i = 0; i < 4; i++)
            if (share_of(left[i], all, 5, key, "connections=1").n)
                assert_int_equal(
                    share_of(left[i], left, 4, key, "connections=1").n, 1);
}

static void a_stranger_and_a_newcomer_have_none(void **state)
{
    static struct lanes lanes;
    static const int32_t workers[] = {1, 2};
    struct limits limits = limits_unset();

    (void)state;
    lanes_set(&lanes, workers, 2, 7, 0);
    limits.of[LIMIT_RETRY_FIRST] = limits.of[LIMIT_RETRY_MOST] = 1;
    limits.of[LIMIT_BURST] = limits.of[LIMIT_MAILS_PER_CONNECTION] = 1;
    assert_int_equal(lanes_share(&lanes, "x", &limits, 1).n, 1);
    limits.of[LIMIT_MAILS_PER_DAY] = 10;
    assert_int_equal(lanes_share(&lanes, "x", &limits, 1).n, 0);
    lanes_set(&lanes, workers, 2, 1, 1000);
    assert_int_equal(lanes_share(&lanes, "x", &limits, 999).n, 0);
    assert_int_equal(lanes_share(&lanes, "x", &limits, 1000).n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_add_up_to_the_limit),
        cmocka_unit_test(lanes_are_spread_evenly),
        cmocka_unit_test(only_its_own_lanes_move),
        cmocka_unit_test(a_stranger_and_a_newcomer_have_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
