#include "loop/args.h"
#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The values as libpq gets them; what they are to look like is what
 * PostgreSQL's own binary output says (compare tests/queue/test_copy.c). */

static const char *value(const struct args *a, int i)
{
    static const char *values[ARGS_MAX];

    args_values(a, values);
    return values[i];
}

#define IS(a, i, bytes)                                                        \
    do {                                                                       \
        assert_int_equal((a)->length[i], sizeof(bytes) - 1);                   \
        assert_memory_equal(value((a), (i)), bytes, sizeof(bytes) - 1);        \
    } while (0)

static void writes_scalars(void **state)
{
    struct args a = {0};

    (void)state;
    args_bool(&a, true);
    args_int(&a, -2);
    args_bigint(&a, INT64_C(0x0102030405060708));
    args_text(&a, "a\0b", 3);
    args_uuid(&a, (const unsigned char *)"0123456789abcdef");
    args_time(&a, CLOCK_PG_EPOCH_US + 258);
    args_time(&a, INT64_MAX);
    args_time(&a, INT64_MIN);
    assert_int_equal(a.n, 8);
    IS(&a, 0, "\1");
    IS(&a, 1, "\377\377\377\376");
    IS(&a, 2, "\1\2\3\4\5\6\7\10");
    IS(&a, 3, "a\0b");
    IS(&a, 4, "0123456789abcdef");
    IS(&a, 5, "\0\0\0\0\0\0\1\2");
    IS(&a, 6, "\177\377\377\377\377\377\377\377");
    IS(&a, 7, "\200\0\0\0\0\0\0\0");
    args_fini(&a);
}

static void tells_null_from_empty(void **state)
{
    struct args a = {0};

    (void)state;
    args_text(&a, "", 0);
    args_null(&a);
    args_text(&a, NULL, 0);
    assert_int_equal(a.length[0], 0);
    assert_non_null(value(&a, 0));
    assert_int_equal(a.length[1], -1);
    assert_null(value(&a, 1));
    assert_null(value(&a, 2));
    args_reset(&a);
    assert_int_equal(a.n, 0);
    args_text(&a, "", 0); /* the first of a warm one */
    assert_non_null(value(&a, 0));
    args_fini(&a);
}

static void writes_arrays(void **state)
{
    struct args a = {0};

    (void)state;
    args_array_start(&a, ARGS_ELEMENT_INT);
    args_element_int(&a, 1);
    args_element_null(&a);
    args_array_end(&a);
    args_array_start(&a, ARGS_ELEMENT_BIGINT);
    args_array_end(&a);
    args_array_start(&a, ARGS_ELEMENT_TEXT);
    args_element_text(&a, "xyz", 3);
    args_element_text(&a, "", 0);
    args_array_end(&a);
    args_array_start(&a, ARGS_ELEMENT_SMALLINT);
    args_element_smallint(&a, -1);
    args_array_end(&a);
    args_array_start(&a, ARGS_ELEMENT_BOOL);
    args_element_bool(&a, false);
    args_array_end(&a);
    args_array_start(&a, ARGS_ELEMENT_UUID);
    args_element_uuid(&a, (const unsigned char *)"0123456789abcdef");
    args_array_end(&a);
    args_array_start(&a, ARGS_ELEMENT_TIME);
    args_element_time(&a, CLOCK_PG_EPOCH_US - 1);
    args_array_end(&a);
    IS(&a, 0,
       "\0\0\0\1\0\0\0\1\0\0\0\27\0\0\0\2\0\0\0\1"
       "\0\0\0\4\0\0\0\1\377\377\377\377");
    IS(&a, 1, "\0\0\0\1\0\0\0\1\0\0\0\24\0\0\0\0\0\0\0\1");
    IS(&a, 2,
       "\0\0\0\1\0\0\0\1\0\0\0\31\0\0\0\2\0\0\0\1"
       "\0\0\0\3xyz\0\0\0\0");
    IS(&a, 3,
       "\0\0\0\1\0\0\0\1\0\0\0\25\0\0\0\1\0\0\0\1"
       "\0\0\0\2\377\377");
    IS(&a, 4,
       "\0\0\0\1\0\0\0\1\0\0\0\20\0\0\0\1\0\0\0\1"
       "\0\0\0\1\0");
    IS(&a, 5,
       "\0\0\0\1\0\0\0\1\0\0\13\206\0\0\0\1\0\0\0\1"
       "\0\0\0\20"
       "0123456789abcdef");
    IS(&a, 6,
       "\0\0\0\1\0\0\0\1\0\0\4\240\0\0\0\1\0\0\0\1"
       "\0\0\0\10\377\377\377\377\377\377\377\377");
    args_fini(&a);
}

/* The count carries over its bytes; values stay where they were said to be
 * though the buffer moved while it grew. */
static void holds_large_arrays(void **state)
{
    struct args a = {0};

    (void)state;
    args_int(&a, 7);
    args_array_start(&a, ARGS_ELEMENT_BIGINT);
    for (int i = 0; i < 70000; i++)
        args_element_bigint(&a, i);
    args_array_end(&a);
    IS(&a, 0, "\0\0\0\7");
    assert_int_equal(a.length[1], 20 + 70000 * 12);
    assert_memory_equal(value(&a, 1) + 12, "\0\1\21\160", 4);
    args_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_scalars),
        cmocka_unit_test(tells_null_from_empty),
        cmocka_unit_test(writes_arrays),
        cmocka_unit_test(holds_large_arrays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
