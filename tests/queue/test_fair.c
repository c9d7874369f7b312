#include "queue/fair.h"
#include "queue/batches.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { BIG = 100000 };

static struct fair fair;

static int start(void **state)
{
    (void)state;
    fair_fini(&fair);
    return 0;
}

static struct batch *come(unsigned campaign, int weight, int32_t n)
{
    struct batch *b = batch_of(campaign, campaign, n);

    b->weight = weight;
    fair_add(&fair, &b->whole, false);
    return b;
}

/* The next n mails, counted by campaign. */
static void pick(size_t *counts, size_t n)
{
    struct mail *m;

    for (size_t i = 0; i < n && (m = fair_next(&fair, NULL, NULL)); i++)
        counts[m->parcel->batch->campaign[0]]++;
}

static void shares_by_weight(void **state)
{
    struct batch *a = come(1, 1, BIG), *b = come(2, 2, BIG),
                 *c = come(3, 7, BIG);
    size_t counts[4] = {0};

    (void)state;
    pick(counts, 10000);
    assert_in_range(counts[1], 999, 1001);
    assert_in_range(counts[2], 1999, 2001);
    assert_in_range(counts[3], 6999, 7001);
    batch_free(a);
    batch_free(b);
    batch_free(c);
}

/* In any short stretch, too: nobody waits for another's thousand. */
static void takes_turns(void **state)
{
    struct batch *a = come(1, 1, BIG), *b = come(2, 1, BIG);

    (void)state;
    for (int i = 0; i < 500; i++) {
        size_t counts[3] = {0};

        pick(counts, 2);
        assert_int_equal(counts[1], 1);
        assert_int_equal(counts[2], 1);
    }
    batch_free(a);
    batch_free(b);
}

static void gives_a_late_one_its_share_and_no_more(void **state)
{
    struct batch *a = come(1, 1, BIG), *b;
    size_t counts[3] = {0};

    (void)state;
    pick(counts, 5000);
    b = come(2, 1, BIG);
    memset(counts, 0, sizeof counts);
    pick(counts, 100);
    assert_in_range(counts[1], 49, 51);
    assert_in_range(counts[2], 49, 51);
    batch_free(a);
    batch_free(b);
}

/* One that idled has saved nothing up, and owes nothing either. */
static void comes_back_from_idling_at_the_lowest_pass(void **state)
{
    struct batch *a = come(1, 1, 1), *b = come(2, 1, BIG), *again;
    size_t counts[3] = {0};

    (void)state;
    pick(counts, 2);
    pick(counts, 5000);
    again = come(1, 1, BIG);
    memset(counts, 0, sizeof counts);
    pick(counts, 100);
    assert_in_range(counts[1], 49, 51);
    batch_free(a);
    batch_free(b);
    batch_free(again);
}

static void forgets_what_was_sent_when_all_idled(void **state)
{
    struct batch *a = come(1, 1, 5000), *b, *again;
    size_t counts[3] = {0};

    (void)state;
    pick(counts, 5000);
    b = come(2, 1, BIG);
    again = come(1, 1, BIG);
    memset(counts, 0, sizeof counts);
    pick(counts, 100);
    assert_in_range(counts[1], 49, 51);
    assert_in_range(counts[2], 49, 51);
    batch_free(a);
    batch_free(b);
    batch_free(again);
}

static void takes_back_at_the_front(void **state)
{
    struct batch *a = come(1, 1, 2), *b = batch_of(1, 50, 1);

    (void)state;
    fair_add(&fair, &b->whole, false);
    struct mail *m = fair_next(&fair, NULL, NULL);

    assert_ptr_equal(fair_next(&fair, NULL, NULL), &a->mails[1]);
    assert_false(a->whole.listed); /* its last one was taken */
    batch_put_back(m);
    fair_add(&fair, &a->whole, true);
    assert_int_equal(fair.waiting, 2);
    assert_ptr_equal(fair_next(&fair, NULL, NULL), m);
    assert_ptr_equal(m->parcel, &a->whole);
    assert_ptr_equal(fair_next(&fair, NULL, NULL), &b->mails[0]);
    assert_null(fair_next(&fair, NULL, NULL));
    assert_int_equal(fair.waiting, 0);
    batch_free(a);
    batch_free(b);
}

