/* Which mail a message is about, what it says, and whether it is the same. */
#include "inbound/notice.h"
#include "base/clock.h"
#include "base/memory.h"
#include "mail/token.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static const unsigned char secret[MAILID_SECRET_BYTES] = "a secret of tests";
static const struct mailid mail = {.batch = 123456789, .seq = 42};
static struct notice_reader reader;
static char name[MAILID_TEXT_MAX];

static int set_up(void **state)
{
    (void)state;
    notice_reader_init(&reader, secret);
    mailid_text(secret, mail, name);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    notice_reader_fini(&reader);
    return 0;
}

/* A DSN with that return path and header of the original. */
static char *dsn(const char *to, const char *id, const char *fields,
                 const char *original)
{
    return text_format(
        "To: %s\r\nFrom: MAILER-DAEMON@x.example\r\nMessage-ID: <%s>\r\n"
        "Subject: failure\r\nMIME-Version: 1.0\r\nContent-Type: "
        "multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; x.example\r\n\r\n%s\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n%s\r\n--b--\r\n",
        to, id, fields, original);
}

#define GONE                                                                   \
    "Final-Recipient: rfc822; jo@y.example\r\nAction: failed\r\n"              \
    "Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n"
#define FINE                                                                   \
    "Final-Recipient: rfc822; al@y.example\r\nAction: delivered\r\n"           \
    "Status: 2.0.0\r\n"
#define LATE                                                                   \
    "Final-Recipient: rfc822; jo@y.example\r\nAction: delayed\r\n"             \
    "Status: 4.4.1\r\n"

static struct notice read_text(char *text)
{
    struct notice n;

    notice_read(&reader, text, strlen(text), &n);
    free(text);
    return n;
}

static void check_named(const struct notice *n)
{
    assert_true(n->named);
    assert_true(n->mail.batch == mail.batch);
    assert_int_equal(n->mail.seq, mail.seq);
}

static void test_return_path(void **state)
{
    char to[100];

    (void)state;
    snprintf(to, sizeof to, "b+%s@b.example", name);
    struct notice n = read_text(dsn(to, "1@x", GONE, "Subject: hi"));

    check_named(&n);
    assert_string_equal(n.kind, "bounce");
    assert_true(n.hard && !n.keep);
    assert_int_equal(n.category, CATEGORY_INVALID_RECIPIENT);
    assert_string_equal(n.status, "5.1.1");
    assert_int_equal(n.code, 550);
    assert_string_equal(n.address, "jo@y.example");
}

/* One character of the MAC, or of the pair, is another. */
static void test_forged(void **state)
{
    char to[100];

    (void)state;
    for (size_t i = 0; i < strlen(name); i++) {
        if (name[i] == '-')
            continue;
        snprintf(to, sizeof to, "b+%s@b.example", name);
        to[2 + i] = to[2 + i] == 'a' ? 'b' : 'a';
        struct notice n = read_text(dsn(to, "1@x", GONE, "Subject: hi"));
        assert_false(n.named);
        assert_true(n.keep);
    }
}

static void test_other_names(void **state)
{
    char link[TOKEN_TEXT_MAX], field[200];
    struct token token = {.mail = mail, .purpose = TOKEN_UNSUBSCRIBE};
    static const char *const fields[] = {
        "Message-ID: <%s@presort.example>", "Feedback-ID: c:p:%s:presort",
        "X-Something: ref=%s;", "List-Unsubscribe: <mailto:u+%s@b.example>"};

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char *at = strstr(fields[i], "%s");
        snprintf(field, sizeof field, "%.*s%s%s", (int)(at - fields[i]),
                 fields[i], name, at + 2);
        struct notice n =
            read_text(dsn("bounces@b.example", "1@x", GONE, field));
        check_named(&n);
    }
    token_text(secret, &token, NULL, 0, link);
    snprintf(field, sizeof field, "List-Unsubscribe: <https://t.example/u/%s>",
             link);
    struct notice n = read_text(dsn("bounces@b.example", "1@x", GONE, field));
    check_named(&n);
}

static void test_kinds(void **state)
{
    char to[100];

    (void)state;
    snprintf(to, sizeof to, "b+%s@b.example", name);
    struct notice n = read_text(dsn(to, "1@x", LATE, "Subject: hi"));
    assert_string_equal(n.kind, "delayed");
    assert_true(!n.hard && !n.keep);
    n = read_text(dsn(to, "1@x", FINE, "Subject: hi"));
    assert_string_equal(n.kind, "delivered");
    /* Of an alias's members one is gone: nothing against the alias. */
    n = read_text(dsn(to, "1@x", FINE "\r\n" GONE, "Subject: hi"));
    assert_string_equal(n.kind, "bounce");
    assert_false(n.hard);
    n = read_text(text_format("To: %s\r\nSubject: Out of office\r\n"
                              "Auto-Submitted: auto-replied\r\n\r\nAway.\r\n",
                              to));
    assert_string_equal(n.kind, "auto_reply");
    assert_false(n.keep);
    n = read_text(
        text_format("To: %s\r\nSubject: a question\r\n\r\nWhy?\r\n", to));
    assert_string_equal(n.kind, "other");
    check_named(&n);
    assert_true(n.keep);
    assert_string_equal(n.subject, "a question");
    n = read_text(text_copy(""));
    assert_string_equal(n.kind, "other");
    assert_true(n.keep);
}

