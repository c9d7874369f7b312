#include "settle/rows.h"
#include "base/clock.h"
#include "settle/journal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Reads back what is written for PostgreSQL: big-endian integers, and fields
 * that begin with their length. */
struct reader {
    const char *at, *end;
};

static uint64_t integer(struct reader *r, size_t bytes)
{
    uint64_t v = 0;

    assert_true((size_t)(r->end - r->at) >= bytes);
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)*r->at++;
    return v;
}

static uint64_t number(struct reader *r, size_t bytes)
{
    assert_int_equal(integer(r, 4), bytes);
    return integer(r, bytes);
}

static void text(struct reader *r, const char *expected)
{
    uint64_t len = integer(r, 4);

    if (!expected) {
        assert_true(len == UINT32_MAX);
        return;
    }
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(r->at, expected, len);
    r->at += len;
}

static void array(struct reader *r, enum args_element type, uint64_t n)
{
    assert_int_equal(integer(r, 4), 1);
    (void)integer(r, 4);
    assert_int_equal(integer(r, 4), type);
    assert_int_equal(integer(r, 4), n);
    assert_int_equal(integer(r, 4), 1);
}

static const struct settled delivered = {
    .mail = {INT64_C(0x102030405060708), 77},
    .attempt = 2,
    .at_us = CLOCK_PG_EPOCH_US + 1000,
    .verdict = VERDICT_DELIVERED,
    .final = true,
    .code = 250,
    .claimed_ms = 1,
    .waited_ms = -2,
    .took_ms = 3,
    .campaign = {9},
    .site = "google",
    .enhanced = "2.0.0",
    .step = "data",
    .reply = "queued",
    .mx = "127.0.0.1:25",
    .source = "127.0.0.1",
};

static const struct settled in_doubt = {
    .mail = {5, 0},
    .attempt = 1,
    .verdict = VERDICT_IN_DOUBT,
    .has_reach = true,
    .reach = REACH_HOST,
    .site = "example.com",
    .step = "",
    .category = "transient",
};

