/* Whole mails: kinds, recipients, tokens; and hostile ones in bounded time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bounce/read.h"
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOSTILE_MS = 2000 }; /* of CPU; sanitizers run this too */

#define TOKEN "01234567-0123-8123-8123-0123456789ab"

static struct bounce_reader reader;
static struct bounce_report report;

static void read_mail(const char *mail, size_t len)
{
    bounce_read(&reader, mail, len, &report);
}

static void expect(const char *mail, enum bounce_kind kind, size_t n)
{
    read_mail(mail, strlen(mail));
    assert_int_equal(report.kind, kind);
    assert_int_equal(report.n, n);
}

static const char DSN[] =
    "From: MAILER-DAEMON@mx.example.net\n"
    "To: b+" TOKEN "@bounce.example.com\n"
    "Subject: Undelivered Mail Returned to Sender\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n"
    "\n--x\nContent-Type: text/plain\n\n"
    "<jo@example.org>: host mx.example.org said: 550 5.1.1 User unknown\n"
    "\n--x\nContent-Type: message/delivery-status\n\n"
    "Reporting-MTA: dns; mx.example.net\n\n"
    "Final-Recipient: rfc822; jo@example.org\nAction: failed\n"
    "Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1\n User unknown\n\n"
    "Original-Recipient: rfc822;ann@example.org\n"
    "Final-Recipient: rfc822;ann@alias.example.org\nAction: delayed\n"
    "Status: 4.2.2\nDiagnostic-Code: smtp; 452 4.2.2 mailbox full\n\n"
    "Final-Recipient: rfc822;bob@example.org\nAction: relayed\n"
    "Status: 2.0.0\n"
    "\n--x\nContent-Type: message/rfc822\n\n"
    "From: shop@example.com\nTo: jo@example.org\nMessage-ID: <1@example.com>\n"
    "\nHello\n--x--\n";

static void status_report(void **state)
{
    const struct bounce_recipient *r = report.recipients;

    (void)state;
    expect(DSN, BOUNCE_KIND_BOUNCE, 3);
    assert_string_equal(report.token, TOKEN);
    assert_string_equal(report.message_id, "<1@example.com>");
    assert_string_equal(r[0].address, "jo@example.org");
    assert_int_equal(r[0].category, CATEGORY_INVALID_RECIPIENT);
    assert_int_equal(r[0].code, 550);
    assert_string_equal(r[0].status, "5.1.1");
    assert_string_equal(r[0].diagnostic, "550 5.1.1 User unknown");
    assert_true(r[0].hard);
    assert_int_equal(r[0].follow, BOUNCE_SUPPRESS);
    assert_string_equal(r[1].address, "ann@example.org");
    assert_int_equal(r[1].action, BOUNCE_ACTION_DELAYED);
    assert_int_equal(r[1].category, CATEGORY_MAILBOX_FULL);
    assert_int_equal(r[1].follow, BOUNCE_NOTHING);
    assert_false(r[1].hard);
    assert_int_equal(r[2].category, CATEGORY_DELIVERED);
}

/* A delay is soft though the reason sounds final. */
static void delay_is_soft(void **state)
{
    (void)state;
    expect("From: MAILER-DAEMON@x.example\nSubject: Delayed Mail\n"
           "Content-Type: message/delivery-status\n\n"
           "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;jo@example.org\n"
           "Action: delayed\nStatus: 5.1.1\n",
           BOUNCE_KIND_BOUNCE, 1);
    assert_false(report.recipients[0].hard);
    assert_int_not_equal(report.recipients[0].follow, BOUNCE_SUPPRESS);
}

