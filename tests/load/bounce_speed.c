/*
 * bounce_speed [MAILS] - what reading and classifying one bounce costs, warm:
 * a Postfix report, an Exim report with the original's header, a qmail bounce
 * in free text and an ARF complaint by turns. Prints "name value unit" lines.
 */
#include "bounce/read.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char POSTFIX[] =
    "Return-Path: <>\r\n"
    "From: MAILER-DAEMON@mx.example.net (Mail Delivery System)\r\n"
    "Subject: Undelivered Mail Returned to Sender\r\n"
    "To: b+01234567-0123-8123-8123-0123456789ab@bounce.example.com\r\n"
    "Auto-Submitted: auto-replied\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
    "\tboundary=\"4A51B3F7.1795400000/mx.example.net\"\r\n"
    "Message-Id: <20261123054100.4A51B3F8@mx.example.net>\r\n"
    "\r\n"
    "This is a MIME-encapsulated message.\r\n\r\n"
    "--4A51B3F7.1795400000/mx.example.net\r\n"
    "Content-Description: Notification\r\n"
    "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
    "This is the mail system at host mx.example.net.\r\n\r\n"
    "I'm sorry to have to inform you that your message could not\r\n"
    "be delivered to one or more recipients. It's attached below.\r\n\r\n"
    "                   The mail system\r\n\r\n"
    "<jo@example.org>: host mail.example.org[192.0.2.25] said: 550 5.1.1\r\n"
    "    <jo@example.org>: Recipient address rejected: User unknown in\r\n"
    "    virtual mailbox table (in reply to RCPT TO command)\r\n\r\n"
    "--4A51B3F7.1795400000/mx.example.net\r\n"
    "Content-Description: Delivery report\r\n"
    "Content-Type: message/delivery-status\r\n\r\n"
    "Reporting-MTA: dns; mx.example.net\r\n"
    "Arrival-Date: Mon, 23 Nov 2026 05:41:00 +0000 (UTC)\r\n\r\n"
    "Final-Recipient: rfc822; jo@example.org\r\n"
    "Original-Recipient: rfc822;jo@example.org\r\n"
    "Action: failed\r\nStatus: 5.1.1\r\n"
    "Remote-MTA: dns; mail.example.org\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <jo@example.org>: Recipient address\r\n"
    "    rejected: User unknown in virtual mailbox table\r\n\r\n"
    "--4A51B3F7.1795400000/mx.example.net\r\n"
    "Content-Description: Undelivered Message\r\n"
    "Content-Type: message/rfc822\r\n\r\n"
    "From: The Shop <shop@example.com>\r\nTo: jo@example.org\r\n"
    "Subject: Your order\r\nMessage-ID: <1@example.com>\r\n\r\n"
    "%s\r\n--4A51B3F7.1795400000/mx.example.net--\r\n";

static const char EXIM[] =
    "Return-path: <>\r\nX-Failed-Recipients: jo@example.org\r\n"
    "Auto-Submitted: auto-replied\r\n"
    "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\r\n"
    "To: b+01234567-0123-8123-8123-0123456789ab@bounce.example.com\r\n"
    "Subject: Mail delivery failed: returning message to sender\r\n\r\n"
    "This message was created automatically by mail delivery software.\r\n\r\n"
    "A message that you sent could not be delivered to one or more of its\r\n"
    "recipients. This is a permanent error. The following address(es) "
    "failed:\r\n\r\n  jo@example.org\r\n"
    "    SMTP error from remote mail server after RCPT TO:<jo@example.org>:\r\n"
    "    host mail.example.org [192.0.2.25]: 552 5.2.2 mailbox is full\r\n\r\n"
    "------ This is a copy of the message, including all the headers. "
    "------\r\n\r\n"
    "From: The Shop <shop@example.com>\r\nTo: jo@example.org\r\n"
    "Subject: Your order\r\nMessage-ID: <1@example.com>\r\n\r\n%s\r\n";

