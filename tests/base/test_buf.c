#include "base/buf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void ends_in_a_nul(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, "one");
    assert_int_equal(b.len, 3);
    assert_int_equal(b.data[3], 0);
    buf_add_char(&b, '!');
    assert_string_equal(b.data, "one!");
    buf_addf(&b, " %d of %s", 2, "three");
    assert_string_equal(b.data, "one! 2 of three");
    assert_int_equal(b.len, strlen(b.data));
    buf_fini(&b);
    assert_null(b.data);
}

static void counts_nuls_within(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add(&b, "a\0b", 3);
    buf_add(&b, NULL, 0);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "a\0b", 4);
    buf_fini(&b);
}

/* Each length around the borders at which it grows. */
static void grows(void **state)
{
    (void)state;
    for (size_t n = 0; n < 1100; n++) {
        struct buf b = {0};

        for (size_t i = 0; i < n; i++)
            buf_add_char(&b, (char)('a' + i % 26));
        assert_int_equal(b.len, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(b.data[i], 'a' + i % 26);
        buf_fini(&b);
    }
}

static void reserves_room_behind_what_is_there(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, "head");
    char *room = buf_reserve(&b, 5000);

    assert_ptr_equal(room, b.data + 4);
    assert_true(b.cap >= 4 + 5000 + 1);
    assert_int_equal(b.len, 4);
    memset(room, 'x', 5000);
    assert_memory_equal(b.data, "head", 4);
    buf_fini(&b);
}

static void keeps_its_memory(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_reset(&b);
    assert_null(b.data);
    buf_add_text(&b, "long enough to be seen");
    char *before = b.data;

    buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    buf_add_text(&b, "new");
    assert_ptr_equal(b.data, before);
    assert_string_equal(b.data, "new");
    buf_fini(&b);
}

static void writes_big_endian(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_u16(&b, 0x0102);
    buf_add_u32(&b, 0x03040506);
    buf_add_u64(&b, UINT64_C(0x0708090a0b0c0dfe));
    assert_int_equal(b.len, 14);
    assert_memory_equal(b.data, "\1\2\3\4\5\6\7\10\11\12\13\14\15\376", 14);
    buf_fini(&b);
}

static void drops_at_the_front(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_drop(&b, 0);
    buf_add_text(&b, "abcdef");
    buf_drop(&b, 2);
    assert_string_equal(b.data, "cdef");
    assert_int_equal(b.len, 4);
    buf_drop(&b, 4);
    assert_string_equal(b.data, "");
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_in_a_nul),
        cmocka_unit_test(counts_nuls_within),
        cmocka_unit_test(grows),
        cmocka_unit_test(reserves_room_behind_what_is_there),
        cmocka_unit_test(keeps_its_memory),
        cmocka_unit_test(writes_big_endian),
        cmocka_unit_test(drops_at_the_front),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
