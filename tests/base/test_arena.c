#include "base/arena.h"
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void gives_aligned_pieces_that_do_not_overlap(void **state)
{
    struct arena a = {0};
    char *pieces[200];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_take(&a, i * 7);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t at = 0; at < i * 7; at++)
            assert_int_equal((unsigned char)pieces[i][at], i);
    arena_fini(&a);
    assert_null(a.first);
}

static void takes_what_is_larger_than_a_block(void **state)
{
    struct arena a = {0};
    char *small = arena_copy(&a, "small", 5);
    char *large = arena_take(&a, 100000);

    (void)state;
    memset(large, 'x', 100000);
    char *after = arena_copy(&a, "after\0that", 10);

    assert_string_equal(small, "small");
    assert_memory_equal(after, "after\0that", 11);
    assert_int_equal(large[99999], 'x');
    arena_fini(&a);
}

/* Warm, the same pieces come from the same memory: nothing new is taken. */
static void reuses_its_blocks(void **state)
{
    struct arena a = {0};
    void *first[8];

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 8; i++) {
            void *p = arena_take(&a, i == 3 ? 40000 : 5000);

            if (round == 0)
                first[i] = p;
            else
                assert_ptr_equal(p, first[i]);
        }
        arena_reset(&a);
    }
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_aligned_pieces_that_do_not_overlap),
        cmocka_unit_test(takes_what_is_larger_than_a_block),
        cmocka_unit_test(reuses_its_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
