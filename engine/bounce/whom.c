#include "bounce/whom.h"
#include "bounce/text.h"
#include <string.h>
#include <strings.h>

enum { LIST_ID_MAX = 998 }; /* a line's length, RFC 5322 2.1.1 */

static void add_all(struct bounce_report *report, struct span text)
{
    struct span address;

    while (scan_address(text, &address, &text))
        bounce_report_add(report, address.s, address.len);
}

/* A mailing list's own address is not whom the mail went to: its List-Id is
 * that address with a dot for the @ (RFC 2919). */
static bool is_list(struct span id, struct span address)
{
    const char *at = memchr(address.s, '@', address.len);
    size_t local = (size_t)(at - address.s);

    for (size_t i = 0; i + address.len <= id.len; i++)
        if (strncasecmp(id.s + i, address.s, local) == 0 &&
            id.s[i + local] == '.' &&
            strncasecmp(id.s + i + local + 1, at + 1,
                        address.len - local - 1) == 0)
            return true;
    return false;
}

static void add_returned(struct bounce_report *report, struct span original)
{
    struct span to, address, id;

    if (!scan_header(original, "To", &to))
        return;
    if (!scan_header(original, "List-Id", &id))
        id = (struct span){"", 0};
    if (id.len > LIST_ID_MAX)
        id.len = LIST_ID_MAX;
    while (scan_address(to, &address, &to))
        if (!is_list(id, address))
            bounce_report_add(report, address.s, address.len);
}

/* Whom the bounce was sent to is the sender, whom text may mention beside
 * the recipient. */
static void drop_sender(const struct bounce_mail *mail,
                        struct bounce_report *report)
{
    struct span sender;
    size_t kept = 0;

    if (report->n < 2 ||
        !scan_address((struct span){mail->to, strlen(mail->to)}, &sender, NULL))
        return;
    for (size_t i = 0; i < report->n; i++)
        if (!scan_is(sender, report->recipients[i].address)) {
            if (kept != i)
                report->recipients[kept] = report->recipients[i];
            kept++;
        }
    report->n = kept;
}

/* Of addresses that the text only mentions, those that the message was
 * addressed to, if any. */
static void keep_addressed(const struct bounce_mail *mail,
                           struct bounce_report *report)
{
    struct span to, address;
    size_t kept = 0;

    if (!scan_header(bounce_mail_original(mail), "To", &to))
        return;
    while (scan_address(to, &address, &to))
        for (size_t i = kept; i < report->n; i++)
            if (scan_is(address, report->recipients[i].address)) {
                struct bounce_recipient swap = report->recipients[i];
                report->recipients[i] = report->recipients[kept];
                report->recipients[kept++] = swap;
                break;
            }
    if (kept)
        report->n = kept;
}

static struct span domain_of(const char *from)
{
    struct span address = {from, strlen(from)};

    if (!scan_address(address, &address, NULL))
        return (struct span){"", 0};
    const char *at = memchr(address.s, '@', address.len);
    return (struct span){at + 1, address.len - (size_t)(at + 1 - address.s)};
}

static void find_in_text(const struct bounce_mail *mail, struct span text,
                         struct bounce_report *report)
{
    bool vague = false;

    if (bounce_text_read(text, report, &vague)) {
        drop_sender(mail, report);
        if (vague)
            keep_addressed(mail, report);
        return;
    }
    bounce_text_read_locals(text, domain_of(mail->from), report);
}

void bounce_whom(const struct bounce_mail *mail, struct span text,
                 struct span original, struct bounce_report *report)
{
    add_all(report, bounce_mail_header(mail, "X-Failed-Recipients"));
    if (!report->n)
        find_in_text(mail, text, report);
    if (!report->n)
        add_returned(report, bounce_mail_original(mail));
    if (!report->n)
        add_returned(report, original);
}
