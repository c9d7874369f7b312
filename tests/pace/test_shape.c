#include "pace/shape.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000)
enum { STEP_US = 5000, OPEN_RATE = 400 };

/* A site that takes so many a second, and complains about each one more. We
 * have mail without end and could send OPEN_RATE a second. */
struct site {
    struct shape shape;
    double takes; /* a second */
    double bucket;
    int64_t now, free_at;
    long sent, refused;
};

static void live(struct site *s, int seconds)
{
    int64_t until = s->now + seconds * SECOND;

    s->sent = s->refused = 0;
    for (; s->now < until; s->now += STEP_US) {
        int64_t when = 0;

        s->bucket += s->takes * STEP_US / 1e6;
        if (s->bucket > s->takes + 1)
            s->bucket = s->takes + 1;
        while (s->free_at <= s->now &&
               meter_gate_allows(&s->shape.gate, s->now, &when)) {
            s->free_at = (s->free_at < s->now - STEP_US ? s->now : s->free_at) +
                         SECOND / OPEN_RATE;
            shape_sent(&s->shape, s->now);
            s->sent++;
            if (s->bucket >= 1) {
                s->bucket -= 1;
                shape_delivered(&s->shape, s->now);
            } else {
                s->refused++;
                shape_slow_down(&s->shape, s->now);
            }
        }
    }
}

static void converges_to_a_limit_that_nobody_told(void **state)
{
    static const double limits[] = {0.5, 3, 20, 100};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct site site = {.takes = limits[i], .now = 1000 * SECOND};
        double rate, refused;

        live(&site, 300);
        live(&site, 3600);
        rate = (double)(site.sent - site.refused) / 3600;
        refused = (double)site.refused / (double)site.sent;
        assert_true(rate > 0.6 * limits[i]);
        assert_true(refused < 0.03);
    }
}

/* A limit that goes away is found out, too. */
static void recovers(void **state)
{
    struct site site = {.takes = 10, .now = SECOND};

    (void)state;
    live(&site, 600);
    assert_true(site.shape.rate > 0 && site.shape.rate < 15);
    site.takes = 10000;
    live(&site, 1800);
    assert_true(site.shape.rate == 0);
    live(&site, 10);
    assert_true(site.sent > OPEN_RATE * 9);
}

static void has_a_floor_and_leaves_it(void **state)
{
    struct site site = {.takes = 0, .now = SECOND};

    (void)state;
    live(&site, 3600);
    assert_true(site.shape.rate >= SHAPE_FLOOR && site.shape.rate < 0.2);
    live(&site, 600);
    assert_in_range(site.sent, 600 / 21, 600 / 5);
    site.takes = 50;
    live(&site, 3600);
    live(&site, 600);
    assert_true(site.sent > 600);
}

/* A burst of complaints about one burst of mail is one complaint. */
static void many_complaints_at_once_are_one(void **state)
{
    struct shape s = {0};
    int64_t now = 50 * SECOND;
    double rate;

    (void)state;
    for (int i = 0; i < 2000; i++)
        shape_sent(&s, now + i * 10000);
    now += 20 * SECOND;
    shape_slow_down(&s, now);
    rate = s.rate;
    assert_true(rate > 50 && rate < 70);
    for (int i = 0; i < 100; i++)
        shape_slow_down(&s, now + i);
    assert_true(s.rate == rate);
    shape_slow_down(&s, now + SHAPE_SETTLE_US);
    assert_true(s.rate == rate);
    for (int i = 0; i < SHAPE_SAMPLE; i++)
        shape_sent(&s, now + SHAPE_SETTLE_US);
    shape_slow_down(&s, now + SHAPE_SETTLE_US);
    assert_true(s.rate < rate);
    rate = s.rate;
    shape_slow_down(&s, now + SHAPE_SETTLE_US + SHAPE_SAMPLE_US);
    assert_true(s.rate < rate);
}

static void connections_go_down_and_up(void **state)
{
    struct shape s = {0};
    int64_t now = SECOND;

    (void)state;
    shape_connected(&s, 5, now);
    assert_true(s.lines == 0);
    shape_connect_failed(&s, 7, 0, now);
    assert_true(s.lines == 4);
    for (int i = 1; i < 10; i++)
        shape_connect_failed(&s, 3, 0, now + i * 2 * SHAPE_SETTLE_US);
    assert_true(s.lines == 1);
    now += 100 * SECOND;
    shape_connected(&s, 1, now);
    assert_true(s.lines == 2);
    shape_connected(&s, 2, now + 1);
    assert_true(s.lines == 2);
}

/* A server that takes so many and refuses more is not asked to take less. */
static void connections_that_work_are_kept(void **state)
{
    struct shape s = {0};

    (void)state;
    for (int i = 1; i < 10; i++)
        shape_connect_failed(&s, 3, 3, SECOND + i * 2 * SHAPE_SETTLE_US);
    assert_true(s.lines == 3);
}

static void survives_a_restart(void **state)
{
    struct shape s = {0};
    int64_t when = 0;

    (void)state;
    shape_restore(&s, 2, 3, 9 * SECOND);
    assert_true(s.rate == 2 && s.lines == 3);
    shape_sent(&s, 9 * SECOND);
    assert_false(meter_gate_allows(&s.gate, 9 * SECOND + 1, &when));
    assert_true(when == 9 * SECOND + SECOND / 2);
    shape_restore(&s, 0, 0.5, 9 * SECOND);
    assert_true(s.rate == 0 && s.lines == 1); /* or it would be stuck */
    assert_true(meter_gate_allows(&s.gate, 9 * SECOND + 1, &when));
    shape_forget(&s);
    assert_true(s.lines == 0);
}

/* A bound goes where the share of the lanes goes, and so does the way up. */
static void follows_its_share(void **state)
{
    struct shape whole = {0}, half = {0};
    int64_t now = 100 * SECOND, when = 0;

    (void)state;
    shape_restore(&whole, 8, 3, now);
    shape_restore(&half, 4, 1, now);
    shape_scale(&whole, 0.5, now);
    assert_true(whole.rate == half.rate && whole.peak == half.peak);
    assert_true(whole.lines == 1.5);
    shape_scale(&whole, 0.5, now);
    assert_true(whole.rate == 2 && whole.lines == 1);
    shape_scale(&whole, 2, now);
    shape_sent(&whole, now);
    assert_false(meter_gate_allows(&whole.gate, now + 1, &when));
    assert_true(when == now + SECOND / 4);
    for (int i = 0; i < 1000 && half.rate > 0; i++) {
        now += SECOND;
        shape_delivered(&whole, now);
        shape_delivered(&half, now);
        assert_true(whole.rate == half.rate);
    }
    assert_true(half.rate == 0);
    shape_scale(&half, 2, now);
    assert_true(half.rate == 0 && half.lines == 2);
    shape_forget(&half);
    shape_scale(&half, 2, now);
    assert_true(half.lines == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(converges_to_a_limit_that_nobody_told),
        cmocka_unit_test(recovers),
        cmocka_unit_test(has_a_floor_and_leaves_it),
        cmocka_unit_test(many_complaints_at_once_are_one),
        cmocka_unit_test(connections_go_down_and_up),
        cmocka_unit_test(connections_that_work_are_kept),
        cmocka_unit_test(survives_a_restart),
        cmocka_unit_test(follows_its_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