static const char QMAIL[] =
    "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net\r\n"
    "To: b+01234567-0123-8123-8123-0123456789ab@bounce.example.com\r\n"
    "Subject: failure notice\r\n\r\n"
    "Hi. This is the qmail-send program at mx.example.net.\r\n"
    "I'm afraid I wasn't able to deliver your message to the following "
    "addresses.\r\nThis is a permanent error; I've given up. Sorry it didn't "
    "work out.\r\n\r\n<jo@example.org>:\r\n"
    "192.0.2.25 failed after I sent the message.\r\n"
    "Remote host said: 554 5.7.1 blocked, see http://www.spamhaus.org/\r\n\r\n"
    "--- Below this line is a copy of the message.\r\n\r\n"
    "From: The Shop <shop@example.com>\r\nTo: jo@example.org\r\n"
    "Subject: Your order\r\nMessage-ID: <1@example.com>\r\n\r\n%s\r\n";

static const char ARF[] =
    "From: fbl@example.net\r\nTo: fbl@example.com\r\nSubject: FW: Your "
    "order\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n"
    " report-type=feedback-report; boundary=xyz\r\n\r\n"
    "--xyz\r\nContent-Type: text/plain\r\n\r\nAn abuse report.\r\n"
    "--xyz\r\nContent-Type: message/feedback-report\r\n\r\n"
    "Feedback-Type: abuse\r\nUser-Agent: Some/1.0\r\nVersion: 1\r\n"
    "Original-Rcpt-To: jo@example.org\r\n\r\n"
    "--xyz\r\nContent-Type: message/rfc822\r\n\r\n"
    "Return-Path: <b+01234567-0123-8123-8123-0123456789ab@bounce.example."
    "com>\r\nFrom: The Shop <shop@example.com>\r\nTo: jo@example.org\r\n"
    "Subject: Your order\r\nMessage-ID: "
    "<1@example.com>\r\n\r\n%s\r\n--xyz--\r\n";

enum { KINDS = 4, BODY_LINES = 40, WARM = 200 };

static const char *const texts[KINDS] = {POSTFIX, EXIM, QMAIL, ARF};
static const enum bounce_category expected[KINDS] = {
    CATEGORY_INVALID_RECIPIENT, CATEGORY_MAILBOX_FULL,
    CATEGORY_SPAM_OR_REPUTATION, CATEGORY_COMPLAINT};

static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The text with an original of a few kilobytes in place of its %s. */
static void make(struct buf *out, const char *text)
{
    const char *at = strstr(text, "%s");

    buf_add(out, text, (size_t)(at - text));
    for (int i = 0; i < BODY_LINES; i++)
        buf_add_text(out, "Your order left our warehouse today and should "
                          "reach you within two days.\r\n");
    buf_add_text(out, at + 2);
}

int main(int argc, char **argv)
{
    long mails = argc > 1 ? strtol(argv[1], NULL, 10) : 50000;
    static struct bounce_report report;
    struct bounce_reader reader = {0};
    struct buf mail[KINDS] = {0};
    int64_t start = 0;

    for (int i = 0; i < KINDS; i++)
        make(&mail[i], texts[i]);
    for (long i = -WARM; i < mails; i++) {
        const struct buf *m = &mail[(i + WARM) % KINDS];
        if (i == 0)
            start = cpu_ns();
        bounce_read(&reader, m->data, m->len, &report);
        if (report.n != 1 || !report.token[0] ||
            report.recipients[0].category != expected[(i + WARM) % KINDS]) {
            fprintf(stderr, "mail %ld was misread\n", (i + WARM) % KINDS);
            return 1;
        }
    }
    double seconds = (double)(cpu_ns() - start) / 1e9;
    printf("bounces %.0f mails/s\n", (double)mails / seconds);
    bounce_reader_fini(&reader);
    for (int i = 0; i < KINDS; i++)
        buf_fini(&mail[i]);
    return 0;
}
