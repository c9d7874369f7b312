#include "queue/batch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct batch *batch_of(int64_t id, int32_t n)
{
    struct batch *b = batch_new();

    b->id = id;
    batch_reserve(b, (size_t)n);
    for (int32_t i = 0; i < n; i++) {
        const struct mail mail = {.id = {id, i}, .email = -1};

        batch_add(b, &mail);
    }
    return b;
}

static void hands_out_in_order(void **state)
{
    struct batch *b = batch_of(9, 3);

    (void)state;
    assert_int_equal(batch_waiting(b), 3);
    for (int32_t i = 0; i < 3; i++) {
        assert_int_equal(batch_next(b)->id.seq, i);
        assert_int_equal(b->n_out, i + 1);
        assert_int_equal(batch_waiting(b), 2 - i);
        assert_false(batch_is_over(b));
    }
    assert_null(batch_next(b));
    assert_int_equal(b->n_out, 3);
    b->n_out = 0;
    assert_true(batch_is_over(b));
    batch_free(b);
}

static void puts_back_to_the_front(void **state)
{
    struct batch *b = batch_of(9, 40);
    struct mail *out[30];

    (void)state;
    for (int i = 0; i < 30; i++)
        out[i] = batch_next(b);
    for (int i = 29; i >= 0; i--)
        batch_put_back(out[i]);
    assert_int_equal(b->n_out, 0);
    assert_int_equal(batch_waiting(b), 40);
    assert_false(batch_is_over(b));
    for (int32_t i = 0; i < 40; i++)
        assert_int_equal(batch_next(b)->id.seq, i);
    assert_null(batch_next(b));
    batch_free(b);
}

static void mails_are_picked_out(void **state)
{
    struct batch *b = batch_of(9, 5);
    size_t hand = 5;
    bool seen[5] = {false};
    struct mail *mail;

    (void)state;
    b->in_hand = &hand;
    assert_int_equal(batch_pick(b, 4).id.seq, 4);
    assert_int_equal(batch_pick(b, 1).id.seq, 1);
    assert_int_equal(b->n_out, 2);
    assert_int_equal(b->n_mails, 3);
    assert_int_equal(hand, 3);
    while ((mail = batch_next(b)))
        seen[mail->id.seq] = true;
    assert_true(seen[0] && seen[2] && seen[3] && !seen[1] && !seen[4]);
    b->n_out = 0;
    assert_true(batch_is_over(b));
    batch_free(b);
}

static void returns_what_waits(void **state)
{
    struct batch *b = batch_of(9, 5);
    const struct carry *c = &b->carry[BATCH_RETURNED];
    struct mail *first = batch_next(b);

    (void)state;
    (void)batch_next(b); /* stays out */
    batch_put_back(first);
    batch_return_waiting(b);
    assert_int_equal(c->n, 4);
    assert_int_equal(c->mails[0].id.seq, 0);
    assert_int_equal(c->mails[1].id.seq, 2);
    assert_int_equal(c->mails[3].id.seq, 4);
    assert_int_equal(b->carry[BATCH_DEFERRED].n, 0);
    assert_int_equal(b->n_out, 1);
    assert_int_equal(batch_waiting(b), 0);
    assert_false(batch_is_over(b));
    b->n_out--;
    assert_true(batch_is_over(b));
    batch_free(b);
}

static void drops_what_waits(void **state)
{
    struct batch *b = batch_of(9, 5);

    (void)state;
    batch_put_back(batch_next(b));
    batch_drop_waiting(b);
    assert_int_equal(batch_waiting(b), 0);
    assert_null(batch_next(b));
    assert_true(batch_is_over(b));
    for (int i = 0; i < BATCH_CARRIES; i++)
        assert_int_equal(b->carry[i].n, 0);
    batch_free(b);
}