static void free_text(void **state)
{
    const struct bounce_recipient *r = report.recipients;

    (void)state;
    expect("From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\n"
           "Hi. I wasn't able to deliver your message.\n\n"
           "<jo@example.org>:\n192.0.2.1 does not like recipient.\n"
           "Remote host said: 550 no such user\n\n"
           "<ann@example.org>:\nRemote host said: 552 5.2.2 over quota\n\n"
           "--- Below this line is a copy of the message.\n\n"
           "Return-Path: <shop@example.com>\nTo: jo@example.org\n\n"
           "<not@me.example>:\n",
           BOUNCE_KIND_BOUNCE, 2);
    assert_string_equal(r[0].address, "jo@example.org");
    assert_int_equal(r[0].category, CATEGORY_INVALID_RECIPIENT);
    assert_string_equal(r[1].address, "ann@example.org");
    assert_int_equal(r[1].category, CATEGORY_MAILBOX_FULL);
    assert_int_equal(r[1].code, 552);
}

/* What is said of one is not held against the other. */
static void reasons_are_not_shared(void **state)
{
    (void)state;
    expect("From: MAILER-DAEMON@mx.example.net\nSubject: Returned mail\n"
           "Content-Type: multipart/report; report-type=delivery-status; "
           "boundary=x\n\n--x\n\n"
           "  ----- Transcript of session follows -----\n"
           "550 5.1.1 <ann@example.org>... User unknown\n\n--x\n"
           "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
           "Final-Recipient: rfc822;jo@example.org\nAction: failed\n"
           "Status: 5.0.0\n\n"
           "Final-Recipient: rfc822;ann@example.org\nAction: failed\n"
           "Status: 5.0.0\n\n--x--\n",
           BOUNCE_KIND_BOUNCE, 2);
    assert_int_equal(report.recipients[0].category, CATEGORY_OTHER);
    assert_false(report.recipients[0].hard);
    assert_int_equal(report.recipients[1].category, CATEGORY_INVALID_RECIPIENT);
    assert_true(report.recipients[1].hard);
}

#define FIELDS_OF_ANN                                                          \
    "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;ann@example.org\n"       \
    "Action: failed\nStatus: 5.1.1\n"

/* Our own mail may quote a bounce; that it came back bounces nobody in it. */
static void returned_mail_says_nothing(void **state)
{
    (void)state;
    expect("From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\n"
           "I wasn't able to deliver it.\n\n<jo@example.org>:\nno such user\n"
           "\n--- Below this line is a copy of the message.\n\n"
           "Subject: how to read bounces\n\n" FIELDS_OF_ANN,
           BOUNCE_KIND_BOUNCE, 1);
    assert_string_equal(report.recipients[0].address, "jo@example.org");
    expect("From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n"
           "Content-Type: multipart/mixed; boundary=x\n\n--x\n\n"
           "Could not be delivered to:\n\njo@example.org\n\n--x\n"
           "Content-Type: text/plain\nContent-Disposition: attachment\n\n"
           "ann@example.org\n\n--x\nContent-Type: message/rfc822\n\n"
           "Content-Type: multipart/report; report-type=delivery-status; "
           "boundary=y\n\n--y\nContent-Type: "
           "message/delivery-status\n\n" FIELDS_OF_ANN "--y--\n\n--x--\n",
           BOUNCE_KIND_BOUNCE, 1);
    assert_string_equal(report.recipients[0].address, "jo@example.org");
}

/* ... unless all that a gateway returns is the bounce itself. */
static void wrapped_bounce_is_read(void **state)
{
    (void)state;
    expect("From: postmaster@example.net\nSubject: Delivery Status\n"
           "Content-Type: multipart/mixed; boundary=x\n\n--x\n"
           "Content-Type: message/rfc822\n\n"
           "Content-Type: multipart/report; report-type=delivery-status; "
           "boundary=y\n\n--y\nContent-Type: "
           "message/delivery-status\n\n" FIELDS_OF_ANN "--y--\n\n--x--\n",
           BOUNCE_KIND_BOUNCE, 1);
    assert_string_equal(report.recipients[0].address, "ann@example.org");
    expect("From: postmaster@example.net\nSubject: Delivery Status\n\n"
           "Ask help@example.net.\n\nReturn-Path: <>\n"
           "Subject: Undelivered Mail\n\n" FIELDS_OF_ANN,
           BOUNCE_KIND_BOUNCE, 1);
    assert_string_equal(report.recipients[0].address, "ann@example.org");
}

