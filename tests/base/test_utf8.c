#include "base/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void characters(void **state)
{
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xee\x80\x80", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},             /* a tail alone */
        {"\xc1\xbf", 0},         /* overlong */
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 0},
        {"\xc3(", 0},
        {"\xe2\x82(", 0},
        {"\xf0\x9f\x98(", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].text);

        assert_int_equal(utf8_char(cases[i].text, len), cases[i].width);
        /* Cut short, no character is whole. */
        for (size_t cut = 0; cut < len; cut++)
            if (cases[i].width)
                assert_int_equal(utf8_char(cases[i].text, cut), 0);
    }
}

/* The fast path reads eight bytes at a time: a bad byte must be found at
 * each place, and a whole character across each border must pass. */
static void finds_the_first_bad_byte(void **state)
{
    (void)state;
    for (size_t len = 1; len < 40; len++)
        for (size_t at = 0; at < len; at++) {
            char *text = memset(malloc(len), 'x', len);

            assert_int_equal(utf8_check(text, len), len);
            text[at] = (char)0xff;
            assert_int_equal(utf8_check(text, len), at);
            text[at] = (char)0xc3;
            assert_int_equal(utf8_check(text, len), at);
            if (at + 1 < len) {
                text[at + 1] = (char)0xb6;
                assert_int_equal(utf8_check(text, len), len);
            }
            free(text);
        }
}

static void a_name_is_one_line(void **state)
{
    static const char *const lines[] = {"", "March", "M\xc3\xa4rz", "\xc2\xa0",
                                        "\xe2\x82\x9b"};
    static const char *const others[] = {
        "a\nb", "\r", "a\tb", "\x1b[2J", "a\x7f", "\xc2\x85", "a\xc2\x9b"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_true(utf8_one_line(lines[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(utf8_one_line(others[i]));
}

/* One byte that is none, at each place of texts of each length. */
static void ascii_is_seven_bits(void **state)
{
    char text[25];

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        memset(text, 0x7f, sizeof text);
        memset(text + len, 0x80, sizeof text - len); /* behind it */
        assert_true(utf8_is_ascii(text, len));
        for (size_t i = 0; i < len; i++) {
            text[i] = (char)0x80;
            assert_false(utf8_is_ascii(text, len));
            text[i] = 0;
            assert_true(utf8_is_ascii(text, len));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters),
        cmocka_unit_test(finds_the_first_bad_byte),
        cmocka_unit_test(a_name_is_one_line),
        cmocka_unit_test(ascii_is_seven_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