static void copies_records(void **state)
{
    struct journal j = {.fd = {-1, -1}};
    struct buf out = {0};
    struct tally tally = {0};

    (void)state;
    journal_add(&j, &delivered);
    journal_add(&j, &in_doubt);
    buf_add_text(&out, "of the commit before");
    rows_copy(&j.bytes[0], 4, &out, &tally);
    struct reader r = {out.data, out.data + out.len};

    assert_memory_equal(r.at, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    r.at += 19;
    assert_int_equal(integer(&r, 2), 18);
    assert_true(number(&r, 8) == 0x102030405060708);
    assert_int_equal(number(&r, 4), 77);
    assert_int_equal(number(&r, 2), 2);
    assert_int_equal(number(&r, 8), 1000);
    text(&r, "delivered");
    assert_int_equal(number(&r, 1), 1);
    text(&r, NULL);
    assert_int_equal(number(&r, 2), 250);
    text(&r, "2.0.0");
    text(&r, "data");
    text(&r, "queued");
    text(&r, "127.0.0.1:25");
    text(&r, "127.0.0.1");
    assert_int_equal(number(&r, 4), 4);
    assert_int_equal(number(&r, 4), 1);
    assert_int_equal((int32_t)number(&r, 4), -2);
    assert_int_equal(number(&r, 4), 3);
    text(&r, NULL);
    assert_int_equal(integer(&r, 2), 18);
    assert_int_equal(number(&r, 8), 5);
    assert_int_equal(number(&r, 4), 0);
    assert_int_equal(number(&r, 2), 1);
    assert_true((int64_t)number(&r, 8) == -CLOCK_PG_EPOCH_US);
    text(&r, "in_doubt");
    assert_int_equal(number(&r, 1), 0);
    text(&r, "host");
    for (int i = 0; i < 6; i++) /* code, enhanced, step .. source */
        text(&r, NULL);
    for (int i = 0; i < 4; i++)
        (void)number(&r, 4);
    text(&r, "transient");
    assert_int_equal(tally.failed, 1);
    assert_int_equal(integer(&r, 2), UINT16_MAX);
    assert_ptr_equal(r.at, r.end);
    assert_int_equal(tally.n, 1); /* the other one has no campaign */
    journal_close(&j);
    buf_fini(&out);
    tally_fini(&tally);
}

static void add(struct journal *j, unsigned char campaign, const char *site,
                enum verdict verdict, bool final, int n)
{
    for (int i = 0; i < n; i++) {
        struct settled s = {.mail = {1, i},
                            .verdict = verdict,
                            .final = final,
                            .campaign = {campaign},
                            .site = site};

        journal_add(j, &s);
    }
}

static void tallies_by_campaign_and_site(void **state)
{
    struct journal j = {.fd = {-1, -1}};
    struct buf out = {0};
    struct tally tally = {0};
    struct args args = {0};

    (void)state;
    assert_false(tally_args(&tally, 4, &args));
    for (int round = 0; round < 2; round++) {
        add(&j, 1, "google", VERDICT_DELIVERED, true, 3);
        add(&j, 1, "yahoo", VERDICT_DEFERRED, false, 2);
        add(&j, 2, "google", VERDICT_IN_DOUBT, true, 1);
        add(&j, 2, "google", VERDICT_IN_DOUBT, false, 4);
        add(&j, 0, "google", VERDICT_DELIVERED, true, 9);
        add(&j, 2, "google", VERDICT_BOUNCED, true, 5);
        add(&j, 1, "yahoo", VERDICT_EXPIRED, true, 6);
        add(&j, 1, "yahoo", VERDICT_SUPPRESSED, true, 7);
        add(&j, 1, "yahoo", VERDICT_CANCELLED, true, 8);
    }
    rows_copy(&j.bytes[0], 4, &out, &tally);
    static const struct tally_row expected[] = {
        {{1}, "google", {[TALLY_DELIVERED] = 6}},
        {{1},
         "yahoo",
         {[TALLY_DEFERRED] = 4,
          [TALLY_EXPIRED] = 12,
          [TALLY_SUPPRESSED] = 14,
          [TALLY_CANCELLED] = 16}},
        {{2},
         "google",
         {[TALLY_BOUNCED] = 10, [TALLY_IN_DOUBT] = 2, [TALLY_DOUBTED] = 8}},
    };

    assert_int_equal(tally.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(tally.rows[i].site, expected[i].site);
        assert_memory_equal(tally.rows[i].campaign, expected[i].campaign,
                            UUID_BYTES);
        for (int c = 0; c < TALLY_COUNTS; c++)
            assert_true(tally.rows[i].count[c] == expected[i].count[c]);
    }
    assert_true(tally_args(&tally, 4, &args));
    assert_int_equal(args.n, 3 + TALLY_COUNTS);
    tally_reset(&tally);
    args_reset(&args);
    assert_false(tally_args(&tally, 4, &args));
    journal_close(&j);
    buf_fini(&out);
    tally_fini(&tally);
    args_fini(&args);
}

/* More than its first room for rows; each found again. */
static void tallies_many_sites(void **state)
{
    struct journal j = {.fd = {-1, -1}};
    struct buf out = {0};
    struct tally tally = {0};
    char site[16];

    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(site, sizeof site, "site%d.example", i % 100);
        add(&j, 1, site, VERDICT_DELIVERED, true, 1);
    }
    rows_copy(&j.bytes[0], 4, &out, &tally);
    assert_int_equal(tally.n, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(tally.rows[i].count[TALLY_DELIVERED], 3);
    journal_close(&j);
    buf_fini(&out);
    tally_fini(&tally);
}

static struct reader value(const struct args *args, int i)
{
    const char *values[ARGS_MAX];

    args_values(args, values);
    return (struct reader){values[i], values[i] + args->length[i]};
}

/* And nothing of the one that has no category. */
static void gives_what_failed(void **state)
{
    struct journal j = {.fd = {-1, -1}};
    struct buf out = {0};
    struct tally tally = {0};
    struct args args = {0};
    struct reader r;

    (void)state;
    journal_add(&j, &delivered);
    journal_add(&j, &delivered);
    journal_add(&j, &in_doubt);
    rows_copy(&j.bytes[0], 4, &out, &tally);
    assert_int_equal(tally.failed, 1);
    tally_reset(&tally);
    assert_int_equal(tally.failed, 0);
    rows_failed_args(&j.bytes[0], 4, &args);
    assert_int_equal(args.n, 8); /* of settle_failed */
    r = value(&args, 1);
    array(&r, ARGS_ELEMENT_BIGINT, 1);
    assert_int_equal(number(&r, 8), 5);
    r = value(&args, 4);
    array(&r, ARGS_ELEMENT_TEXT, 1);
    text(&r, "in_doubt");
    r = value(&args, 7);
    array(&r, ARGS_ELEMENT_TEXT, 1);
    text(&r, "transient");
    buf_fini(&out);
    tally_fini(&tally);
    journal_close(&j);
    args_fini(&args);
}

static void gives_the_same_as_parameters(void **state)
{
    struct journal j = {.fd = {-1, -1}};
    struct args args = {0};
    struct reader r;

    (void)state;
    journal_add(&j, &delivered);
    journal_add(&j, &in_doubt);
    rows_args(&j.bytes[0], 4, &args);
    assert_int_equal(args.n, 20); /* of settle_again */
    r = value(&args, 0);
    assert_int_equal(integer(&r, 4), 4);
    r = value(&args, 1);
    array(&r, ARGS_ELEMENT_BIGINT, 2);
    assert_true(number(&r, 8) == 0x102030405060708);
    assert_int_equal(number(&r, 8), 5);
    r = value(&args, 5);
    array(&r, ARGS_ELEMENT_TEXT, 2);
    text(&r, "delivered");
    text(&r, "in_doubt");
    r = value(&args, 7);
    array(&r, ARGS_ELEMENT_TEXT, 2);
    text(&r, NULL);
    text(&r, "host");
    r = value(&args, 8);
    array(&r, ARGS_ELEMENT_SMALLINT, 2);
    assert_int_equal(number(&r, 2), 250);
    text(&r, NULL);
    r = value(&args, 17);
    array(&r, ARGS_ELEMENT_UUID, 2);
    assert_int_equal(integer(&r, 4), UUID_BYTES);
    assert_memory_equal(r.at, delivered.campaign, UUID_BYTES);
    r.at += UUID_BYTES;
    text(&r, NULL);
    assert_ptr_equal(r.at, r.end);
    r = value(&args, 18);
    array(&r, ARGS_ELEMENT_TEXT, 2);
    text(&r, "google");
    text(&r, "example.com");
    assert_ptr_equal(r.at, r.end);
    journal_close(&j);
    args_fini(&args);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_records),
        cmocka_unit_test(tallies_by_campaign_and_site),
        cmocka_unit_test(tallies_many_sites),
        cmocka_unit_test(gives_the_same_as_parameters),
        cmocka_unit_test(gives_what_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
