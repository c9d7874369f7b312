#include "queue/array.h"
#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* As PostgreSQL 15's array_send() writes the same values. */
#define IS(b, bytes)                                                           \
    do {                                                                       \
        assert_int_equal((b).len, sizeof(bytes) - 1);                          \
        assert_memory_equal((b).data, bytes, sizeof(bytes) - 1);               \
    } while (0)

static void test_elements(void **state)
{
    struct buf b = {0};

    (void)state;
    array_begin(&b, ARRAY_INT4);
    array_int32(&b, 1);
    array_int32(&b, -2);
    array_end(&b);
    IS(b, "\0\0\0\1\0\0\0\0\0\0\0\27\0\0\0\2\0\0\0\1"
          "\0\0\0\4\0\0\0\1\0\0\0\4\377\377\377\376");
    array_begin(&b, ARRAY_TEXT);
    array_bytes(&b, "ab", 2);
    array_bytes(&b, "", 0);
    array_end(&b);
    IS(b, "\0\0\0\1\0\0\0\0\0\0\0\31\0\0\0\2\0\0\0\1"
          "\0\0\0\2ab\0\0\0\0");
    array_begin(&b, ARRAY_TIMESTAMPTZ);
    array_time(&b, CLOCK_PG_EPOCH_US + 5);
    array_end(&b);
    IS(b, "\0\0\0\1\0\0\0\0\0\0\4\240\0\0\0\1\0\0\0\1"
          "\0\0\0\10\0\0\0\0\0\0\0\5");
    buf_fini(&b);
}

static void test_empty(void **state)
{
    struct buf b = {0};

    (void)state;
    array_begin(&b, ARRAY_JSON);
    array_end(&b);
    IS(b, "\0\0\0\0\0\0\0\0\0\0\0\162");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_elements),
                                       cmocka_unit_test(test_empty)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
