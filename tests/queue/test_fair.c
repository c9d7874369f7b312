#include "queue/fair.h"
#include "queue/held.h"
#include "queue/batches.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { BIG = 100000 };

static struct fair fair; /* too large for a stack */

static int start(void **state)
{
    (void)state;
    memset(&fair, 0, sizeof fair);
    return 0;
}

/* The store says that the campaign has something, and its batch comes. */
static struct batch *come(unsigned campaign, int weight, int32_t n)
{
    struct batch *b = batch_of(campaign, campaign, n);

    fair_offer(&fair, b->campaign, weight);
    fair_answered(&fair, b->campaign, 0); /* nothing is left in the store */
    fair_offer(&fair, b->campaign, weight);
    fair_add(&fair, b, false);
    return b;
}

/* The next n mails, counted by campaign. */
static void pick(size_t *counts, size_t n)
{
    struct batch *b;

    for (size_t i = 0; i < n && fair_next(&fair, &b); i++)
        counts[b->campaign[0]]++;
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
    fair_answered(&fair, a->campaign, 0); /* idle now */
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
    fair_answered(&fair, a->campaign, 0); /* now all idle */
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

static void claims_for_the_lowest_pass(void **state)
{
    struct batch *a = come(1, 1, 1000), *b = come(2, 1, 10);
    size_t counts[3] = {0};

    (void)state;
    pick(counts, 4);
    /* Both passes are equal; 2 has less in hand than is low, 1 has not. */
    struct lane *l = fair_claim(&fair, 100);

    assert_non_null(l);
    assert_int_equal(l->campaign[0], 2);
    assert_null(fair_claim(&fair, 100)); /* asked, not answered */
    fair_answered(&fair, b->campaign, 1);
    assert_ptr_equal(fair_claim(&fair, 100), l); /* there may be more */
    fair_answered(&fair, b->campaign, 0);
    assert_null(fair_claim(&fair, 100)); /* there is not */
    fair_offer(&fair, b->campaign, 1);
    assert_ptr_equal(fair_claim(&fair, 100), l);
    fair_answered(&fair, b->campaign, -1);
    assert_null(fair_claim(&fair, 100)); /* not again at once */
    batch_free(a);
    batch_free(b);
}

static void asks_for_more_small_batches(void **state)
{
    struct batch *all[8], *big = batch_of(1, 99, 300),
                          *middle = batch_of(1, 98, 80);
    const struct test_campaign one = campaign_of(1);

    (void)state;
    fair_offer(&fair, one.id, 1);
    struct lane *l = fair_claim(&fair, 100);

    assert_int_equal(l->ask, 1);
    for (int i = 0; i < 8; i++) {
        all[i] = batch_of(1, i + 1, 3);
        fair_add(&fair, all[i], false);
        assert_int_equal(l->ask, i < 4 ? 2 << i : FAIR_ASK_MAX);
    }
    fair_add(&fair, middle, false);
    assert_int_equal(l->ask, 3);
    fair_add(&fair, big, false);
    assert_int_equal(l->ask, 1);
    for (int i = 0; i < 8; i++)
        batch_free(all[i]);
    batch_free(middle);
    batch_free(big);
}

static void takes_back_at_the_front(void **state)
{
    struct batch *a = come(1, 1, 2), *b = batch_of(1, 50, 1), *of;

    (void)state;
    fair_add(&fair, b, false);
    struct mail *m = fair_next(&fair, &of);

    assert_ptr_equal(fair_next(&fair, &of), &a->mails[1]);
    assert_false(a->listed); /* its last one was taken */
    batch_put_back(a, m);
    fair_add(&fair, a, true);
    assert_int_equal(fair_waiting(&fair), 2);
    assert_ptr_equal(fair_next(&fair, &of), m);
    assert_ptr_equal(of, a);
    assert_ptr_equal(fair_next(&fair, &of), &b->mails[0]);
    assert_null(fair_next(&fair, &of));
    assert_int_equal(fair_waiting(&fair), 0);
    batch_free(a);
    batch_free(b);
}

static void counts_what_is_put_back_into_a_listed_batch(void **state)
{
    struct batch *a = come(1, 1, 3), *of;

    (void)state;
    struct mail *m = fair_next(&fair, &of);

    batch_put_back(a, m);
    fair_add(&fair, a, true);
    assert_int_equal(fair_waiting(&fair), 3);
    fair_add(&fair, a, false); /* no put-back: nothing */
    assert_int_equal(fair_waiting(&fair), 3);
    batch_free(a);
}

static void is_taken_by_campaign_or_whole(void **state)
{
    struct batch *a = come(1, 1, 3), *b = come(2, 1, 3),
                 *c = batch_of(1, 50, 3);

    (void)state;
    fair_add(&fair, c, false);
    struct batch *list = fair_take(&fair, a->campaign);
    size_t n = 0;

    for (; list; list = list->next, n++)
        assert_true(!list->listed && (list == a || list == c));
    assert_int_equal(n, 2);
    assert_int_equal(fair_waiting(&fair), 3);
    assert_ptr_equal(fair_take(&fair, NULL), b);
    assert_int_equal(fair_waiting(&fair), 0);
    assert_null(fair_take(&fair, NULL));
    batch_free(a);
    batch_free(b);
    batch_free(c);
}

static void has_few_claims_under_way(void **state)
{
    size_t n = 0;

    (void)state;
    for (unsigned i = 1; i <= 100; i++)
        fair_offer(&fair, campaign_of(i).id, 1);
    while (fair_claim(&fair, 100))
        n++;
    assert_int_equal(n, FAIR_CLAIMS_MAX);
    fair_answered(&fair, campaign_of(1).id, 1);
    assert_non_null(fair_claim(&fair, 100));
    assert_null(fair_claim(&fair, 100));
}

/* More campaigns than there are lanes: those that have mail in hand have one,
 * whatever the store offers besides. */
static void always_has_a_lane_for_a_batch(void **state)
{
    struct batch *all[HELD_MAX];

    (void)state;
    for (unsigned i = 1; i <= 20000; i++)
        fair_offer(&fair, campaign_of(i).id, 1);
    for (unsigned i = 0; i < HELD_MAX; i++) {
        all[i] = batch_of(30000 + i, i + 1, 1);
        fair_add(&fair, all[i], false);
    }
    assert_int_equal(fair_waiting(&fair), HELD_MAX);
    for (unsigned i = 0; i < HELD_MAX; i++)
        batch_free(all[i]);
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
        cmocka_unit_test_setup(claims_for_the_lowest_pass, start),
        cmocka_unit_test_setup(asks_for_more_small_batches, start),
        cmocka_unit_test_setup(takes_back_at_the_front, start),
        cmocka_unit_test_setup(counts_what_is_put_back_into_a_listed_batch,
                               start),
        cmocka_unit_test_setup(is_taken_by_campaign_or_whole, start),
        cmocka_unit_test_setup(has_few_claims_under_way, start),
        cmocka_unit_test_setup(always_has_a_lane_for_a_batch, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
