#include "queue/uuid.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void reads_what_the_store_writes(void **state)
{
    unsigned char uuid[UUID_BYTES] = {0xff};

    (void)state;
    assert_true(uuid_parse("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", uuid));
    assert_memory_equal(uuid,
                        "\xf8\x1d\x4f\xae\x7d\xec\x11\xd0\xa7\x65\x00\xa0"
                        "\xc9\x1e\x6b\xf6",
                        UUID_BYTES);
}

static void refuses_the_rest(void **state)
{
    static const char whole[] = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    unsigned char uuid[UUID_BYTES];
    char text[sizeof whole];

    (void)state;
    for (size_t at = 0; at < sizeof whole - 1; at++) {
        memcpy(text, whole, sizeof whole);
        text[at] = 'g';
        assert_false(uuid_parse(text, uuid));
        text[at] = 0;
        assert_false(uuid_parse(text, uuid));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_the_store_writes),
        cmocka_unit_test(refuses_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
