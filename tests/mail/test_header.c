#include "mail/header.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10

static void check_text(const char *value, const char *want)
{
    struct buf out = {0};
    char *copy = strdup(value);

    header_text(&out, "X", copy, strlen(copy));
    assert_string_equal(out.data, want);
    buf_fini(&out);
    free(copy);
}

static void text_fields(void **state)
{
    (void)state;
    check_text("", "X:\r\n");
    check_text("   ", "X:\r\n");
    check_text("a  b", "X: a  b\r\n");
    check_text(" a b ", "X: a b\r\n");
    check_text("a\r\nBcc: b", "X: a Bcc: b\r\n");
    check_text("a\nb\rc\td\x01"
               "e\x7f",
               "X: a b c d e\r\n");
    check_text("\r\n\r\n", "X:\r\n");
    /* 78 characters stay, the 79th folds before the white space. */
    check_text(X60 " xxxxxxxxxxxxxx", "X: " X60 " xxxxxxxxxxxxxx\r\n");
    check_text(X60 " xxxxxxxxxxxxxxx", "X: " X60 "\r\n xxxxxxxxxxxxxxx\r\n");
    check_text(X60 "  " X60, "X: " X60 "\r\n  " X60 "\r\n");
    /* A word too long to fold stays whole: it may be a URL. */
    check_text(X60 X60, "X: " X60 X60 "\r\n");
    check_text("\xc3\xa9t\xc3\xa9 \r\n x",
               "X: =?utf-8?Q?=C3=A9t=C3=A9___x?=\r\n");
    /* What looks encoded comes back as it was written. */
    check_text("=?utf-8?Q?a?=", "X: =?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?=\r\n");
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;

    for (const char *end; (end = strstr(text, "\r\n")); text = end + 2)
        if ((size_t)(end - text) > longest)
            longest = (size_t)(end - text);
    assert_string_equal(text, "");
    return longest;
}

static void no_line_passes_998(void **state)
{
    (void)state;
    for (size_t len = 850; len < 3000; len += 7) {
        struct buf out = {0};
        char name[HEADER_NAME_MAX + 1], *value = memset(malloc(len), 'x', len);

        memset(name, 'n', HEADER_NAME_MAX);
        name[HEADER_NAME_MAX] = 0;
        header_text(&out, name, value, len);
        assert_true(longest_line(out.data) <= (len > 900 ? 78 : 998));
        buf_fini(&out);
        free(value);
    }
}

static struct address address(const char *text)
{
    struct address a;
    struct error err;

    assert_int_equal(address_parse(text, strlen(text), &a, &err), STATUS_OK);
    a.domain = NULL; /* points into the local copy */
    return a;
}

static void address_fields(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a@b.c", "To: a@b.c\r\n"},
        {"Jo Doe <a@b.c>", "To: Jo Doe <a@b.c>\r\n"},
        {"O'Neil & Co <a@b.c>", "To: O'Neil & Co <a@b.c>\r\n"},
        {"Jo Q. Doe <a@b.c>", "To: \"Jo Q. Doe\" <a@b.c>\r\n"},
        {"\"Doe, \\\"J\\\\\" <a@b.c>", "To: \"Doe, \\\"J\\\\\" <a@b.c>\r\n"},
        {"\" a\" <a@b.c>", "To: \" a\" <a@b.c>\r\n"},
        {"\"a \" <a@b.c>", "To: \"a \" <a@b.c>\r\n"},
        {"\"a  b\" <a@b.c>", "To: \"a  b\" <a@b.c>\r\n"},
        {"=?x?Q?y?= <a@b.c>", "To: \"=?x?Q?y?=\" <a@b.c>\r\n"},
        {"\"Zo\xc3\xab, X\" <a@b.c>",
         "To: =?utf-8?Q?Zo=C3=AB=2C_X?= <a@b.c>\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};

        struct address a = address(cases[i].in);
        header_addresses(&out, "To", &a, 1);
        assert_string_equal(out.data, cases[i].out);
        buf_fini(&out);
    }
}

static void long_lists_fold(void **state)
{
    struct address list[] = {
        address("aaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com"),
        address("bbbbbbbbbbbbbbbbbbbbbbbbbb@example.com"),
        address("Some Body <cccccccccccccccccccccc@example.com>"),
        address("\xc3\x89va <dddddddddddddddddddddddddddddddddddd@x.example>"),
    };
    struct buf out = {0};

    (void)state;
    header_addresses(&out, "Reply-To", list, 4);
    assert_string_equal(
        out.data, "Reply-To: aaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com,\r\n"
                  " bbbbbbbbbbbbbbbbbbbbbbbbbb@example.com, Some Body\r\n"
                  " <cccccccccccccccccccccc@example.com>, "
                  "=?utf-8?Q?=C3=89va?=\r\n"
                  " <dddddddddddddddddddddddddddddddddddd@x.example>\r\n");
    buf_fini(&out);
}

static void dates(void **state)
{
    static const struct {
        int64_t second;
        const char *line;
    } cases[] = {
        {0, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"},
        {951782399, "Date: Mon, 28 Feb 2000 23:59:59 +0000\r\n"},
        {951782400, "Date: Tue, 29 Feb 2000 00:00:00 +0000\r\n"},
        {1795412460, "Date: Mon, 23 Nov 2026 05:41:00 +0000\r\n"},
        {4107542400, "Date: Mon, 01 Mar 2100 00:00:00 +0000\r\n"},
        {-1, "Date: Wed, 31 Dec 1969 23:59:59 +0000\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};

        header_date(&out, cases[i].second * 1000000 + 999999);
        assert_string_equal(out.data, cases[i].line);
        buf_fini(&out);
    }
}

static void names(void **state)
{
    char longest[HEADER_NAME_MAX + 2];
    struct error err;

    (void)state;
    assert_int_equal(header_name_check("X-Entity_Ref.ID-1", &err), STATUS_OK);
    assert_int_equal(header_name_check("", &err), STATUS_INVALID);
    assert_string_equal(err.text, "the name is empty");
    assert_int_equal(header_name_check(".X", &err), STATUS_INVALID);
    assert_string_equal(err.text, "the name must begin with a letter");
    assert_int_equal(header_name_check("X Y", &err), STATUS_INVALID);
    assert_string_equal(err.text, "character 2 of the name is not allowed "
                                  "(letters, digits and -_. are)");
    assert_int_equal(header_name_check("X:", &err), STATUS_INVALID);
    assert_int_equal(header_name_check("X\r\nY", &err), STATUS_INVALID);
    assert_int_equal(header_name_check("X\xc3\xa9", &err), STATUS_INVALID);
    memset(longest, 'x', sizeof longest);
    longest[HEADER_NAME_MAX + 1] = 0;
    assert_int_equal(header_name_check(longest, &err), STATUS_INVALID);
    longest[HEADER_NAME_MAX] = 0;
    assert_int_equal(header_name_check(longest, &err), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_fields),    cmocka_unit_test(no_line_passes_998),
        cmocka_unit_test(address_fields), cmocka_unit_test(long_lists_fold),
        cmocka_unit_test(dates),          cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
