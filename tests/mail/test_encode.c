#include "mail/encode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define X10 "xxxxxxxxxx"
#define X70 X10 X10 X10 X10 X10 X10 X10
#define X75 X70 "xxxxx"

struct pair {
    const char *in, *out;
};

static void quoted_printable(void **state)
{
    static const struct pair cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"a=b\x7f\x01", "a=3Db=7F=01"},
        {"\xc3\xb6", "=C3=B6"},
        {"a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd"},
        {"\n\r\r\n", "\r\n\r\n\r\n"},
        {"a \nb\t\r\nc ", "a=20\r\nb=09\r\nc=20"},
        {"a\tb  c", "a\tb  c"},
        {" \n", "=20\r\n"},
        {".", ".."},
        {".\n..\n.a", "..\r\n...\r\n..a"},
        {"a.\n", "a.\r\n"},
        {"From me\nFrom\nFromage", "=46rom me\r\nFrom\r\nFromage"},
        {X75, X75},
        {X75 "\n", X75 "\r\n"},
        {X75 "x", X75 "=\r\nx"},
        {X75 ".", X75 "=\r\n.."},
        {X75 "From x", X75 "=\r\n=46rom x"},
        {X75 "=", X75 "=\r\n=3D"},
        {X70 "xx=", X70 "xx=3D"},
        {X70 "xxx=", X70 "xxx=\r\n=3D"},
        {X70 "xxxx \n", X70 "xxxx=\r\n=20\r\n"},
        {X70 "xxx \n", X70 "xxx=20\r\n"},
        {X70 "xxxx x", X70 "xxxx =\r\nx"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].in);
        char *in = memcpy(malloc(len + !len), cases[i].in, len);
        struct buf out = {0};

        encode_quoted_printable(&out, in, len);
        assert_string_equal(out.data, cases[i].out);
        assert_int_equal(out.len, strlen(cases[i].out));
        buf_fini(&out);
        free(in);
    }
}

/* The fast path looks at eight bytes at a time: each byte value at each
 * place among bytes that stand for themselves. */
static void every_byte_at_every_place(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        for (size_t at = 0; at < 20; at++) {
            char in[20], want[40];
            struct buf out = {0};
            int stands = c == '\t' || (c >= 32 && c <= 126 && c != '=');

            if (c == '\r' || c == '\n' || (at == 19 && (c == 9 || c == 32)) ||
                (at == 0 && c == '.'))
                continue;
            memset(in, 'x', sizeof in);
            in[at] = (char)c;
            snprintf(want, sizeof want, stands ? "%.*s%c%.*s" : "%.*s=%02X%.*s",
                     (int)at, "xxxxxxxxxxxxxxxxxxxx", c, (int)(19 - at),
                     "xxxxxxxxxxxxxxxxxxxx");
            encode_quoted_printable(&out, in, sizeof in);
            assert_string_equal(out.data, want);
            buf_fini(&out);
        }
}

/* RFC 4648 10. */
static void base64(void **state)
{
    static const struct pair cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfd", "//79"},
        {"\xfb\xef\xbe", "++++"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};

        encode_base64(&out, cases[i].in, strlen(cases[i].in));
        assert_string_equal(out.data, cases[i].out);
        buf_fini(&out);
    }
}

static void words(void **state)
{
    static const struct {
        const char *in;
        size_t col;
        const char *out;
    } cases[] = {
        {"Caf\xc3\xa9 a_b?", 9, "=?utf-8?Q?Caf=C3=A9_a=5Fb=3F?="},
        {"\xe4\xbd\xa0\xe5\xa5\xbd", 9, "=?utf-8?B?5L2g5aW9?="},
        /* No room for a character: on the next line. */
        {"\xc3\xa9tu", 53, "\r\n =?utf-8?Q?=C3=A9tu?="},
        {"\xc3\xa9tu", 52, "=?utf-8?Q?=C3=A9tu?="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};

        encode_words(&out, cases[i].in, strlen(cases[i].in), cases[i].col);
        assert_string_equal(out.data, cases[i].out);
        buf_fini(&out);
    }
}

/* How many bytes beyond ASCII a word holds. Only the last one may be padded:
 * some readers join words before they decode them. */
static size_t word_bytes(char kind, const char *word, size_t len, bool last)
{
    size_t pad = 0;

    if (kind == 'Q')
        return len / 3;

    while (pad < len && word[len - 1 - pad] == '=')
        pad++;
    assert_true(last || pad == 0);
    return len / 4 * 3 - pad;
}

/* Characters of each width from each column: no word and no line passes its
 * limit, and each word holds whole characters. */
static void words_split_between_characters(void **state)
{
    static const char *const texts[] = {"\xc3\xa9", "\xe4\xbd\xa0",
                                        "\xf0\x9f\x98\x80"};

    (void)state;
    for (size_t width = 2; width <= 4; width++)
        for (size_t col = 1; col < 100; col++) {
            struct buf in = {0}, out = {0};
            size_t line = col, bytes = 0;

            for (int i = 0; i < 60; i++)
                buf_add_text(&in, texts[width - 2]);
            encode_words(&out, in.data, in.len, col);
            if (out.data[0] == '\r')
                line = 0;
            for (char *p = out.data, *next; p; p = next) {
                next = strstr(p, "\r\n");
                size_t n = next ? (size_t)(next - p) : strlen(p);
                size_t lead = p[0] == ' ';

                assert_true(line + n <= ENCODE_LINE_MAX);
                assert_true(n - lead <= ENCODE_WORD_MAX);
                if (n > 0) {
                    size_t b = word_bytes(p[lead + 8], p + lead + 10,
                                          n - lead - 12, !next);

                    assert_int_equal(b % width, 0);
                    bytes += b;
                }
                line = 0;
                next = next ? next + 2 : NULL;
            }
            assert_int_equal(bytes, in.len);
            buf_fini(&in);
            buf_fini(&out);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoted_printable),
        cmocka_unit_test(every_byte_at_every_place),
        cmocka_unit_test(base64),
        cmocka_unit_test(words),
        cmocka_unit_test(words_split_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