static void users_without_domain(void **state)
{
    (void)state;
    expect("From: MAILER-DAEMON@mx.example.net\nSubject: Mail Problem\n\n"
           "Your mail to the following recipients could not be delivered:\n\n"
           "\tjo.doe\n\tann\n\nThank you.\n",
           BOUNCE_KIND_BOUNCE, 2);
    assert_string_equal(report.recipients[0].address, "jo.doe@mx.example.net");
    assert_string_equal(report.recipients[1].address, "ann@mx.example.net");
}

static void helpers_are_not_recipients(void **state)
{
    (void)state;
    expect("From: postmaster@mx.example.net\nTo: shop@example.com\n"
           "Subject: Undeliverable mail\n\n"
           "The mail of shop@example.com could not be delivered to "
           "jo@example.org.\nFor help, please contact help@example.net.\n",
           BOUNCE_KIND_BOUNCE, 1);
    assert_string_equal(report.recipients[0].address, "jo@example.org");
}

static void alias_names_its_origin(void **state)
{
    (void)state;
    expect("From: Mailer-Daemon@mx.example.net\n"
           "Subject: Mail delivery failed\n\n"
           "The following address(es) failed:\n\n  an undisclosed address\n"
           "    (generated from jo@example.org)\n",
           BOUNCE_KIND_BOUNCE, 1);
    assert_string_equal(report.recipients[0].address, "jo@example.org");
}

static void complaints(void **state)
{
    (void)state;
    expect("From: fbl@example.net\nContent-Type: multipart/report; "
           "report-type=feedback-report; boundary=x\n\n"
           "--x\nContent-Type: message/feedback-report\n\n"
           "Feedback-Type: abuse\nUser-Agent: x\nVersion: 1\n"
           "Original-Rcpt-To: jo@example.org\n\n--x\n"
           "Content-Type: message/rfc822\n\n"
           "Return-Path: <b+" TOKEN "@bounce.example.com>\nTo: redacted\n\n"
           "--x--\n",
           BOUNCE_KIND_COMPLAINT, 1);
    assert_string_equal(report.feedback, "abuse");
    assert_string_equal(report.token, TOKEN);
    assert_int_equal(report.recipients[0].follow, BOUNCE_SUPPRESS);
    expect("From: staff@hotmail.com\n"
           "Subject: complaint about message from 192.0.2.1\n"
           "Content-Type: message/rfc822\n\n"
           "X-HmXmrOriginalRecipient: jo@hotmail.com\nTo: x@y.example\n\nHi\n",
           BOUNCE_KIND_COMPLAINT, 1);
    assert_string_equal(report.recipients[0].address, "jo@hotmail.com");
}

static void talk_is_no_complaint(void **state)
{
    (void)state;
    expect("From: jo@example.org\nSubject: your reports\n\n"
           "Feedback-Type: abuse\n\nis what they said.\n",
           BOUNCE_KIND_OTHER, 0);
    expect("From: jo@example.org\n"
           "Subject: complaint about message from 192.0.2.1\n\nHi\n",
           BOUNCE_KIND_OTHER, 0);
    expect("From: fbl@example.org\nSubject: report\n\n"
           "Feedback-Type: abuse\nUser-Agent: x\nVersion: 1\n"
           "Original-Rcpt-To: jo@example.org\n",
           BOUNCE_KIND_COMPLAINT, 1);
}

