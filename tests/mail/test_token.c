#include "mail/token.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const unsigned char secret[MAILID_SECRET_BYTES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static const struct token tokens[] = {
    {{1, 0}, TOKEN_CLICK, 0},
    {{(INT64_C(1) << 62) - 1, MAILID_SEQ_MAX},
     TOKEN_UNSUBSCRIBE,
     TOKEN_LINK_MAX},
    {{INT64_C(0x123456789abcdef), 999}, TOKEN_OPEN, 17},
    {{3, 1}, TOKEN_CLICK_TARGET, 4096},
};
enum { TOKENS = sizeof tokens / sizeof *tokens };

static void reads_what_it_wrote(void **state)
{
    (void)state;
    for (size_t i = 0; i < TOKENS; i++) {
        char text[TOKEN_TEXT_MAX];
        struct token read;

        token_text(secret, &tokens[i], NULL, 0, text);
        assert_int_equal(strlen(text), TOKEN_TEXT_LEN);
        assert_true(token_parse(secret, text, TOKEN_TEXT_LEN, NULL, 0, &read));
        assert_true(read.mail.batch == tokens[i].mail.batch);
        assert_int_equal(read.mail.seq, tokens[i].mail.seq);
        assert_int_equal(read.purpose, tokens[i].purpose);
        assert_int_equal(read.link, tokens[i].link);
    }
}

/* Any character changed to any other, or cut anywhere: none of ours. */
static void refuses_every_change(void **state)
{
    char text[TOKEN_TEXT_MAX];
    struct token read;

    (void)state;
    token_text(secret, &tokens[2], NULL, 0, text);
    for (size_t i = 0; i < TOKEN_TEXT_LEN; i++) {
        char was = text[i];

        assert_false(token_parse(secret, text, i, NULL, 0, &read));
        for (int c = 1; c < 256; c++) {
            text[i] = (char)c;
            if (text[i] != was)
                assert_false(
                    token_parse(secret, text, TOKEN_TEXT_LEN, NULL, 0, &read));
        }
        text[i] = was;
    }
}

static void is_bound_to_its_target_and_secret(void **state)
{
    static const char target[] = "https://shop.example/a?b=c";
    unsigned char other[MAILID_SECRET_BYTES];
    char text[TOKEN_TEXT_MAX];
    struct token read;

    (void)state;
    memcpy(other, secret, sizeof other);
    other[MAILID_SECRET_BYTES - 1] ^= 1;
    token_text(secret, &tokens[3], target, strlen(target), text);
    assert_true(token_parse(secret, text, TOKEN_TEXT_LEN, target,
                            strlen(target), &read));
    assert_false(token_parse(secret, text, TOKEN_TEXT_LEN, target,
                             strlen(target) - 1, &read));
    assert_false(token_parse(secret, text, TOKEN_TEXT_LEN, NULL, 0, &read));
    assert_false(
        token_parse(secret, text, TOKEN_TEXT_LEN, "https://evil/", 13, &read));
    assert_false(token_parse(other, text, TOKEN_TEXT_LEN, target,
                             strlen(target), &read));
}

static void writes_base64url(void **state)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""},        {"f", "Zg"},        {"fo", "Zm8"},
                 {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"\xff\xef\xbe", "_---"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].bytes);
        char text[16] = "";
        unsigned char back[16];

        assert_int_equal(token_base64(cases[i].bytes, len, text),
                         token_base64_len(len));
        assert_string_equal(text, cases[i].text);
        assert_int_equal(token_unbase64(text, strlen(text), back), len);
        assert_memory_equal(back, cases[i].bytes, len);
    }
}

static void refuses_what_is_no_base64url(void **state)
{
    static const char *const bad[] = {
        "Z", "Zh", "Zm9", "Zm9v=", "Zm+v", "Zm/v", "Zm9vY", "\xff\xff"};
    unsigned char back[16];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (token_unbase64(bad[i], strlen(bad[i]), back) >= 0)
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_wrote),
        cmocka_unit_test(refuses_every_change),
        cmocka_unit_test(is_bound_to_its_target_and_secret),
        cmocka_unit_test(writes_base64url),
        cmocka_unit_test(refuses_what_is_no_base64url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
