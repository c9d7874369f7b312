#include "api/upload/recipient.h"
#include "mail/address.h"
#include "transcript.h"

static void offer(const char *address, const char *says)
{
    struct buf said = {0};
    struct upload_sink sink = transcript_sink(&said);
    struct error err;
    enum status st =
        recipient_offer(&sink, 7, address, strlen(address), NULL, 0, &err);

    transcript_is(&said, st, &err, address, 0, says);
}

static void trims_and_checks_addresses(void **state)
{
    (void)state;
    offer(" \tjo@example.com \r", "jo@example.com -\n");
    offer("Jo.D_o+e-1@A-b.c9.Example", "Jo.D_o+e-1@A-b.c9.Example -\n");
    offer("o'hara!#$%&*/=?^`{|}~@example.com",
          "o'hara!#$%&*/=?^`{|}~@example.com -\n");
    offer("\"a b\"@example.com", "\"a b\"@example.com -\n");
    offer("jo@[127.0.0.1]", "jo@[127.0.0.1] -\n");
    offer("", "!7 email: the address is empty []\n");
    offer("Jo <jo@example.com>",
          "!7 email: character 3: ' ' is not allowed in the local part "
          "[Jo <jo@example.com>]\n");
    offer("a@b.example, c@d.example",
          "!7 email: character 12: ',' is not allowed in the domain "
          "[a@b.example, c@d.exampl]\n");
}

static size_t taken;

static enum status count_taken(void *context, const char *address,
                               size_t address_len, const char *variables,
                               size_t variables_len, struct error *err)
{
    (void)context, (void)address, (void)address_len;
    (void)variables, (void)variables_len, (void)err;
    taken++;
    return STATUS_OK;
}

static void count_rejected(void *context, uint64_t line, const char *reason,
                           const char *value, size_t value_len)
{
    (void)context, (void)line, (void)reason, (void)value, (void)value_len;
}

/* The short way round may never take what the parser refuses: all texts of up
 * to six characters of those that matter around a dot, a hyphen, the @. */
static void agrees_with_the_parser(void **state)
{
    static const char set[] = "a1.-@_";
    const struct upload_sink sink = {
        .take = count_taken, .reject = count_rejected, .context = NULL};
    size_t n = 1;

    (void)state;
    for (size_t len = 1; len <= 6; len++) {
        n *= sizeof set - 1;
        for (size_t i = 0; i < n; i++) {
            char text[8];
            struct address parsed;
            struct error err;
            size_t rest = i;

            for (size_t at = 0; at < len; at++, rest /= sizeof set - 1)
                text[at] = set[rest % (sizeof set - 1)];
            text[len] = 0;
            taken = 0;
            assert_int_equal(
                recipient_offer(&sink, 1, text, len, NULL, 0, &err), STATUS_OK);
            bool valid =
                address_parse_spec(text, len, &parsed, &err) == STATUS_OK;
            if (taken != valid)
                fail_msg("%s: %s", text, valid ? "refused" : "taken");
        }
    }
}

/* 63 bytes in a label, 254 in all, whatever stands before the @. */
static void keeps_the_limits(void **state)
{
    static const struct {
        int local, label, labels;
        bool valid;
    } cases[] = {{64, 10, 1, true}, {243, 10, 1, true}, {244, 10, 1, false},
                 {1, 63, 1, true},  {1, 64, 1, false},  {1, 63, 3, true},
                 {60, 63, 3, true}, {62, 63, 3, true},  {63, 63, 3, false}};
    const struct upload_sink sink = {
        .take = count_taken, .reject = count_rejected, .context = NULL};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        struct error err;

        for (int n = 0; n < cases[i].local; n++)
            buf_add_char(&b, 'l');
        for (int label = 0; label < cases[i].labels; label++) {
            buf_add_char(&b, label ? '.' : '@');
            for (int n = 0; n < cases[i].label; n++)
                buf_add_char(&b, 'd');
        }
        taken = 0;
        assert_int_equal(
            recipient_offer(&sink, 1, b.data, b.len, NULL, 0, &err), STATUS_OK);
        if (taken != cases[i].valid)
            fail_msg("case %zu", i);
        buf_fini(&b);
    }
}

static void writes_json_texts(void **state)
{
    struct buf b = {0};
    static const char all[] = "a\"\\/\b\n\r\t\x01\x1f\x7f\xc3\xa4";

    (void)state;
    recipient_json_text(&b, all, sizeof all - 1);
    assert_string_equal(b.data, "\"a\\\"\\\\/\\u0008\\n\\r\\t\\u0001\\u001f"
                                "\x7f\xc3\xa4\"");
    recipient_json_text(&b, "", 0);
    assert_string_equal(b.data + b.len - 2, "\"\"");
    buf_fini(&b);
}

/* The flaw may stand anywhere in the words that are looked at at once. */
static void finds_flaws(void **state)
{
    (void)state;
    for (size_t at = 0; at < 20; at++) {
        char text[20];

        memset(text, 'x', sizeof text);
        assert_null(recipient_text_flaw(text, sizeof text));
        text[at] = 0;
        assert_string_equal(recipient_text_flaw(text, sizeof text),
                            "has a NUL byte");
        text[at] = '\xff';
        assert_string_equal(recipient_text_flaw(text, sizeof text),
                            "is not UTF-8");
    }
    assert_null(recipient_text_flaw("\xe2\x82\xac uro", 7));
    assert_null(recipient_text_flaw("", 0));
}

static void cuts_reasons(void **state)
{
    struct buf said = {0};
    struct upload_sink sink = transcript_sink(&said);
    char text[2 * UPLOAD_REASON_MAX];

    (void)state;
    memset(text, 'r', sizeof text);
    text[sizeof text - 1] = 0;
    recipient_reject(&sink, 1, "v", 1, "%s", text);
    assert_int_equal(said.len, strlen("!1  [v]\n") + UPLOAD_REASON_MAX - 1);
    buf_fini(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trims_and_checks_addresses),
        cmocka_unit_test(agrees_with_the_parser),
        cmocka_unit_test(keeps_the_limits),
        cmocka_unit_test(writes_json_texts),
        cmocka_unit_test(finds_flaws),
        cmocka_unit_test(cuts_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
