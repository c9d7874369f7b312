#include "queue/copy.h"
#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What PostgreSQL 15 itself wrote for the same values (COPY ... TO STDOUT
 * WITH (FORMAT binary)), and what its manual says. */

static void is(struct buf *b, const char *bytes, size_t n)
{
    assert_int_equal(b->len, n);
    assert_memory_equal(b->data, bytes, n);
    buf_reset(b);
}
#define IS(b, bytes) is((b), (bytes), sizeof(bytes) - 1)

static void frames_a_copy(void **state)
{
    struct buf b = {0};

    (void)state;
    copy_header(&b);
    IS(&b, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0");
    copy_row(&b, 3);
    IS(&b, "\0\3");
    copy_trailer(&b);
    IS(&b, "\377\377");
    buf_fini(&b);
}

static void writes_scalars(void **state)
{
    struct buf b = {0};
    struct copy_uuid id = {"0123456789abcde"};

    (void)state;
    copy_null(&b);
    IS(&b, "\377\377\377\377");
    copy_int16(&b, -2);
    IS(&b, "\0\0\0\2\377\376");
    copy_int32(&b, 0x01020304);
    IS(&b, "\0\0\0\4\1\2\3\4");
    copy_int64(&b, INT64_C(0x0102030405060708));
    IS(&b, "\0\0\0\10\1\2\3\4\5\6\7\10");
    copy_bool(&b, true);
    copy_bool(&b, false);
    IS(&b, "\0\0\0\1\1\0\0\0\1\0");
    copy_uuid(&b, &id);
    IS(&b, "\0\0\0\20"
           "0123456789abcde\0");
    buf_fini(&b);
}

static void writes_texts(void **state)
{
    struct buf b = {0};

    (void)state;
    copy_text(&b, "delivered");
    IS(&b, "\0\0\0\11delivered");
    copy_text(&b, "");
    IS(&b, "\0\0\0\0");
    copy_text(&b, NULL);
    IS(&b, "\377\377\377\377");
    copy_bytes(&b, "a\0b", 3);
    IS(&b, "\0\0\0\3a\0b");
    copy_bytes(&b, NULL, 0);
    IS(&b, "\0\0\0\0");
    buf_fini(&b);
}

static void writes_times(void **state)
{
    struct buf b = {0};

    (void)state;
    copy_timestamptz(&b, CLOCK_PG_EPOCH_US);
    IS(&b, "\0\0\0\10\0\0\0\0\0\0\0\0");
    copy_timestamptz(&b, CLOCK_PG_EPOCH_US - 1);
    IS(&b, "\0\0\0\10\377\377\377\377\377\377\377\377");
    copy_timestamptz(&b, INT64_MAX);
    IS(&b, "\0\0\0\10\177\377\377\377\377\377\377\377");
    buf_fini(&b);
}

static void writes_arrays(void **state)
{
    struct buf b = {0};
    const int32_t small[] = {1, -1};
    const int64_t big[] = {2};
    const struct copy_uuid id = {"0123456789abcde"};

    (void)state;
    copy_int32s(&b, small, 2);
    IS(&b, "\0\0\0\44\0\0\0\1\0\0\0\0\0\0\0\27\0\0\0\2\0\0\0\1"
           "\0\0\0\4\0\0\0\1\0\0\0\4\377\377\377\377");
    copy_int64s(&b, big, 1);
    IS(&b, "\0\0\0\40\0\0\0\1\0\0\0\0\0\0\0\24\0\0\0\1\0\0\0\1"
           "\0\0\0\10\0\0\0\0\0\0\0\2");
    copy_int64s(&b, NULL, 0);
    IS(&b, "\0\0\0\14\0\0\0\0\0\0\0\0\0\0\0\24");
    copy_value_uuids(&b, &id, 1);
    IS(&b, "\0\0\0\1\0\0\0\0\0\0\13\206\0\0\0\1\0\0\0\1"
           "\0\0\0\20"
           "0123456789abcde\0");
    copy_value_texts(&b, (const char *const[]){"ab", ""}, 2);
    IS(&b, "\0\0\0\1\0\0\0\0\0\0\0\31\0\0\0\2\0\0\0\1"
           "\0\0\0\2ab\0\0\0\0");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_a_copy), cmocka_unit_test(writes_scalars),
        cmocka_unit_test(writes_texts),  cmocka_unit_test(writes_times),
        cmocka_unit_test(writes_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
