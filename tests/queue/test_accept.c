#include "queue/accept.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#define NOW INT64_C(1795412460000000)

struct plan {
    struct accept accept;
    struct accept_numbers numbers;
    struct accept_email emails[8], *list[8];
};

static void setup(struct plan *p, size_t n)
{
    *p = (struct plan){0};
    p->numbers.list = calloc(n, sizeof *p->numbers.list);
    for (size_t i = 0; i < n; i++) {
        p->numbers.list[p->numbers.n++] = (int64_t)i;
        p->emails[i] = (struct accept_email){.project = 1, .n_recipients = 1};
        p->list[i] = &p->emails[i];
    }
}

static void plan(struct plan *p, size_t n, int32_t batch_mails)
{
    const struct accept_limits limits = {batch_mails, 1};

    accept_plan(&p->accept, p->list, n, &limits, NOW, &p->numbers);
}

static void teardown(struct plan *p)
{
    accept_fini(&p->accept);
    accept_numbers_fini(&p->numbers);
}

static void test_share_a_batch(void **state)
{
    struct plan p;

    (void)state;
    setup(&p, 4);
    p.emails[1].n_recipients = 3;
    plan(&p, 4, 100);
    assert_int_equal(p.accept.n_batches, 1);
    assert_int_equal(p.accept.batches[0].size, 6);
    assert_int_equal(p.accept.batches[0].due_us, NOW);
    assert_int_equal(p.emails[0].id.seq, 0);
    assert_int_equal(p.emails[1].id.seq, 1);
    assert_int_equal(p.emails[2].id.seq, 4);
    assert_int_equal(p.emails[3].id.seq, 5);
    assert_int_equal(p.emails[3].id.batch, mailid_batch(NOW / 1000, 0));
    assert_int_equal(p.numbers.used, 1);
    teardown(&p);
}

/* An email stays whole, even where it alone is more than a batch takes. */
static void test_full(void **state)
{
    struct plan p;

    (void)state;
    setup(&p, 4);
    p.emails[1].n_recipients = 2;
    p.emails[2].n_recipients = 9;
    plan(&p, 4, 2);
    assert_int_equal(p.accept.n_batches, 4);
    assert_int_equal(p.accept.batches[1].size, 2);
    assert_int_equal(p.accept.batches[2].size, 9);
    assert_true(p.emails[2].id.batch > p.emails[1].id.batch);
    assert_int_equal(p.emails[3].id.seq, 0);
    teardown(&p);
}

static void test_projects_do_not_mix(void **state)
{
    struct plan p;

    (void)state;
    setup(&p, 4);
    p.emails[1].project = p.emails[3].project = 2;
    plan(&p, 4, 100);
    assert_int_equal(p.accept.n_batches, 2);
    assert_int_equal(p.emails[0].id.batch, p.emails[2].id.batch);
    assert_int_equal(p.emails[1].id.batch, p.emails[3].id.batch);
    assert_int_not_equal(p.emails[0].id.batch, p.emails[1].id.batch);
    teardown(&p);
}

/* Each of its own, and nobody else joins, whenever it is due. */
static void test_scheduled(void **state)
{
    struct plan p;

    (void)state;
    setup(&p, 4);
    p.emails[0].due_us = p.emails[1].due_us = NOW;
    p.emails[2].due_us = NOW + 1;
    plan(&p, 4, 100);
    assert_int_equal(p.accept.n_batches, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(p.accept.batches[i].size, 1);
    assert_int_equal(p.accept.batches[2].due_us, NOW + 1);
    teardown(&p);
}

/* Planned anew after a failure, with other numbers. */
static void test_again(void **state)
{
    struct plan p;
    int64_t first;

    (void)state;
    setup(&p, 4);
    plan(&p, 2, 100);
    first = p.emails[0].id.batch;
    plan(&p, 2, 100);
    assert_int_equal(p.accept.n_batches, 1);
    assert_int_equal(p.accept.batches[0].size, 2);
    assert_int_not_equal(p.emails[0].id.batch, first);
    teardown(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share_a_batch),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_projects_do_not_mix),
        cmocka_unit_test(test_scheduled),
        cmocka_unit_test(test_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