static void counts_what_is_put_back_into_a_listed_batch(void **state)
{
    struct batch *a = come(1, 1, 3);

    (void)state;
    struct mail *m = fair_next(&fair, NULL, NULL);

    batch_put_back(m);
    fair_add(&fair, &a->whole, true);
    assert_int_equal(fair.waiting, 3);
    fair_add(&fair, &a->whole, false); /* no put-back: nothing */
    assert_int_equal(fair.waiting, 3);
    batch_free(a);
}

static void is_taken_by_campaign_or_whole(void **state)
{
    struct batch *a = come(1, 1, 3), *b = come(2, 1, 3),
                 *c = batch_of(1, 50, 3);

    (void)state;
    fair_add(&fair, &c->whole, false);
    struct parcel *list = fair_take(&fair, a->campaign);
    size_t n = 0;

    for (; list; list = list->next, n++)
        assert_true(!list->listed && (list == &a->whole || list == &c->whole));
    assert_int_equal(n, 2);
    assert_int_equal(fair.waiting, 3);
    assert_ptr_equal(fair_take(&fair, NULL), &b->whole);
    assert_int_equal(fair.waiting, 0);
    assert_null(fair_take(&fair, NULL));
    batch_free(a);
    batch_free(b);
    batch_free(c);
}

static bool is_not(void *arg, const struct parcel *p)
{
    return p->batch != arg;
}

/* One campaign may not go now: the others share what there is. */
static void passes_over_who_may_not(void **state)
{
    struct batch *a = come(1, 1, 10), *b = come(2, 1, 10);

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_ptr_equal(fair_next(&fair, is_not, a)->parcel->batch, b);
    assert_null(fair_next(&fair, is_not, a));
    assert_int_equal(fair.waiting, 10);
    assert_ptr_equal(fair_next(&fair, is_not, b)->parcel->batch, a);
    batch_free(a);
    batch_free(b);
}

static bool is_of(void *arg, const struct parcel *p)
{
    return p->batch == arg;
}

/* From between others of the same lane, and a whole lane; the rest is as it
 * was. */
static void gives_out_what_is_picked(void **state)
{
    struct batch *a = come(1, 1, 3), *b = batch_of(1, 2, 4),
                 *c = batch_of(1, 3, 5), *d = come(2, 1, 6);

    (void)state;
    fair_add(&fair, &b->whole, false);
    fair_add(&fair, &c->whole, false);
    assert_ptr_equal(fair_pick(&fair, is_of, b), &b->whole);
    assert_null(b->whole.next);
    assert_false(b->whole.listed);
    assert_int_equal(fair.waiting, 3 + 5 + 6);
    assert_ptr_equal(fair_pick(&fair, is_of, c), &c->whole); /* the last */
    assert_ptr_equal(fair_pick(&fair, is_of, d), &d->whole);
    assert_null(fair_pick(&fair, is_of, b));
    fair_add(&fair, &b->whole, false);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(fair_next(&fair, NULL, NULL)->parcel->batch, a);
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(fair_next(&fair, NULL, NULL)->parcel->batch, b);
    assert_int_equal(fair.waiting, 0);
    batch_free(a);
    batch_free(b);
    batch_free(c);
    batch_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(shares_by_weight, start),
        cmocka_unit_test_setup(takes_turns, start),
        cmocka_unit_test_setup(gives_a_late_one_its_share_and_no_more, start),
        cmocka_unit_test_setup(comes_back_from_idling_at_the_lowest_pass,
                               start),
        cmocka_unit_test_setup(forgets_what_was_sent_when_all_idled, start),
        cmocka_unit_test_setup(takes_back_at_the_front, start),
        cmocka_unit_test_setup(counts_what_is_put_back_into_a_listed_batch,
                               start),
        cmocka_unit_test_setup(is_taken_by_campaign_or_whole, start),
        cmocka_unit_test_setup(passes_over_who_may_not, start),
        cmocka_unit_test_setup(gives_out_what_is_picked, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
