/* Which encoding a body gets, by table; and that any text comes back. */
#include "mail/transfer.h"
#include "base/memory.h"
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LINE_998                                                               \
    HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED    \
        TEN TEN TEN TEN TEN TEN TEN TEN TEN "01234567"

static const struct {
    const char *text;
    enum transfer best;
    const char *encoded; /* NULL: not looked at */
} cases[] = {
    {"", TRANSFER_7BIT, ""},
    {"Hello\n", TRANSFER_7BIT, "Hello\r\n"},
    {"Hello", TRANSFER_7BIT, "Hello"},
    {"a\r\n\n.b\n..\n", TRANSFER_7BIT, "a\r\n\r\n..b\r\n...\r\n"},
    {"a=b <p class=\"x\">\ttab\n", TRANSFER_7BIT,
     "a=b <p class=\"x\">\ttab\r\n"},
    {"a -- From me, --=_\n", TRANSFER_7BIT, NULL},
    {LINE_998 "\r\n", TRANSFER_7BIT, NULL},
    {LINE_998 "9\n", TRANSFER_QUOTED_PRINTABLE, NULL},
    {"From me\n", TRANSFER_QUOTED_PRINTABLE, "=46rom me\r\n"},
    {"a\nFrom me", TRANSFER_QUOTED_PRINTABLE, NULL},
    {"--=_a0\n", TRANSFER_QUOTED_PRINTABLE, "--=3D_a0\r\n"},
    {"trailing \n", TRANSFER_QUOTED_PRINTABLE, "trailing=20\r\n"},
    {"trailing\t", TRANSFER_QUOTED_PRINTABLE, "trailing=09"},
    {"bare\rCR", TRANSFER_QUOTED_PRINTABLE, "bare\r\nCR"},
    {"a\r\r\nb", TRANSFER_QUOTED_PRINTABLE, "a\r\n\r\nb"},
    {"\x1b[1m\x7f\x0c", TRANSFER_QUOTED_PRINTABLE, NULL},
    {"Gr\xc3\xbc\xc3\x9f"
     "e aus dem Norden\n",
     TRANSFER_QUOTED_PRINTABLE, "Gr=C3=BC=C3=9Fe aus dem Norden\r\n"},
    {"\xe4\xbd\xa0\xe5\xa5\xbd\n", TRANSFER_BASE64, "5L2g5aW9DQo=\r\n"},
    {"\xe4\xbd\xa0\r\xe5\xa5\xbd", TRANSFER_BASE64, "5L2gDQrlpb0=\r\n"},
};

static void test_table(void **state)
{
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].text);

        assert_int_equal(transfer_best(cases[i].text, len, false),
                         cases[i].best);
        if (!cases[i].encoded)
            continue;
        buf_reset(&out);
        transfer_encode(&out, cases[i].best, cases[i].text, len);
        assert_string_equal(out.data ? out.data : "", cases[i].encoded);
    }
    buf_fini(&out);
}

/* Where it is allowed: only for what nothing else speaks against. */
static void test_8bit(void **state)
{
    static const struct {
        const char *text;
        enum transfer best;
    } eight[] = {
        {"Hello\n", TRANSFER_7BIT},
        {"Gr\xc3\xbc\xc3\x9f"
         "e\n",
         TRANSFER_8BIT},
        {"\xe4\xbd\xa0\xe5\xa5\xbd\n.\n", TRANSFER_8BIT},
        {"\xc3\xbc at a line's end \n", TRANSFER_QUOTED_PRINTABLE},
        {"\xc3\xbc\nFrom me\n", TRANSFER_QUOTED_PRINTABLE},
        {"--=_\xc3\xbc\nbbbbbbbbbb", TRANSFER_QUOTED_PRINTABLE},
        {"\xc3\xbc\rabcdefgh", TRANSFER_QUOTED_PRINTABLE},
        {"\xc3\xbc" LINE_998, TRANSFER_QUOTED_PRINTABLE},
        {"\xc3\xbc \x7f abcdefgh", TRANSFER_QUOTED_PRINTABLE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof eight / sizeof *eight; i++)
        assert_int_equal(
            transfer_best(eight[i].text, strlen(eight[i].text), true),
            eight[i].best);
}

/* With its line ends as mail has them. */
static size_t canonical(const char *text, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' && i > 0 && text[i - 1] == '\r')
            continue;
        if (text[i] == '\r' || text[i] == '\n') {
            out[n++] = '\r';
            out[n++] = '\n';
        } else {
            out[n++] = text[i];
        }
    }
    return n;
}

static size_t decode_plain(const struct buf *b, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] != '.' || (i > 0 && b->data[i - 1] != '\n'))
            out[n++] = b->data[i];
        else
            out[n++] = b->data[++i];
    return n;
}

static size_t decode_base64(const struct buf *b, char *out)
{
    size_t n = 0;

    for (size_t at = 0; at < b->len;) {
        size_t line = strcspn(b->data + at, "\r");
        size_t pads = (b->data[at + line - 1] == '=') +
                      (size_t)(b->data[at + line - 2] == '=');
        int got = EVP_DecodeBlock((unsigned char *)out + n,
                                  (unsigned char *)b->data + at, (int)line);

        assert_true(line <= 76 && got > 0);
        n += (size_t)got - pads;
        at += line + 2;
    }
    return n;
}

static void check_lines(const struct buf *b, bool eight)
{
    size_t column = 0;

    for (size_t i = 0; i < b->len; i++) {
        unsigned char c = (unsigned char)b->data[i];

        assert_true(c && (eight || c < 0x80));
        assert_true(c != '\r' || b->data[i + 1] == '\n');
        assert_true(c != '\n' || (i > 0 && b->data[i - 1] == '\r'));
        column = c == '\n' ? 0 : column + 1;
        assert_true(column <= TRANSFER_LINE_MAX + 2);
    }
}

static void test_any_text_comes_back(void **state)
{
    static const char *const pieces[] = {"a",
                                         "bc ",
                                         "\n",
                                         "\r\n",
                                         "\r",
                                         ".",
                                         "..",
                                         "\n.",
                                         "words of text ",
                                         "\xe4\xbd\xa0\xe5\xa5\xbd",
                                         "=",
                                         "x\n",
                                         "line of some length\r\n"};
    uint32_t chance = 2045;
    struct buf text = {0}, out = {0};
    size_t seen[4] = {0};

    (void)state;
    for (int round = 0; round < 20000; round++) {
        buf_reset(&text);
        buf_reset(&out);
        for (uint32_t i = chance % 37, from = chance >> 28; i > 0; i--) {
            chance = chance * 1664525 + 1013904223;
            buf_add_text(&text, pieces[(from + (chance >> 16) % 4) % 13]);
        }
        chance = chance * 1664525 + 1013904223;
        const char *in = text.data ? text.data : "";
        enum transfer best = transfer_best(in, text.len, round % 2);
        char *want = memory_new(2 * text.len + 2, 1);
        char *got = memory_new(2 * text.len + 8, 1);

        transfer_encode(&out, best, in, text.len);
        check_lines(&out, best == TRANSFER_8BIT);
        seen[best]++;
        if (best != TRANSFER_QUOTED_PRINTABLE) { /* test_encode has that */
            size_t n = best != TRANSFER_BASE64 ? decode_plain(&out, got)
                                               : decode_base64(&out, got);

            assert_int_equal(n, canonical(in, text.len, want));
            assert_memory_equal(got, want, n);
        }
        free(want);
        free(got);
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(seen[i] > 200);
    buf_fini(&text);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_8bit),
        cmocka_unit_test(test_any_text_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
