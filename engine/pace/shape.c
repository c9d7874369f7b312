#include "pace/shape.h"

#define US_A_SECOND 1000000.0
#define SHAPE_STEP 0.5 /* a low rate rises by that, at least */
#define SHAPE_LOW 1.0  /* of a rate below, its double is no proof of plenty */

enum {
    SHAPE_SEEN_US = 1000000,
    SHAPE_GLANCE_US = 200000,
    SHAPE_SILENCE_US = 4000000, /* then it is measured anew */
    SHAPE_STEP_US = 1000000,
};

static void set_rate(struct shape *s, double rate, int64_t now_us)
{
    s->rate = rate < SHAPE_FLOOR ? SHAPE_FLOOR : rate;
    /* Evenly, one at a time: the interval is all that counts. */
    meter_gate_set(&s->gate, 1, (int64_t)(1e9 / s->rate), 1, now_us);
}

void shape_sent(struct shape *s, int64_t now_us)
{
    int64_t passed_us = now_us - s->window_us;

    meter_gate_spend(&s->gate, now_us);
    s->n_since++;
    if (s->window_us == 0 || passed_us > SHAPE_SILENCE_US) {
        s->window_us = now_us;
        s->n_window = 1;
        return;
    }
    s->n_window++;
    if (passed_us < SHAPE_SEEN_US)
        return;
    double rate = (double)s->n_window * US_A_SECOND / (double)passed_us;

    s->seen = s->seen > 0 ? (s->seen + rate) / 2 : rate;
    s->window_us = now_us;
    s->n_window = 0;
}

/* What was really sent a second; within the first one, as it looked so far. */
static double sent_rate(const struct shape *s, int64_t now_us)
{
    int64_t passed_us = now_us - s->window_us;
    double lately =
        (double)s->n_window * US_A_SECOND /
        (double)(passed_us > SHAPE_GLANCE_US ? passed_us : SHAPE_GLANCE_US);

    return lately > s->seen ? lately : s->seen;
}

/* A quarter of the mails complained about, or more, is as bad as can be: what
 * is left of the rate then. Few of them weigh less. */
static double factor(const struct shape *s)
{
    double share =
        s->n_since > 0 ? 4 * (double)s->n_complaints / (double)s->n_since : 1;
    double left = 1 - (1 - SHAPE_FACTOR) * (share < 1 ? share : 1);

    return left < SHAPE_MILD ? left : SHAPE_MILD;
}

static bool is_same_complaint(const struct shape *s, int64_t now_us)
{
    int64_t passed_us = now_us - s->complained_us;

    return passed_us < SHAPE_SETTLE_US ||
           (s->n_since < SHAPE_SAMPLE && passed_us < SHAPE_SAMPLE_US);
}

void shape_slow_down(struct shape *s, int64_t now_us)
{
    double was, left;

    s->n_complaints++;
    if (s->rate > 0 && is_same_complaint(s, now_us))
        return;
    was = s->rate > 0 ? s->rate : sent_rate(s, now_us);
    left = s->rate > 0 ? factor(s) : SHAPE_FACTOR;
    if (was < SHAPE_FLOOR)
        was = 1;
    s->peak = was;
    s->complained_us = s->risen_us = now_us;
    s->n_since = s->n_complaints = 0;
    set_rate(s, was * left, now_us);
}

void shape_delivered(struct shape *s, int64_t now_us)
{
    double passed = (double)(now_us - s->risen_us);

    if (s->rate <= 0 || now_us - s->complained_us < SHAPE_PEACE_US ||
        passed < SHAPE_STEP_US)
        return;
    /* Nothing is learned of a rate by not sending. */
    if (passed > 2 / s->rate * US_A_SECOND + 2 * SHAPE_STEP_US)
        passed = SHAPE_STEP_US;
    s->risen_us = now_us;
    s->rate += (s->peak > SHAPE_STEP ? s->peak : SHAPE_STEP) * passed /
               US_A_SECOND / SHAPE_RISE_SECONDS;
    if (s->rate >= 2 * s->peak && s->peak < SHAPE_LOW) {
        s->peak = s->rate;
    } else if (s->rate >= 2 * s->peak) {
        s->rate = 0;
        s->gate = (struct meter_gate){0};
        return;
    }
    set_rate(s, s->rate, now_us);
}

/* Whoever has a lane may open one connection, or would never learn more. */
static double at_least_one(double lines)
{
    return lines < 1 ? 1 : lines;
}

void shape_connect_failed(struct shape *s, unsigned open, unsigned ready,
                          int64_t now_us)
{
    double was = s->lines > 0 ? s->lines : (double)open + 1;
    double least = ready > 1 ? ready : 1;

    if (s->lines > 0 && now_us - s->failed_us < SHAPE_SETTLE_US)
        return;
    s->failed_us = s->lines_risen_us = now_us;
    s->lines = was / 2 < least ? least : was / 2;
}

void shape_connected(struct shape *s, unsigned open, int64_t now_us)
{
    if (s->lines <= 0 || now_us - s->lines_risen_us < SHAPE_PEACE_US ||
        (double)open + 1 < s->lines)
        return;
    s->lines_risen_us = now_us;
    s->lines += 1;
}

void shape_restore(struct shape *s, double rate, double lines, int64_t now_us)
{
    shape_forget(s);
    if (rate > 0) {
        s->peak = rate;
        s->complained_us = s->risen_us = now_us;
        set_rate(s, rate, now_us);
    }
    s->lines = lines > 0 ? at_least_one(lines) : 0;
    s->failed_us = s->lines_risen_us = now_us;
}

void shape_scale(struct shape *s, double by, int64_t now_us)
{
    s->peak *= by;
    s->seen *= by;
    if (s->rate > 0)
        set_rate(s, s->rate * by, now_us);
    if (s->lines > 0)
        s->lines = at_least_one(s->lines * by);
}

void shape_forget(struct shape *s)
{
    s->rate = s->peak = s->lines = 0;
    s->gate = (struct meter_gate){0};
}
