#include "settle/journal.h"
#include "base/log.h"
#include "base/utf8.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

enum { PATH_BYTES = 256, FILE_BYTES = 65536 };

static char dir[PATH_BYTES];

static const char *path(const char *name)
{
    static char out[PATH_BYTES + 32];

    snprintf(out, sizeof out, "%s/%s", dir, name);
    return out;
}

static int start(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/presort-journal-XXXXXX");
    log_open("test", LOG_ERROR); /* damage is expected here */
    return mkdtemp(dir) ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    (void)unlink(path("journal.0"));
    (void)unlink(path("journal.1"));
    (void)unlink(path("journal.damaged"));
    return rmdir(dir);
}

static void write_file(const char *name, const char *bytes, size_t len)
{
    int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static size_t read_file(const char *name, char *bytes)
{
    int fd = open(path(name), O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, bytes, FILE_BYTES);

    if (fd >= 0)
        close(fd);
    return (size_t)n;
}

static struct settled outcome(int number)
{
    return (struct settled){
        .mail = {1000 + number, number},
        .attempt = 1 + number % 5,
        .at_us = 1795412460123456 + number,
        .verdict = (enum verdict)(number % VERDICTS),
        .final = number % 2,
        .has_reach = number % 3 != 0,
        .reach = (enum reach)(number % 4),
        .code = number % 2 ? 550 : 0,
        .claimed_ms = number,
        .waited_ms = -number,
        .took_ms = 3 * number,
        .campaign = {(unsigned char)number},
        .site = "example.com",
        .enhanced = number % 2 ? "5.1.1" : NULL,
        .step = "RCPT TO",
        .reply = number % 2 ? "no such user" : "",
        .mx = "127.0.0.1:25",
        .source = NULL,
        .category = number % 2 ? "invalid_recipient" : NULL,
    };
}

static void assert_text(const char *got, const char *put)
{
    assert_string_equal(got, put ? put : "");
}

static void assert_same(const struct settled *a, const struct settled *b)
{
    assert_true(a->mail.batch == b->mail.batch);
    assert_int_equal(a->mail.seq, b->mail.seq);
    assert_int_equal(a->attempt, b->attempt);
    assert_true(a->at_us == b->at_us);
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->final, b->final);
    assert_int_equal(a->has_reach, b->has_reach);
    assert_int_equal(a->reach, b->reach);
    assert_int_equal(a->code, b->code);
    assert_int_equal(a->claimed_ms, b->claimed_ms);
    assert_int_equal(a->waited_ms, b->waited_ms);
    assert_int_equal(a->took_ms, b->took_ms);
    assert_memory_equal(a->campaign, b->campaign, sizeof a->campaign);
    assert_text(a->site, b->site);
    assert_text(a->enhanced, b->enhanced);
    assert_text(a->step, b->step);
    assert_text(a->reply, b->reply);
    assert_text(a->mx, b->mx);
    assert_text(a->source, b->source);
    assert_text(a->category ? a->category : "", b->category);
}

/* The numbers of the records in bytes, which are to be from..to-1. */
static void assert_records(const struct buf *bytes, int from, int to)
{
    struct settled got;
    size_t at = 0;

    for (int i = from; i < to; i++) {
        struct settled put = outcome(i);

        assert_true(journal_next(bytes, &at, &got));
        assert_same(&got, &put);
    }
    assert_false(journal_next(bytes, &at, &got));
    assert_int_equal(at, bytes->len);
}

enum { CRC_AT = 4, CRC_FROM = 8, SEVENTH_LENGTH_AT = 76 };

/* Before there were categories a record had six texts, and chance in the bytes
 * behind their lengths. */
static void reads_records_from_before(void **state)
{
    struct journal j = {.fd = {-1, -1}};
    struct settled put = outcome(2), got;
    size_t at = 0;

    (void)state;
    journal_add(&j, &put);
    struct buf *b = &j.bytes[0];

    memset(b->data + SEVENTH_LENGTH_AT, 0xa5, 4);
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)b->data + CRC_FROM,
                                   (uInt)(b->len - CRC_FROM));
    memcpy(b->data + CRC_AT, &crc, sizeof crc);
    assert_true(journal_next(b, &at, &got));
    assert_same(&got, &put);
    assert_null(got.category);
    assert_int_equal(at, b->len);
    journal_close(&j);
}

