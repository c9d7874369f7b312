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
    for (int32_t i = 0; i < n; i++)
        b->mails[b->n_mails++] = (struct mail){.id = {id, i}, .email = -1};
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
        batch_put_back(b, out[i]);
    assert_int_equal(b->n_out, 0);
    assert_int_equal(batch_waiting(b), 40);
    assert_false(batch_is_over(b));
    for (int32_t i = 0; i < 40; i++)
        assert_int_equal(batch_next(b)->id.seq, i);
    assert_null(batch_next(b));
    batch_free(b);
}

static void returns_what_waits(void **state)
{
    struct batch *b = batch_of(9, 5);
    const struct carry *c = &b->carry[BATCH_RETURNED];
    struct mail *first = batch_next(b);

    (void)state;
    (void)batch_next(b); /* stays out */
    batch_put_back(b, first);
    batch_return_waiting(b);
    assert_int_equal(c->n, 4);
    assert_int_equal(c->mails[0].seq, 0);
    assert_int_equal(c->mails[1].seq, 2);
    assert_int_equal(c->mails[3].seq, 4);
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
    batch_put_back(b, batch_next(b));
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
    for (int32_t i = 0; i < 100; i++)
        batch_carry(b, i % 3 ? BATCH_DEFERRED : BATCH_DOUBTED,
                    (struct mailid){1 + i, i});
    assert_int_equal(b->carry[BATCH_DEFERRED].n, 66);
    assert_int_equal(b->carry[BATCH_DOUBTED].n, 34);
    assert_int_equal(b->carry[BATCH_DOUBTED].mails[33].seq, 99);
    assert_true(b->carry[BATCH_DOUBTED].mails[33].batch == 100);
    batch_free(b);
    batch_free(NULL);
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
        cmocka_unit_test(returns_what_waits),
        cmocka_unit_test(drops_what_waits),
        cmocka_unit_test(carries_by_kind),
        cmocka_unit_test(finds_a_mails_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
