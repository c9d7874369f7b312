#include "api/ring.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct marks {
    int parks, wakes;
};

static void park(void *context)
{
    ((struct marks *)context)->parks++;
}

static void wake(void *context)
{
    ((struct marks *)context)->wakes++;
}

static void test_full_and_empty(void **state)
{
    struct marks m = {0};
    struct ring *r = ring_new(park, wake, &m);
    char *bytes = calloc(1, RING_BYTES_MAX), byte;

    (void)state;
    assert_int_equal(ring_try_read(r, &byte, 1), RING_PARKED);
    assert_int_equal(m.parks, 1);
    assert_int_equal(ring_try_write(r, bytes, RING_BYTES_MAX), RING_BYTES_MAX);
    assert_int_equal(m.wakes, 1);
    assert_int_equal(ring_try_write(r, "x", 1), 0);
    assert_int_equal(m.parks, 2);
    assert_int_equal(ring_read(r, &byte, 1), 1);
    assert_int_equal(m.wakes, 2);
    /* One park, one wake. */
    assert_int_equal(ring_read(r, &byte, 1), 1);
    assert_int_equal(m.wakes, 2);
    assert_int_equal(ring_try_write(r, "xyz", 3), 2);
    ring_end(r);
    while (ring_read(r, bytes, RING_BYTES_MAX) > 0)
        ;
    assert_int_equal(ring_try_read(r, &byte, 1), 0);
    free(bytes);
    ring_free(r);
}

static void test_broken(void **state)
{
    struct marks m = {0};
    struct ring *r = ring_new(park, wake, &m);
    char byte;

    (void)state;
    assert_int_equal(ring_try_write(r, "abc", 3), 3);
    ring_break(r);
    assert_int_equal(ring_read(r, &byte, 1), -1);
    assert_int_equal(ring_try_read(r, &byte, 1), -1);
    assert_false(ring_write(r, "x", 1));
    assert_int_equal(ring_try_write(r, "abc", 3), 3); /* and forgotten */
    assert_int_equal(m.parks, 0);
    ring_free(r);
}

enum { STREAM_BYTES = 5 * RING_BYTES_MAX + 12345 };

static void *write_stream(void *context)
{
    unsigned char piece[977];

    for (size_t at = 0; at < STREAM_BYTES;) {
        size_t n = sizeof piece;

        if (n > STREAM_BYTES - at)
            n = STREAM_BYTES - at;
        for (size_t i = 0; i < n; i++)
            piece[i] = (unsigned char)((at + i) * 31 >> 3);
        if (!ring_write(context, piece, n))
            return context;
        at += n;
    }
    ring_end(context);
    return NULL;
}

static void test_stream(void **state)
{
    struct marks m = {0};
    struct ring *r = ring_new(park, wake, &m);
    unsigned char piece[4099];
    pthread_t writer;
    void *failed;
    size_t at = 0;
    ssize_t n;

    (void)state;
    pthread_create(&writer, NULL, write_stream, r);
    while ((n = ring_read(r, piece, sizeof piece)) > 0)
        for (ssize_t i = 0; i < n; i++, at++)
            if (piece[i] != (unsigned char)(at * 31 >> 3))
                fail_msg("byte %zu", at);
    pthread_join(writer, &failed);
    assert_null(failed);
    assert_int_equal(n, 0);
    assert_int_equal(at, STREAM_BYTES);
    ring_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_and_empty),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
