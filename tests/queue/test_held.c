#include "queue/held.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_track),
        cmocka_unit_test(says_when_it_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