static void open_journal(struct journal *j, struct buf *left)
{
    struct error err;

    buf_reset(left);
    assert_int_equal(journal_open(j, dir, left, &err), STATUS_OK);
}

static void add(struct journal *j, int from, int to)
{
    struct error err;

    for (int i = from; i < to; i++) {
        struct settled s = outcome(i);

        journal_add(j, &s);
    }
    assert_int_equal(journal_write(j, &err), STATUS_OK);
}

static void survives_the_process(void **state)
{
    struct journal j;
    struct buf left = {0};
    struct error err;
    struct stat st;

    (void)state;
    open_journal(&j, &left);
    assert_int_equal(left.len, 0);
    add(&j, 0, 20);
    assert_int_equal(journal_write(&j, &err), STATUS_OK); /* not twice */
    journal_close(&j);                                    /* nothing is told */
    open_journal(&j, &left);
    assert_records(&left, 0, 20);
    assert_int_equal(stat(path("journal.0"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(journal_forget_all(&j, &err), STATUS_OK);
    journal_close(&j);
    open_journal(&j, &left);
    assert_int_equal(left.len, 0);
    journal_close(&j);
    buf_fini(&left);
}

static void takes_turns_between_two_files(void **state)
{
    struct journal j, dead;
    struct buf left = {0};
    struct error err;

    (void)state;
    open_journal(&j, &left);
    add(&j, 0, 3);
    const struct buf *flushing = journal_swap(&j);

    assert_records(flushing, 0, 3);
    add(&j, 3, 5);
    assert_records(flushing, 0, 3); /* as they were */
    open_journal(&dead, &left);     /* a crash now would find both */
    assert_records(&left, 0, 5);
    journal_close(&dead);
    assert_int_equal(journal_forget(&j, &err), STATUS_OK);
    open_journal(&dead, &left);
    assert_records(&left, 3, 5);
    journal_close(&dead);
    assert_records(journal_swap(&j), 3, 5);
    add(&j, 5, 6);
    assert_int_equal(journal_forget(&j, &err), STATUS_OK);
    journal_close(&j);
    open_journal(&j, &left);
    assert_records(&left, 5, 6);
    journal_close(&j);
    buf_fini(&left);
}

/* A crash in the middle of a write leaves the beginning of what was written:
 * whatever that is, whole records are found, the rest is kept aside, and what
 * is written afterwards is found as well. */
static void recovers_from_a_tear_at_every_byte(void **state)
{
    struct journal j;
    struct buf left = {0}, all = {0};
    size_t ends[4] = {0};
    struct error err;
    static char aside[FILE_BYTES];

    (void)state;
    open_journal(&j, &left);
    for (int i = 0; i < 3; i++) {
        add(&j, i, i + 1);
        ends[i + 1] = j.bytes[0].len;
    }
    buf_add(&all, j.bytes[0].data, j.bytes[0].len);
    journal_close(&j);
    for (size_t cut = 0; cut <= all.len; cut++) {
        int whole = 0;

        while (whole < 3 && ends[whole + 1] <= cut)
            whole++;
        (void)unlink(path("journal.damaged"));
        write_file("journal.0", all.data, cut);
        open_journal(&j, &left);
        assert_records(&left, 0, whole);
        assert_int_equal(read_file("journal.damaged", aside),
                         cut - ends[whole]);
        assert_memory_equal(aside, all.data + ends[whole], cut - ends[whole]);
        if (whole > 0)
            assert_int_equal(journal_forget_all(&j, &err), STATUS_OK);
        add(&j, 7, 9);
        journal_close(&j);
        open_journal(&j, &left);
        assert_records(&left, 7, 9);
        assert_int_equal(journal_forget_all(&j, &err), STATUS_OK);
        journal_close(&j);
    }
    buf_fini(&all);
    buf_fini(&left);
}

/* Read but not committed yet, and started again: nothing was lost. */
static void keeps_what_was_not_committed(void **state)
{
    struct journal j;
    struct buf left = {0}, all = {0};
    static char aside[FILE_BYTES];

    (void)state;
    open_journal(&j, &left);
    add(&j, 0, 2);
    buf_add(&all, j.bytes[0].data, j.bytes[0].len);
    buf_add_text(&all, "torn");
    journal_close(&j);
    write_file("journal.0", all.data, all.len);
    for (int i = 0; i < 3; i++) {
        open_journal(&j, &left);
        assert_records(&left, 0, 2);
        journal_close(&j);
    }
    assert_int_equal(read_file("journal.damaged", aside), 4); /* once */
    buf_fini(&all);
    buf_fini(&left);
}

static void finds_every_flipped_bit(void **state)
{
    struct journal j = {.fd = {-1, -1}};
    struct settled s = outcome(1), got;
    struct buf *b = &j.bytes[0];

    (void)state;
    journal_add(&j, &s);
    for (size_t bit = 0; bit < b->len * 8; bit++) {
        size_t at = 0;

        b->data[bit / 8] = (char)(b->data[bit / 8] ^ (1 << bit % 8));
        assert_false(journal_next(b, &at, &got));
        assert_int_equal(at, 0);
        b->data[bit / 8] = (char)(b->data[bit / 8] ^ (1 << bit % 8));
    }
    assert_records(b, 1, 2);
    journal_close(&j);
}

/* len bytes of ASCII, then the character, then more. */
static const char *reply_of(const char *filler, const char *character)
{
    static char text[2048];

    snprintf(text, sizeof text, "%s%s and more", filler, character);
    return text;
}

static void cuts_between_characters(void **state)
{
    static const char *const characters[] = {"x", "\xc3\xbc", "\xe2\x82\xac",
                                             "\xf0\x9f\x98\x80"};
    struct journal j = {.fd = {-1, -1}};
    struct buf *b = &j.bytes[0];

    (void)state;
    for (size_t c = 0; c < 4; c++)
        for (size_t len = JOURNAL_REPLY_MAX - 6; len <= JOURNAL_REPLY_MAX;
             len++) {
            char filler[JOURNAL_REPLY_MAX + 1];
            struct settled s = outcome(2), got;
            size_t at = 0, width = strlen(characters[c]);

            memset(filler, 'a', len);
            filler[len] = 0;
            s.reply = s.mx = reply_of(filler, characters[c]);
            buf_reset(b);
            journal_add(&j, &s);
            assert_true(journal_next(b, &at, &got));
            size_t n = strlen(got.reply);

            assert_int_equal(utf8_check(got.reply, n), n);
            assert_int_equal(n, len + width > JOURNAL_REPLY_MAX
                                    ? len
                                    : (size_t)JOURNAL_REPLY_MAX);
            assert_memory_equal(got.reply, s.reply, n);
            assert_int_equal(strlen(got.mx), JOURNAL_TEXT_MAX);
            assert_string_equal(got.site, "example.com");
        }
    journal_close(&j);
}

/* The store would refuse it, and all that is committed with it. */
static void replaces_what_is_no_utf8(void **state)
{
    static const struct {
        const char *put, *got;
    } cases[] = {
        {"gr\xfc\xdf", "gr??"},    {"\xff", "?"},
        {"a\xc3", "a?"},           {"\xe2\x82", "??"},
        {"\xed\xa0\x80z", "???z"}, {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
    };
    struct journal j = {.fd = {-1, -1}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settled s = outcome(2), got;
        size_t at = 0;

        s.reply = cases[i].put;
        buf_reset(&j.bytes[0]);
        journal_add(&j, &s);
        assert_true(journal_next(&j.bytes[0], &at, &got));
        assert_string_equal(got.reply, cases[i].got);
    }
    journal_close(&j);
}

static void needs_its_directory(void **state)
{
    struct journal j;
    struct buf left = {0};
    struct error err;

    (void)state;
    assert_int_equal(journal_open(&j, "/nonexistent", &left, &err),
                     STATUS_FAILED);
    assert_non_null(strstr(err.text, "/nonexistent"));
    buf_fini(&left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(survives_the_process, start, finish),
        cmocka_unit_test_setup_teardown(takes_turns_between_two_files, start,
                                        finish),
        cmocka_unit_test_setup_teardown(recovers_from_a_tear_at_every_byte,
                                        start, finish),
        cmocka_unit_test_setup_teardown(keeps_what_was_not_committed, start,
                                        finish),
        cmocka_unit_test(reads_records_from_before),
        cmocka_unit_test(finds_every_flipped_bit),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(replaces_what_is_no_utf8),
        cmocka_unit_test(needs_its_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
