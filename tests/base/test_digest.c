#include "base/digest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void of(const char *const *parts, char out[DIGEST_TEXT_MAX])
{
    struct digest d;

    digest_start(&d);
    for (; *parts; parts++)
        digest_add_text(&d, *parts);
    digest_end_text(&d, out);
}

/* Parts that make the same bytes one after the other are another list. */
static void tells_lists_apart(void **state)
{
    static const char *const lists[][4] = {
        {"ab", "c"}, {"a", "bc"}, {"abc"},
        {"", "abc"}, {"abc", ""}, {"c", "ab"},
    };
    enum { N = sizeof lists / sizeof *lists };
    char keys[N][DIGEST_TEXT_MAX], again[DIGEST_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        of(lists[i], keys[i]);
        of(lists[i], again);
        assert_string_equal(keys[i], again);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(keys[i], keys[k]);
    }
}

/* SHA-256 of nothing (FIPS 180-4). */
static void is_sha_256(void **state)
{
    static const char *const none[] = {NULL};
    char key[DIGEST_TEXT_MAX];

    (void)state;
    of(none, key);
    assert_string_equal(
        key,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void bytes_and_text_are_the_same(void **state)
{
    struct digest d;
    unsigned char bytes[DIGEST_BYTES];
    char text[DIGEST_TEXT_MAX], pair[3];

    (void)state;
    digest_start(&d);
    digest_add(&d, "x\0y", 3);
    digest_end(&d, bytes);
    digest_start(&d);
    digest_add(&d, "x\0y", 3);
    digest_end_text(&d, text);
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(pair, sizeof pair, "%02x", bytes[i]);
        assert_memory_equal(text + 2 * i, pair, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_lists_apart),
        cmocka_unit_test(is_sha_256),
        cmocka_unit_test(bytes_and_text_are_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
