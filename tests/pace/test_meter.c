#include "pace/meter.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SENT_MAX = 20000 };
#define SECOND INT64_C(1000000)

static struct limits limits_of(const char *text)
{
    struct limits limits;

    assert_int_equal(limits_parse(text, &limits, NULL), STATUS_OK);
    return limits;
}

/* The most of n times that any window of that length holds. */
static int most_within(const int64_t *at_us, int n, int64_t window_us)
{
    int most = 0, from = 0;

    for (int i = 0; i < n; i++) {
        while (at_us[i] - at_us[from] >= window_us)
            from++;
        most = i - from + 1 > most ? i - from + 1 : most;
    }
    return most;
}

/* Send whenever it is allowed, asked every step_us, or idle for a while now
 * and then; the most that any window of the period's length held. */
static int most_in_window(const char *text, int64_t period_us, int64_t for_us,
                          int64_t step_us, bool pauses)
{
    static int64_t sent[SENT_MAX];
    const struct limits limits = limits_of(text);
    struct meter meter = {0};
    int n = 0;

    meter_set(&meter, &limits, 0, 1, 77);
    for (int64_t now = 77; now < for_us && n < SENT_MAX; now += step_us) {
        int64_t when = 0;

        if (pauses && now / (2 * period_us) % 2 == 1)
            continue;
        while (n < SENT_MAX && meter_allows(&meter, now, &when)) {
            meter_spend(&meter, now);
            sent[n++] = now;
        }
    }
    return most_within(sent, n, period_us);
}

