#include "queue/hand.h"
#include "queue/batches.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct hand hand;

static int start(void **state)
{
    (void)state;
    hand_fini(&hand);
    hand_init(&hand);
    return 0;
}

static int64_t next(enum batch_class class)
{
    struct mail *m = hand_next(&hand, class, NULL, NULL);

    if (!m)
        return -1;
    assert_true(m->id.batch == m->parcel->batch->id);
    return m->id.batch * 1000 + m->id.seq;
}

static void gives_transactional_in_order_of_arrival(void **state)
{
    struct batch *a = batch_of(0, 1, 2), *b = batch_of(0, 2, 1);

    (void)state;
    hand_add(&hand, &a->whole, false);
    hand_add(&hand, &b->whole, false);
    assert_int_equal(hand_waiting(&hand, BATCH_TRANSACTIONAL), 3);
    assert_int_equal(hand_waiting(&hand, BATCH_CAMPAIGN), 0);
    assert_int_equal(next(BATCH_CAMPAIGN), -1);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 1000);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 1001);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 2000);
    assert_int_equal(next(BATCH_TRANSACTIONAL), -1);
    assert_int_equal(hand_waiting(&hand, BATCH_TRANSACTIONAL), 0);
    batch_free(a);
    batch_free(b);
}

static void knows_classes_apart(void **state)
{
    struct batch *a = batch_of(0, 1, 1), *b = batch_of(7, 2, 2);

    (void)state;
    hand_add(&hand, &b->whole, false);
    hand_add(&hand, &a->whole, false);
    assert_int_equal(hand_waiting(&hand, BATCH_CAMPAIGN), 2);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 1000);
    assert_int_equal(next(BATCH_TRANSACTIONAL), -1);
    assert_int_equal(next(BATCH_CAMPAIGN), 2000);
    assert_int_equal(next(BATCH_CAMPAIGN), 2001);
    assert_int_equal(next(BATCH_CAMPAIGN), -1);
    batch_free(a);
    batch_free(b);
}

/* Put back while its batch still waits, and when it had left already: either
 * way it is next. */
static void gives_what_was_put_back_first(void **state)
{
    struct batch *a = batch_of(0, 1, 2), *b = batch_of(0, 2, 2);

    (void)state;
    hand_add(&hand, &a->whole, false);
    hand_add(&hand, &b->whole, false);
    struct mail *m = hand_next(&hand, BATCH_TRANSACTIONAL, NULL, NULL);

    batch_put_back(m);
    hand_add(&hand, m->parcel, true);
    assert_int_equal(hand_waiting(&hand, BATCH_TRANSACTIONAL), 4);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 1000);
    m = hand_next(&hand, BATCH_TRANSACTIONAL, NULL, NULL);
    assert_false(m->parcel->listed);
    batch_put_back(m);
    hand_add(&hand, m->parcel, true);
    assert_int_equal(hand_waiting(&hand, BATCH_TRANSACTIONAL), 3);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 1001);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 2000);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 2001);
    assert_int_equal(next(BATCH_TRANSACTIONAL), -1);
    batch_free(a);
    batch_free(b);
}

/* The only one, put back into an empty list: the list's end is right again. */
static void takes_more_after_a_put_back(void **state)
{
    struct batch *a = batch_of(0, 1, 1), *b = batch_of(0, 2, 1);

    (void)state;
    hand_add(&hand, &a->whole, false);
    struct mail *m = hand_next(&hand, BATCH_TRANSACTIONAL, NULL, NULL);

    batch_put_back(m);
    hand_add(&hand, m->parcel, true);
    hand_add(&hand, &b->whole, false);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 1000);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 2000);
    assert_int_equal(next(BATCH_TRANSACTIONAL), -1);
    batch_free(a);
    batch_free(b);
}

static void leaves_empty_batches_alone(void **state)
{
    struct batch *a = batch_of(0, 1, 0), *b = batch_of(3, 2, 0);

    (void)state;
    hand_add(&hand, &a->whole, false);
    hand_add(&hand, &b->whole, false);
    assert_false(a->whole.listed || b->whole.listed);
    assert_int_equal(next(BATCH_TRANSACTIONAL), -1);
    assert_int_equal(next(BATCH_CAMPAIGN), -1);
    batch_free(a);
    batch_free(b);
}

static void is_taken_by_campaign_or_whole(void **state)
{
    struct batch *a = batch_of(0, 1, 2), *b = batch_of(7, 2, 2),
                 *c = batch_of(8, 3, 2);
    const struct test_campaign seven = campaign_of(7);

    (void)state;
    hand_add(&hand, &a->whole, false);
    hand_add(&hand, &b->whole, false);
    hand_add(&hand, &c->whole, false);
    assert_ptr_equal(hand_take(&hand, seven.id), &b->whole);
    assert_null(b->whole.next);
    assert_false(b->whole.listed);
    assert_int_equal(hand_waiting(&hand, BATCH_CAMPAIGN), 2);
    assert_int_equal(hand_waiting(&hand, BATCH_TRANSACTIONAL), 2);
    size_t n = 0;

    for (struct parcel *l = hand_take(&hand, NULL); l; l = l->next) {
        assert_true(l == &a->whole || l == &c->whole);
        assert_false(l->listed);
        n++;
    }
    assert_int_equal(n, 2);
    assert_int_equal(hand_waiting(&hand, BATCH_CAMPAIGN), 0);
    assert_int_equal(hand_waiting(&hand, BATCH_TRANSACTIONAL), 0);
    hand_add(&hand, &a->whole, false); /* the list works on */
    assert_int_equal(next(BATCH_TRANSACTIONAL), 1000);
    batch_free(a);
    batch_free(b);
    batch_free(c);
}

static bool is_not(void *arg, const struct parcel *p)
{
    return p->batch->id != *(const int64_t *)arg;
}

static void who_may_not_go_holds_nobody_up(void **state)
{
    struct batch *a = batch_of(0, 1, 2), *b = batch_of(0, 2, 1),
                 *c = batch_of(0, 3, 1);
    int64_t held = 1;
    struct mail *mail;

    (void)state;
    hand_add(&hand, &a->whole, false);
    hand_add(&hand, &b->whole, false);
    mail = hand_next(&hand, BATCH_TRANSACTIONAL, is_not, &held);
    assert_int_equal(mail->id.batch, 2);
    assert_null(hand_next(&hand, BATCH_TRANSACTIONAL, is_not, &held));
    hand_add(&hand, &c->whole, false); /* behind what stayed */
    assert_int_equal(hand_waiting(&hand, BATCH_TRANSACTIONAL), 3);
    assert_int_equal(next(BATCH_TRANSACTIONAL), 1000);
    mail = hand_next(&hand, BATCH_TRANSACTIONAL, is_not, &held);
    assert_int_equal(mail->id.batch, 3);
    assert_ptr_equal(hand_take_urgent(&hand), &a->whole);
    assert_int_equal(hand_waiting(&hand, BATCH_TRANSACTIONAL), 0);
    assert_int_equal(next(BATCH_TRANSACTIONAL), -1);
    batch_free(a);
    batch_free(b);
    batch_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(gives_transactional_in_order_of_arrival, start),
        cmocka_unit_test_setup(who_may_not_go_holds_nobody_up, start),
        cmocka_unit_test_setup(knows_classes_apart, start),
        cmocka_unit_test_setup(gives_what_was_put_back_first, start),
        cmocka_unit_test_setup(takes_more_after_a_put_back, start),
        cmocka_unit_test_setup(leaves_empty_batches_alone, start),
        cmocka_unit_test_setup(is_taken_by_campaign_or_whole, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