/* A failed DMARC check is a report, but nobody complained. */
static void dmarc_report_suppresses_nobody(void **state)
{
    (void)state;
    expect("From: dmarc@example.net\nContent-Type: message/feedback-report\n\n"
           "Feedback-Type: auth-failure\nOriginal-Rcpt-To: jo@example.org\n",
           BOUNCE_KIND_COMPLAINT, 1);
    assert_int_equal(report.recipients[0].category, CATEGORY_AUTH_OR_POLICY);
    assert_int_not_equal(report.recipients[0].follow, BOUNCE_SUPPRESS);
}

static void automatic_replies(void **state)
{
    (void)state;
    expect("From: jo@example.org\nSubject: Out of Office: Your order\n\n"
           "Mail to ann@example.org could not be delivered by me.\n",
           BOUNCE_KIND_AUTO_REPLY, 0);
    expect("From: jo@example.org\nAuto-Submitted: auto-replied (vacation)\n"
           "Subject: hello\n\nBack on Monday.\n",
           BOUNCE_KIND_AUTO_REPLY, 0);
    expect("From: jo@example.org\nSubject: Lunch?\n\nAre you free?\n",
           BOUNCE_KIND_OTHER, 0);
    /* A person quotes a bounce. */
    expect("From: jo@example.org\nSubject: Re: Undelivered Mail\n"
           "In-Reply-To: <1@example.com>\n\nWhat is that?\n"
           "> could not be delivered to ann@example.org\n",
           BOUNCE_KIND_OTHER, 0);
    /* A read receipt has a bounce's fields. */
    expect("From: jo@example.org\nSubject: Read: Your order\n"
           "Content-Type: multipart/report; boundary=x;\n"
           " report-type=disposition-notification\n\n--x\n"
           "Content-Type: message/disposition-notification\n\n"
           "Final-Recipient: rfc822;jo@example.org\n"
           "Disposition: manual-action/MDN-sent-manually; displayed\n\n--x--\n",
           BOUNCE_KIND_OTHER, 0);
}

static void token_alone_names_the_mail(void **state)
{
    (void)state;
    expect("From: MAILER-DAEMON@mx.example.net\n"
           "To: b+" TOKEN "@bounce.example.com\n"
           "Subject: Delivery failure\n\nThe mailbox is full.\n",
           BOUNCE_KIND_BOUNCE, 1);
    assert_string_equal(report.token, TOKEN);
    assert_string_equal(report.recipients[0].address, "");
    assert_int_equal(report.recipients[0].category, CATEGORY_MAILBOX_FULL);
}

static void what_is_no_token(void **state)
{
    static const char *const not [] = {
        "To: b+short@bounce.example.com\n\n",
        "To: bob+" TOKEN "@example.com\n\nweb+" TOKEN "@example.com",
        "To: x\n\nb+" TOKEN " and b+" TOKEN,
        "To: b+" TOKEN TOKEN "@example.com\n\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++) {
        read_mail(not [i], strlen(not [i]));
        assert_string_equal(report.token, "");
    }
}

/* Any line ends, any cut: no crash, and the whole is read the same. */
static void cut_anywhere(void **state)
{
    char *mail = malloc(2 * sizeof DSN);

    (void)state;
    assert_non_null(mail);
    for (size_t cut = 0; cut < sizeof DSN; cut++) {
        char *exact = malloc(cut + 1);
        assert_non_null(exact);
        memcpy(exact, DSN, cut);
        read_mail(exact, cut);
        free(exact);
    }
    size_t n = 0;
    for (const char *c = DSN; *c; c++) {
        if (*c == '\n')
            mail[n++] = '\r';
        mail[n++] = *c;
    }
    read_mail(mail, n);
    assert_int_equal(report.n, 3);
    n = 0;
    for (const char *c = DSN; *c; c++)
        mail[n++] = *c == '\n' ? '\r' : *c;
    read_mail(mail, n);
    assert_int_equal(report.n, 3);
    free(mail);
}