/* Address redacted, as Yahoo and Microsoft do. */
/* Nothing is left of the mail but that. */
static void test_feedback_id(void **state)
{
    (void)state;
    struct notice n = read_text(text_format(
        "%s",
        "To: fbl@b.example\r\nSubject: complaint\r\nContent-Type: "
        "multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        "Feedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        "From: a@b.example\r\n"
        "Feedback-ID: 0123456789abcdef:1:campaign:presort\r\n\r\n"
        "--b--\r\n"));

    assert_string_equal(n.kind, "complaint");
    assert_true(!n.named && n.keep);
    assert_string_equal(n.diagnostic,
                        "Feedback-ID: 0123456789abcdef:1:campaign:presort");
}

static void test_complaint(void **state)
{
    (void)state;
    struct notice n = read_text(text_format(
        "To: fbl@b.example\r\nSubject: complaint\r\nContent-Type: "
        "multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        "Feedback-Type: abuse\r\nUser-Agent: Yahoo!-Mail-Feedback/2.0\r\n"
        "Version: 1\r\nOriginal-Rcpt-To: redacted\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        "Feedback-ID: c:p:%s:presort\r\nTo: redacted\r\nSubject: hi\r\n\r\n"
        "text\r\n--b--\r\n",
        name));
    check_named(&n);
    assert_string_equal(n.kind, "complaint");
    assert_int_equal(n.category, CATEGORY_COMPLAINT);
    assert_false(n.keep);
}

static void test_same(void **state)
{
    char to[100];

    (void)state;
    snprintf(to, sizeof to, "b+%s@b.example", name);
    struct notice a = read_text(dsn(to, "1@x", GONE, "Subject: hi"));
    struct notice b = read_text(dsn(to, "1@x", GONE, "Subject: ho"));
    struct notice c = read_text(dsn(to, "2@x", GONE, "Subject: hi"));
    struct notice d = read_text(dsn("x@y.z", "1@x", GONE, "Subject: hi"));
    struct notice e = read_text(dsn("x@y.z", "1@x", GONE, "Subject: ho"));
    struct notice f = read_text(dsn("x@y.z", "1@x", GONE, "Subject: ho"));

    assert_memory_equal(a.key, b.key, sizeof a.key);
    assert_memory_not_equal(a.key, c.key, sizeof a.key);
    assert_memory_not_equal(a.key, d.key, sizeof a.key);
    assert_memory_not_equal(d.key, e.key, sizeof a.key);
    assert_memory_equal(e.key, f.key, sizeof a.key);
}

/* AddressSanitizer moves and poisons each block that grows. */
#ifdef __SANITIZE_ADDRESS__
enum { LIMIT_MS = 60 * 1000 };
#else
enum { LIMIT_MS = 2000 };
#endif

/* A megabyte of the same, behind a beginning. */
static void check_bounded(const char *begin, const char *again)
{
    struct buf text = {0};
    struct notice n;

    buf_add_text(&text, begin);
    while (text.len < BOUNCE_MAIL_BYTES_MAX)
        buf_add_text(&text, again);
    int64_t started = clock_mono_ms();
    notice_read(&reader, text.data, text.len, &n);
    assert_false(n.named);
    assert_true(clock_mono_ms() - started < LIMIT_MS);
    buf_fini(&text);
}

#define MULTI "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define REPORT                                                                 \
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; "        \
    "x\r\n\r\n"

static void test_bounded(void **state)
{
    (void)state;
    check_bounded("Subject: x\r\n\r\n",
                  "01890a5d-ac96-8abc-8def-0123456789ab ");
    check_bounded("Subject: x\r\n\r\n", "-");
    check_bounded("Subject: x\r\n\r\n", "b+aaaaaaaaaaaaaaaaaaaa");
    check_bounded("Subject: x\r\n\r\n", "<");
    check_bounded("Subject: x\r\n\r\n",
                  "jo@y.example 550 5.1.1 unknown user\r\n");
    check_bounded("Subject: ", "=?utf-8?B?4oKs?= ");
    check_bounded("Subject: ", "=?x-none?Q?=FF?=\r\n ");
    check_bounded("", "X: y\r\n");
    check_bounded("", MULTI "--b\r\n");
    check_bounded("", "Content-Type: message/rfc822\r\n\r\n");
    check_bounded(MULTI, "--b\r\n\r\n\r\n");
    check_bounded(REPORT, GONE "\r\n");
    check_bounded(REPORT, "Final-Recipient: ");
    check_bounded("Content-Type: text/plain; charset=utf-7\r\n\r\n", "+AGE-");
    check_bounded("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n",
                  "\x1b$B\xff\xff");
    check_bounded("Content-Type: text/html\r\n\r\n", "<a <!-- &#");
    check_bounded("Content-Type: text/plain\r\nContent-Transfer-Encoding: "
                  "base64\r\n\r\n",
                  "QUFB\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_return_path), cmocka_unit_test(test_forged),
        cmocka_unit_test(test_other_names), cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_complaint),   cmocka_unit_test(test_feedback_id),
        cmocka_unit_test(test_same),        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