/* ... and nearly all of it is used. */
static void no_window_holds_more(void **state)
{
    static const struct {
        const char *text;
        int64_t period_us;
        int n;
    } cases[] = {
        {"mails_per_second=1", SECOND, 1},
        {"mails_per_second=7", SECOND, 7},
        {"mails_per_second=100", SECOND, 100},
        {"mails_per_second=100 burst=100", SECOND, 100},
        {"mails_per_minute=100 burst=40", 60 * SECOND, 100},
        {"mails_per_hour=50 burst=1", 3600 * SECOND, 50},
        {"mails_per_hour=5000 burst=999999", 3600 * SECOND, 5000},
        {"mails_per_day=3", 86400 * SECOND, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int pauses = 0; pauses < 2; pauses++) {
            int64_t p = cases[i].period_us;
            int most =
                most_in_window(cases[i].text, p, 9 * p, p / 3001, pauses);

            assert_true(most <= cases[i].n);
            assert_true(most >=
                        (pauses ? cases[i].n * 99 / 100 - 1 : cases[i].n / 2));
        }
}

static void a_start_is_no_burst(void **state)
{
    const struct limits limits = limits_of("mails_per_second=100 burst=50");
    struct meter meter = {0};
    int64_t when = 0;
    int n = 0;

    (void)state;
    meter_set(&meter, &limits, 0, 1, 5 * SECOND);
    for (; meter_allows(&meter, 5 * SECOND, &when); n++)
        meter_spend(&meter, 5 * SECOND);
    assert_int_equal(n, 1);
    assert_true(when > 5 * SECOND && when < 6 * SECOND);
    assert_true(meter_allows(&meter, when, &when));
    for (n = 0; meter_allows(&meter, 60 * SECOND, &when); n++)
        meter_spend(&meter, 60 * SECOND);
    assert_int_equal(n, 50);
}

static void all_periods_hold_and_the_longest_wait_is_told(void **state)
{
    const struct limits limits =
        limits_of("mails_per_second=10 mails_per_hour=2 burst=2");
    struct meter meter = {0};
    int64_t when = 0;

    (void)state;
    meter_set(&meter, &limits, 0, 1, 0);
    assert_int_equal(meter_binding(&meter, 7200 * SECOND), LIMITS);
    assert_true(meter_allows(&meter, 7200 * SECOND, &when));
    meter_spend(&meter, 7200 * SECOND);
    assert_false(meter_allows(&meter, 7201 * SECOND, &when));
    assert_int_equal(meter_binding(&meter, 7201 * SECOND),
                     LIMIT_MAILS_PER_HOUR);
    assert_true(when > 7200 * SECOND + 1700 * SECOND);
}

/* A day's limit of 1 that was used does not hold up a day's limit of a
 * million; and lowering one is no way to a new burst. */
static void a_changed_limit_applies_at_once(void **state)
{
    const struct limits one = limits_of("mails_per_day=1");
    const struct limits many = limits_of("mails_per_day=1000000");
    struct meter meter = {0};
    int64_t when = 0;

    (void)state;
    meter_set(&meter, &one, 0, 1, 0);
    meter_spend(&meter, 0);
    meter_set(&meter, &many, 0, 1, SECOND);
    assert_true(meter_allows(&meter, 2 * SECOND, &when));
    meter_spend(&meter, 2 * SECOND);
    meter_set(&meter, &one, 0, 1, 2 * SECOND);
    when = 0;
    meter_spend(&meter, 2 * SECOND);
    assert_false(meter_allows(&meter, 3 * SECOND, &when));
}

static void lanes_divide_it(void **state)
{
    const struct limits limits = limits_of("mails_per_second=5");
    int total = 0;

    (void)state;
    for (unsigned lane = 0; lane < 3; lane++) {
        struct meter meter = {0};
        int64_t when = 0;

        meter_set(&meter, &limits, lane, 3, 0);
        for (int64_t now = 10 * SECOND; now < 11 * SECOND; now += 1000)
            while (meter_allows(&meter, now, &when)) {
                meter_spend(&meter, now);
                total++;
            }
    }
    assert_int_equal(total, 5);
}

/* Four workers, each with more to send than it may, whose clocks are some
 * milliseconds apart and who look at different moments. The most in a window,
 * and how many each sent. */
static int most_of_turns(const char *text, int64_t period_us, unsigned workers,
                         int sent_by[])
{
    static int64_t sent[SENT_MAX];
    const struct limits limits = limits_of(text);
    const int64_t start = INT64_C(1000000) * SECOND, step = 47000;
    struct meter meters[16] = {0};
    int n = 0;

    for (unsigned w = 0; w < workers; w++)
        meter_set_turns(&meters[w], &limits, w, workers,
                        start + (int64_t)w * 1000, 1);
    for (int64_t now = 1; now < 40 * period_us; now += step / workers) {
        unsigned w = (unsigned)(now / (step / workers)) % workers;
        int64_t when = 0;

        if (!meter_allows(&meters[w], now, &when)) {
            assert_true(when > now);
            continue;
        }
        meter_spend(&meters[w], now);
        assert_false(meter_allows(&meters[w], now, &when));
        sent_by[w]++;
        sent[n++] = now;
    }
    return most_within(sent, n, period_us);
}

static void who_are_more_than_the_limit_take_turns(void **state)
{
    static const struct {
        const char *text;
        int64_t period_us;
        int n;
    } cases[] = {
        {"mails_per_second=1", SECOND, 1},
        {"mails_per_second=2", SECOND, 2},
        {"mails_per_second=3", SECOND, 3},
        {"mails_per_second=5", SECOND, 5},
        {"mails_per_minute=1", 60 * SECOND, 1},
        {"mails_per_minute=3", 60 * SECOND, 3},
        {"mails_per_minute=9 mails_per_second=1", 60 * SECOND, 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int sent_by[4] = {0};
        int most = most_of_turns(cases[i].text, cases[i].period_us, 4, sent_by);
        int least = cases[i].n * 40 / 4 / 2; /* half of a fair share */

        assert_in_range(most, 1, cases[i].n);
        for (int w = 0; w < 4; w++)
            assert_true(sent_by[w] >= least);
    }
}

/* From shares to turns and back, with a limit that changes. */
static void turns_and_shares_follow_one_another(void **state)
{
    struct limits few = limits_of("mails_per_second=1"),
                  many = limits_of("mails_per_second=40");
    struct meter meter = {0};
    int64_t when = 0;
    int sent = 0;

    (void)state;
    meter_set_turns(&meter, &few, 1, 2, SECOND * 1000, 1);
    assert_true(meter_rate(&meter) > 0.3 && meter_rate(&meter) < 0.5);
    meter_set_turns(&meter, &many, 1, 2, SECOND * 1000, SECOND);
    for (int64_t now = SECOND; now < 2 * SECOND; now += 1000)
        if (meter_allows(&meter, now, &when)) {
            meter_spend(&meter, now);
            sent++;
        }
    assert_in_range(sent, 15, 20);
    meter_set_turns(&meter, &few, 1, 2, SECOND * 1000, 2 * SECOND);
    sent = 0;
    for (int64_t now = 2 * SECOND; now < 12 * SECOND; now += 1000)
        if (meter_allows(&meter, now, &when)) {
            meter_spend(&meter, now);
            sent++;
        }
    assert_in_range(sent, 3, 5);
}

static int sent_from(struct meter *meter, int64_t from, int64_t for_us)
{
    int64_t when;
    int sent = 0;

    for (int64_t now = from; now < from + for_us; now += 10000)
        if (meter_allows(meter, now, &when)) {
            meter_spend(meter, now);
            sent++;
        }
    return sent;
}

/* More workers, another period, a clock that steps back: turns go on. */
static void turns_go_on_whatever_changes(void **state)
{
    const struct limits second = limits_of("mails_per_second=1"),
                        minute = limits_of("mails_per_minute=1");
    const int64_t clock = INT64_C(1800000000) * SECOND, hour = 3600 * SECOND;
    struct meter meter = {0};

    (void)state;
    meter_set_turns(&meter, &second, 1, 2, clock, 1);
    assert_in_range(sent_from(&meter, 1, 20 * SECOND), 7, 10);
    meter_set_turns(&meter, &second, 1, 3, clock, 20 * SECOND);
    assert_in_range(sent_from(&meter, 20 * SECOND, 30 * SECOND), 7, 10);
    meter_set_turns(&meter, &second, 1, 3, clock - hour, 50 * SECOND);
    assert_in_range(sent_from(&meter, 50 * SECOND, 30 * SECOND), 7, 10);
    meter_set_turns(&meter, &minute, 1, 3, clock - hour, 80 * SECOND);
    assert_in_range(sent_from(&meter, 80 * SECOND, 1200 * SECOND), 4, 7);
    meter_set_turns(&meter, &second, 0, 2, clock, 1300 * SECOND);
    assert_in_range(sent_from(&meter, 1300 * SECOND, 20 * SECOND), 7, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_holds_more),
        cmocka_unit_test(a_start_is_no_burst),
        cmocka_unit_test(all_periods_hold_and_the_longest_wait_is_told),
        cmocka_unit_test(a_changed_limit_applies_at_once),
        cmocka_unit_test(lanes_divide_it),
        cmocka_unit_test(who_are_more_than_the_limit_take_turns),
        cmocka_unit_test(turns_and_shares_follow_one_another),
        cmocka_unit_test(turns_go_on_whatever_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