/* A mail of text repeated up to the limit of what is read, and beyond. */
static void repeat(const char *head, const char *text)
{
    struct buf mail = {0};

    buf_add_text(&mail, head);
    while (mail.len < BOUNCE_MAIL_BYTES_MAX + 1000)
        buf_add_text(&mail, text);
    clock_t start = clock();
    read_mail(mail.data, mail.len);
    assert_true((clock() - start) / (CLOCKS_PER_SEC / 1000) < HOSTILE_MS);
    buf_fini(&mail);
}

static void hostile_mail_ends_soon(void **state)
{
    static const char from[] =
        "From: MAILER-DAEMON@x\nSubject: Returned mail\n";
    struct buf head = {0};

    (void)state;
    repeat("", "Content-Type: multipart/mixed; boundary=a\n\n--a\n");
    repeat("", "Content-Type: message/rfc822\n\n");
    repeat("Content-Type: multipart/mixed; boundary=a\n\n",
           "--a\nContent-Type: text/plain\n\nx\n");
    repeat("Content-Type: multipart/mixed; boundary=a\n\n", "--a\n\n");
    repeat("Content-Type: text/html\n\n", "<a<b");
    repeat("Content-Type: text/html\n\n", "<style");
    static const char *const texts[] = {"@",
                                        "a@b ",
                                        "<a@b.example>:\n",
                                        "could not be delivered to a@b.c ",
                                        "b+",
                                        "550 5.",
                                        "user ",
                                        "Final-Recipient: rfc822;a@b.c\n",
                                        " \n"};
    buf_add_text(&head, from);
    buf_add_char(&head, '\n');
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        repeat(head.data, texts[i]);
    repeat("", "Subject: x\n");
    repeat("Subject: ", "=?utf-8?q?a?= ");
    repeat("Content-Type: text/plain; charset=iso-2022-jp\n\n", "\x1b$B$3");
    repeat("Content-Type: text/plain; charset=no-such\n\n", "\xff\xfe");
    repeat("Content-Type: text/plain; a*0=b;", " a*1=b;");
    buf_fini(&head);
}

static void many_recipients_are_bounded(void **state)
{
    struct buf mail = {0};

    (void)state;
    buf_add_text(&mail, "Content-Type: message/delivery-status\n\n");
    for (int i = 0; i < BOUNCE_RECIPIENTS_MAX * 4; i++)
        buf_addf(&mail, "Final-Recipient: rfc822;u%d@example.org\n\n", i);
    read_mail(mail.data, mail.len);
    assert_int_equal(report.n, BOUNCE_RECIPIENTS_MAX);
    buf_fini(&mail);
}

static void foreign_text_is_cleaned(void **state)
{
    (void)state;
    expect("Content-Type: message/delivery-status\n\n"
           "Final-Recipient: rfc822;jo@example.org\nAction: failed\n"
           "Diagnostic-Code: smtp; 550 a\xff\x01\x1b[31mz\n",
           BOUNCE_KIND_BOUNCE, 1);
    assert_string_equal(report.recipients[0].diagnostic, "550 a? [31mz");
}

static int finish(void **state)
{
    (void)state;
    bounce_reader_fini(&reader);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_report),
        cmocka_unit_test(delay_is_soft),
        cmocka_unit_test(free_text),
        cmocka_unit_test(reasons_are_not_shared),
        cmocka_unit_test(returned_mail_says_nothing),
        cmocka_unit_test(wrapped_bounce_is_read),
        cmocka_unit_test(users_without_domain),
        cmocka_unit_test(helpers_are_not_recipients),
        cmocka_unit_test(alias_names_its_origin),
        cmocka_unit_test(complaints),
        cmocka_unit_test(talk_is_no_complaint),
        cmocka_unit_test(dmarc_report_suppresses_nobody),
        cmocka_unit_test(automatic_replies),
        cmocka_unit_test(token_alone_names_the_mail),
        cmocka_unit_test(what_is_no_token),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(hostile_mail_ends_soon),
        cmocka_unit_test(many_recipients_are_bounded),
        cmocka_unit_test(foreign_text_is_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
