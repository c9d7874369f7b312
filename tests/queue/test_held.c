#include "queue/held.h"
#include "queue/batches.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void keeps_track(void **state)
{
    struct held h = {0};
    struct batch *all[200];

    (void)state;
    for (int i = 0; i < 200; i++) {
        all[i] = batch_new();
        all[i]->id = 1000 + i;
        held_add(&h, all[i]);
    }
    for (int i = 0; i < 200; i += 3)
        held_remove(&h, all[i]);
    for (int i = 0; i < 200; i++)
        assert_ptr_equal(held_find(&h, 1000 + i), i % 3 ? all[i] : NULL);
    size_t n = 0;

    while (held_get(&h, n))
        n++;
    assert_int_equal(n, 200 - 67);
    for (int i = 199; i >= 0; i--)
        if (i % 3)
            held_remove(&h, all[i]);
    assert_null(held_get(&h, 0));
    for (int i = 0; i < 200; i++)
        batch_free(all[i]);
    held_fini(&h);
}

static void says_when_it_is_full(void **state)
{
    struct held h = {0};
    struct batch *b = batch_new();

    (void)state;
    for (int i = 0; i < HELD_MAX - 128; i++) {
        assert_false(held_is_full(&h));
        held_add(&h, b);
    }
    assert_false(held_is_full(&h));
    held_add(&h, b);
    assert_true(held_is_full(&h));
    batch_free(b);
    held_fini(&h);
}

/* Not what is being finished, or has gone to others, or has nothing that
 * waits; and few at a time. */
static void marks_what_is_too_late(void **state)
{
    struct held h = {0};
    struct batch *all[HELD_EXPIRED_MAX + 10];
    const size_t n = sizeof all / sizeof *all;
    size_t marked = 0;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        all[i] = batch_of(1, (int64_t)i + 1, 2);
        all[i]->expires_us = 1000;
        held_add(&h, all[i]);
    }
    assert_false(held_mark_expired(&h, 999));
    all[0]->finishing = all[1]->stolen = all[2]->unread = true;
    batch_drop_waiting(all[3]);
    all[4]->expires_us = 1001;
    assert_true(held_mark_expired(&h, 1000));
    for (size_t i = 0; i < n; i++)
        marked += all[i]->expired;
    assert_int_equal(marked, HELD_EXPIRED_MAX);
    for (size_t i = 0; i < 5; i++)
        assert_false(all[i]->expired);
    for (size_t i = 0; i < n; i++)
        batch_free(all[i]);
    held_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_track),
        cmocka_unit_test(says_when_it_is_full),
        cmocka_unit_test(marks_what_is_too_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
