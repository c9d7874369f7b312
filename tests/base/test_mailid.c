#include "base/mailid.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const unsigned char secret[MAILID_SECRET_BYTES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static const int64_t batch_most = (INT64_C(1) << 62) - 1;

static void reads_what_it_wrote(void **state)
{
    const int64_t batches[] = {1,
                               2,
                               3,
                               4,
                               0xfff,
                               1 << 14,
                               INT64_C(0x123456789abcdef),
                               batch_most - 1,
                               batch_most};
    const int32_t seqs[] = {0, 1, 999, 1 << 17, MAILID_SEQ_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
        for (size_t k = 0; k < sizeof seqs / sizeof *seqs; k++) {
            struct mailid id = {batches[i], seqs[k]}, read = {0, 0};
            char text[MAILID_TEXT_MAX];

            mailid_text(secret, id, text);
            assert_int_equal(strlen(text), 36);
            assert_true(mailid_parse(secret, text, &read));
            assert_true(read.batch == id.batch);
            assert_int_equal(read.seq, id.seq);
        }
}

/* RFC 9562: version 8 in the 13th digit, variant 10 in the 17th; the rest as
 * the header draws it. */
static void looks_like_a_uuid(void **state)
{
    char text[MAILID_TEXT_MAX];
    struct mailid id = {batch_most, MAILID_SEQ_MAX};

    (void)state;
    mailid_text(secret, id, text);
    assert_memory_equal(text, "ffffffff-ffff-8fff-bfff-f", 25);
    assert_int_equal(text[23], '-');
    id = (struct mailid){1, 0};
    mailid_text(secret, id, text);
    assert_memory_equal(text, "00000000-0000-8000-9000-0", 25);
}

static void takes_upper_case(void **state)
{
    struct mailid id = {INT64_C(0xabcdef), 42}, read = {0};
    char text[MAILID_TEXT_MAX];

    (void)state;
    mailid_text(secret, id, text);
    for (char *p = text; *p; p++)
        if (*p >= 'a' && *p <= 'f')
            *p = (char)(*p - 'a' + 'A');
    assert_true(mailid_parse(secret, text, &read));
    assert_true(read.batch == id.batch && read.seq == id.seq);
}

/* Whatever digit is changed into whatever else. */
static void refuses_what_was_tampered_with(void **state)
{
    struct mailid id = {INT64_C(0x2d1f3a9b00017), 517}, read;
    char text[MAILID_TEXT_MAX];

    (void)state;
    mailid_text(secret, id, text);
    for (size_t at = 0; at < 36; at++) {
        char was = text[at];

        for (const char *to = "0123456789abcdef-g "; *to; to++) {
            text[at] = *to;
            assert_true(mailid_parse(secret, text, &read) == (*to == was));
        }
        text[at] = 0;
        assert_false(mailid_parse(secret, text, &read));
        text[at] = was;
    }
    assert_true(mailid_parse(secret, text, &read));
}

static void refuses_foreign_names(void **state)
{
    static const char *const texts[] = {"",
                                        "-",
                                        "00000000-0000-0000-0000-000000000000",
                                        "00000000-0000-8000-8000-000000000000",
                                        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                                        "f81d4fae7dec11d0a76500a0c91e6bf6",
                                        "{f81d4fae-7dec-11d0-a765-00a0c91e6b}"};
    unsigned char other[MAILID_SECRET_BYTES];
    char text[MAILID_TEXT_MAX + 1];
    struct mailid id = {77, 7}, read;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(mailid_parse(secret, texts[i], &read));
    mailid_text(secret, id, text);
    memcpy(other, secret, sizeof other);
    other[15] ^= 1;
    assert_false(mailid_parse(other, text, &read));
    text[36] = '0'; /* one digit too many */
    text[37] = 0;
    assert_false(mailid_parse(secret, text, &read));
}

/* What batch_id_at() of migrations/0001 answered, in UTC:
 *   ('2020-01-01', 0), ('2020-01-01 00:00:00.001', 1048575),
 *   ('2026-11-23 05:41:00.123', 5), ('2026-11-23 05:41:00.123', 1048581) */
static void agrees_with_the_store(void **state)
{
    (void)state;
    assert_true(mailid_batch(INT64_C(1577836800000), 0) == 0);
    assert_true(mailid_batch(INT64_C(1577836800001), 1048575) == 2097151);
    assert_true(mailid_batch(INT64_C(1795412460123), 5) ==
                INT64_C(228144615389134853));
    assert_true(mailid_batch(INT64_C(1795412460123), 1048581) ==
                INT64_C(228144615389134853));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_wrote),
        cmocka_unit_test(looks_like_a_uuid),
        cmocka_unit_test(takes_upper_case),
        cmocka_unit_test(refuses_what_was_tampered_with),
        cmocka_unit_test(refuses_foreign_names),
        cmocka_unit_test(agrees_with_the_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