static void carries_by_kind(void **state)
{
    struct batch *b = batch_new();

    (void)state;
    for (int32_t i = 0; i < 100; i++) {
        const struct carried carried = {.id = {1 + i, i}};

        batch_carry(b, i % 3 ? BATCH_DEFERRED : BATCH_DOUBTED, &carried);
    }
    assert_int_equal(b->carry[BATCH_DEFERRED].n, 66);
    assert_int_equal(b->carry[BATCH_DOUBTED].n, 34);
    assert_int_equal(b->carry[BATCH_DOUBTED].mails[33].id.seq, 99);
    assert_true(b->carry[BATCH_DOUBTED].mails[33].id.batch == 100);
    batch_free(b);
    batch_free(NULL);
}

/* Split by where its mails go: each part is handed out by itself, what is put
 * back goes to its own part, and the batch is over when all are. */
static void is_split_into_parcels(void **state)
{
    struct batch *b = batch_of(9, 6);
    const size_t starts[] = {0, 1, 4};
    char site[] = "slow.example";
    size_t in_hand = 10;

    (void)state;
    b->in_hand = &in_hand;
    batch_split(b, starts, 3);
    assert_int_equal(b->n_parcels, 3);
    assert_int_equal(parcel_waiting(&b->parcels[1]), 3);
    struct mail *last = parcel_next(&b->parcels[2]);
    struct mail *first = parcel_next(&b->parcels[0]);

    assert_int_equal(last->id.seq, 4);
    assert_int_equal(first->id.seq, 0);
    assert_null(parcel_next(&b->parcels[0]));
    assert_int_equal(b->n_waiting, 4);
    assert_int_equal(in_hand, 8);
    batch_put_back(first);
    assert_int_equal(parcel_waiting(&b->parcels[0]), 1);
    assert_int_equal(in_hand, 9);
    parcel_return_waiting(&b->parcels[1], site, 77);
    memset(site, 'x', sizeof site - 1); /* a destination may go first */
    assert_int_equal(b->carry[BATCH_RETURNED].n, 3);
    assert_string_equal(b->carry[BATCH_RETURNED].mails[2].site, "slow.example");
    assert_int_equal(b->carry[BATCH_RETURNED].mails[2].due_us, 77);
    b->n_out--; /* the last one is settled */
    assert_false(batch_is_over(b));
    assert_int_equal(batch_next(b)->id.seq, 0);
    assert_int_equal(batch_next(b)->id.seq, 5);
    assert_null(batch_next(b));
    b->n_out -= 2;
    assert_true(batch_is_over(b));
    assert_int_equal(in_hand, 4);
    batch_free(b);
}

/* A re-sorted batch carries mails of several batches, whose contents may have
 * the same seq. */
static void finds_a_mails_content(void **state)
{
    struct batch *b = batch_new();
    static const struct mailid ids[] = {{5, 0}, {5, 3}, {7, 0}, {7, 3}, {7, 9}};

    (void)state;
    b->n_emails = 5;
    b->emails = calloc(5, sizeof *b->emails);
    for (size_t i = 0; i < 5; i++)
        b->emails[i].id = ids[i];
    for (size_t i = 0; i < 5; i++) {
        struct mail m = {.id = {ids[i].batch, ids[i].seq + 1},
                         .email = ids[i].seq};

        assert_ptr_equal(batch_email(b, &m), &b->emails[i]);
    }
    struct mail other = {.id = {6, 0}, .email = 0};

    assert_null(batch_email(b, &other));
    other = (struct mail){.id = {7, 5}, .email = 5};
    assert_null(batch_email(b, &other));
    other = (struct mail){.id = {8, 0}, .email = 0};
    assert_null(batch_email(b, &other));
    batch_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_in_order),
        cmocka_unit_test(puts_back_to_the_front),
        cmocka_unit_test(mails_are_picked_out),
        cmocka_unit_test(returns_what_waits),
        cmocka_unit_test(drops_what_waits),
        cmocka_unit_test(carries_by_kind),
        cmocka_unit_test(is_split_into_parcels),
        cmocka_unit_test(finds_a_mails_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
