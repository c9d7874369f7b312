#include "queue/offers.h"
#include "queue/batches.h"
#include "queue/held.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { LOW = 100 };

static struct offers offers;

static int start(void **state)
{
    (void)state;
    offers_fini(&offers);
    return 0;
}

static void come(unsigned campaign, const char *site, int weight)
{
    offers_come(&offers, BATCH_CAMPAIGN, campaign_of(campaign).id, site,
                weight);
}

static size_t lacks(void *arg, const struct offer *offer)
{
    (void)arg;
    return offer->in_hand < LOW ? LOW - offer->in_hand : 0;
}

static size_t is_open(void *arg, const struct offer *offer)
{
    return strcmp(offer->site, arg) != 0;
}

static int batches; /* of the last claim */

static struct offer *claim(void)
{
    return offers_claim(&offers, lacks, NULL, &batches);
}

/* n mails of the batch go out. */
static void send(struct batch *b, int n)
{
    for (int i = 0; i < n; i++) {
        assert_non_null(batch_next(b));
        offers_sent(&offers, b);
    }
}

static void let_go(struct batch *b)
{
    offers_let_go(b);
    batch_free(b);
}

static void claims_for_who_had_least(void **state)
{
    struct batch *a = batch_of(1, 1, 1000), *b = batch_of(2, 2, 10);

    (void)state;
    come(1, "", 1);
    come(2, "", 1);
    offers_hold(&offers, a, "");
    offers_hold(&offers, b, "");
    send(a, 2);
    send(b, 2);
    /* Equal so far; 2 has less in hand than is low, 1 has not. */
    struct offer *o = claim();

    assert_non_null(o);
    assert_int_equal(o->campaign[0], 2);
    assert_null(claim()); /* asked, not answered */
    offers_answered(&offers, o, 1);
    assert_ptr_equal(claim(), o); /* there may be more */
    offers_answered(&offers, o, 0);
    assert_null(claim()); /* there is not */
    come(2, "", 1);
    assert_ptr_equal(claim(), o);
    offers_answered(&offers, o, -1);
    assert_null(claim()); /* not again at once */
    let_go(a);
    let_go(b);
}

/* By weight: who had twice as many for three times the weight is next. */
static void weighs_what_was_sent(void **state)
{
    struct batch *a = batch_of(1, 1, 50), *b = batch_of(2, 2, 50);

    (void)state;
    come(1, "", 1);
    come(2, "", 3);
    offers_hold(&offers, a, "");
    offers_hold(&offers, b, "");
    send(a, 10);
    send(b, 20);
    assert_int_equal(claim()->campaign[0], 2);
    let_go(a);
    let_go(b);
}

static void asks_for_more_small_batches(void **state)
{
    struct batch *all[8], *big = batch_of(1, 99, 300),
                          *middle = batch_of(1, 98, 80);

    (void)state;
    come(1, "", 1);
    struct offer *o = claim();

    assert_int_equal(o->ask, 1);
    for (int i = 0; i < 8; i++) {
        all[i] = batch_of(1, i + 1, 3);
        offers_hold(&offers, all[i], "");
        assert_int_equal(o->ask, i < 4 ? 2 << i : OFFERS_ASK_MAX);
    }
    offers_hold(&offers, middle, "");
    assert_int_equal(o->ask, 3);
    offers_hold(&offers, big, "");
    assert_int_equal(o->ask, 1);
    assert_int_equal(o->in_hand, 8 * 3 + 80 + 300);
    assert_int_equal(o->batches, 10);
    for (int i = 0; i < 8; i++)
        let_go(all[i]);
    let_go(middle);
    let_go(big);
    assert_int_equal(o->in_hand, 0);
    assert_int_equal(o->batches, 0);
}

static void has_few_claims_under_way(void **state)
{
    struct offer *o, *first = NULL;
    size_t n = 0;

    (void)state;
    for (unsigned i = 1; i <= 100; i++)
        come(i, "", 1);
    while ((o = claim())) {
        first = first ? first : o;
        n++;
    }
    assert_int_equal(n, OFFERS_CLAIMS_MAX);
    offers_answered(&offers, first, 1);
    assert_non_null(claim());
    assert_null(claim());
}

static void puts_transactional_mail_first(void **state)
{
    static const unsigned char none[UUID_BYTES];

    (void)state;
    come(1, "a.example", 1);
    offers_come(&offers, BATCH_TRANSACTIONAL, none, "a.example", 1);
    assert_int_equal(claim()->class, BATCH_TRANSACTIONAL);
    assert_int_equal(claim()->class, BATCH_CAMPAIGN);
    assert_null(claim());
}

/* What is parked is not asked for, whatever else there is. */
static void leaves_out_what_is_not_wanted(void **state)
{
    char slow[] = "slow.example";

    (void)state;
    come(1, "slow.example", 1);
    come(1, "a.example", 1);
    come(2, "slow.example", 1);
    struct offer *o = offers_claim(&offers, is_open, slow, &batches);

    assert_string_equal(o->site, "a.example");
    assert_null(offers_claim(&offers, is_open, slow, &batches));
    assert_non_null(claim());
}

/* A campaign that starts at a fast site begins where the others there are, not
 * where one at a slow site was left behind. */
static void compares_within_a_site(void **state)
{
    struct batch *fast = batch_of(1, 1, 5000), *slow = batch_of(1, 2, 10),
                 *late = batch_of(2, 3, 10);

    (void)state;
    come(1, "fast", 1);
    come(1, "slow", 1);
    offers_hold(&offers, fast, "fast");
    offers_hold(&offers, slow, "slow");
    send(slow, 1);
    send(fast, 4000);
    offers_hold(&offers, late, "fast");
    const struct offer *o = late->offer, *with = fast->offer;

    assert_true(o->pass == with->pass);
    let_go(fast);
    let_go(slow);
    let_go(late);
}

/* More than there is room for are not taken; but those that have mail in hand
 * always have their place, and nothing moves them. */
static void always_has_a_place_for_a_batch(void **state)
{
    struct batch *all[HELD_MAX];

    (void)state;
    for (unsigned i = 1; i <= 20000; i++)
        come(i, "", 1);
    assert_int_equal(offers.n, OFFERS_MAX);
    for (unsigned i = 0; i < HELD_MAX; i++) {
        all[i] = batch_of(30000 + i, i + 1, 1);
        offers_hold(&offers, all[i], "");
    }
    assert_int_equal(offers_active(&offers), OFFERS_MAX + HELD_MAX);
    for (unsigned i = 0; i < HELD_MAX; i++) {
        const struct offer *o = all[i]->offer;

        assert_memory_equal(o->campaign, campaign_of(30000 + i).id, UUID_BYTES);
        assert_int_equal(o->in_hand, 1);
        let_go(all[i]);
    }
    assert_int_equal(offers_active(&offers), OFFERS_MAX);
}

static size_t of_one_site(void *arg, const struct offer *offer)
{
    return strcmp(offer->site, arg) == 0;
}

/* Where the place is taken by what nobody wants, others come in its stead, and
 * what has a batch here keeps its own. */
static void ousts_what_is_not_wanted(void **state)
{
    struct batch *held = batch_of(1, 1, 10);
    char slow[] = "slow.example", fast[] = "fast.example";

    (void)state;
    come(1, "slow.example", 1);
    offers_hold(&offers, held, "slow.example");
    for (unsigned i = 2; i <= OFFERS_MAX + 1; i++)
        come(i, "slow.example", 1);
    come(5000, "fast.example", 1); /* not known yet to be unwanted */
    assert_null(offers_claim(&offers, of_one_site, fast, &batches));
    for (unsigned i = 5000; i < 5003; i++)
        come(i, "fast.example", 1);
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(offers_claim(&offers, of_one_site, fast, &batches));
    assert_null(offers_claim(&offers, of_one_site, fast, &batches));
    assert_int_equal(offers.n, OFFERS_MAX + 1);
    assert_true(((struct offer *)held->offer)->claimable);
    assert_non_null(offers_claim(&offers, of_one_site, slow, &batches));
    let_go(held);
}

/* What is held of a campaign counts at all sites, of others apart. */
static void counts_what_a_campaign_has(void **state)
{
    struct batch *a = batch_of(1, 1, 10), *b = batch_of(1, 2, 10),
                 *other = batch_of(2, 3, 10);

    (void)state;
    offers_hold(&offers, a, "one.example");
    offers_hold(&offers, b, "two.example");
    offers_hold(&offers, other, "one.example");
    const struct offer *o = a->offer, *with = b->offer,
                       *not_with = other->offer;

    assert_ptr_equal(o->of, with->of);
    assert_ptr_not_equal(o->of, not_with->of);
    assert_int_equal(o->of->batches, 2);
    let_go(a);
    assert_int_equal(with->of->batches, 1);
    assert_int_equal(not_with->of->batches, 1);
    let_go(b);
    let_go(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(claims_for_who_had_least, start),
        cmocka_unit_test_setup(weighs_what_was_sent, start),
        cmocka_unit_test_setup(asks_for_more_small_batches, start),
        cmocka_unit_test_setup(has_few_claims_under_way, start),
        cmocka_unit_test_setup(puts_transactional_mail_first, start),
        cmocka_unit_test_setup(leaves_out_what_is_not_wanted, start),
        cmocka_unit_test_setup(compares_within_a_site, start),
        cmocka_unit_test_setup(always_has_a_place_for_a_batch, start),
        cmocka_unit_test_setup(ousts_what_is_not_wanted, start),
        cmocka_unit_test_setup(counts_what_a_campaign_has, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
