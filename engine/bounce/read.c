#include "bounce/read.h"
#include "bounce/dsn.h"
#include "bounce/feedback.h"
#include "bounce/judge.h"
#include "bounce/kind.h"
#include "bounce/text.h"
#include <string.h>
#include <strings.h>

enum { TOKEN_LEAST = 8 };

static struct span span_of(const struct buf *b)
{
    return (struct span){b->data ? b->data : "", b->len};
}

static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* "b+" token "@": the return path that we gave the mail. It is looked for in
 * all the bytes, since every server puts it somewhere else; its MAC is the
 * settling stage's to check. */
static bool find_token(struct span raw, char out[BOUNCE_TOKEN_MAX])
{
    while (raw.len > 2) {
        const char *hit = memmem(raw.s, raw.len, "b+", 2);
        if (!hit)
            return false;
        const char *end = raw.s + raw.len, *from = hit + 2, *at = from;
        while (at < end && at - from < BOUNCE_TOKEN_MAX - 1 && is_token(*at))
            at++;
        bool apart = hit == raw.s || (!is_token(hit[-1]) && hit[-1] != '.' &&
                                      hit[-1] != '+' && hit[-1] != '/');
        if (apart && at - from >= TOKEN_LEAST && at < end && *at == '@') {
            memcpy(out, from, (size_t)(at - from));
            out[at - from] = '\0';
            return true;
        }
        raw.s = from;
        raw.len = (size_t)(end - from);
    }
    return false;
}

static void name_mail(const struct bounce_mail *mail, struct span original,
                      struct bounce_report *report)
{
    struct span id;

    if (!find_token(mail->raw, report->token) &&
        !find_token(original, report->token))
        report->token[0] = '\0';
    if (scan_header(span_of(&mail->original), "Message-ID", &id) ||
        scan_header(original, "Message-ID", &id))
        bounce_clean(report->message_id, sizeof report->message_id, id.s,
                     id.len);
}

static void add_all(struct bounce_report *report, struct span text)
{
    struct span address;

    while (scan_address(text, &address, &text))
        bounce_report_add(report, address.s, address.len);
}

/* A mailing list's own address is not whom the mail went to. */
static bool is_list(struct span original, struct span address)
{
    struct span id;
    const char *at = memchr(address.s, '@', address.len);

    if (!at || !scan_header(original, "List-Id", &id))
        return false;
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
    struct span to, address;

    if (!scan_header(original, "To", &to))
        return;
    while (scan_address(to, &address, &to))
        if (!is_list(original, address))
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

    if (!scan_header(span_of(&mail->original), "To", &to))
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

/* No report names anybody: what the server put into its own header, the text,
 * and last the recipients that the returned message itself names. */
static void find_recipients(const struct bounce_mail *mail, struct span text,
                            struct span original, struct bounce_report *report)
{
    add_all(report, bounce_mail_header(mail, "X-Failed-Recipients"));
    if (!report->n)
        find_in_text(mail, text, report);
    if (!report->n)
        add_returned(report, span_of(&mail->original));
    if (!report->n)
        add_returned(report, original);
}

static void read_dsn(struct bounce_report *report, struct span text)
{
    bool all_delivered = true;

    for (size_t i = 0; i < report->n; i++) {
        bounce_judge(&report->recipients[i], text, report->n == 1);
        if (report->recipients[i].action != BOUNCE_ACTION_DELIVERED)
            all_delivered = false;
    }
    report->kind = all_delivered ? BOUNCE_KIND_DELIVERED : BOUNCE_KIND_BOUNCE;
}

static void read_free(const struct bounce_mail *mail, struct span text,
                      struct span original, struct bounce_report *report)
{
    report->kind = bounce_kind_of(mail, text);
    if (report->kind != BOUNCE_KIND_BOUNCE &&
        report->kind != BOUNCE_KIND_DELIVERED)
        return;
    find_recipients(mail, text, original, report);
    enum bounce_action action = BOUNCE_ACTION_FAILED;
    if (report->kind == BOUNCE_KIND_DELIVERED)
        action = BOUNCE_ACTION_DELIVERED;
    else if (bounce_kind_is_delay(mail, text))
        action = BOUNCE_ACTION_DELAYED;
    /* Nobody is named, but the mail is. */
    if (!report->n && report->token[0])
        bounce_report_add(report, "", 0);
    for (size_t i = 0; i < report->n; i++) {
        report->recipients[i].action = action;
        bounce_judge(&report->recipients[i], text, report->n == 1);
    }
}

void bounce_reader_fini(struct bounce_reader *r)
{
    bounce_mail_fini(&r->mail);
}

void bounce_read(struct bounce_reader *r, const char *bytes, size_t len,
                 struct bounce_report *report)
{
    struct bounce_mail *mail = &r->mail;
    struct span original;

    bounce_report_reset(report);
    bounce_mail_open(mail, bytes, len);
    struct span text = bounce_text_split(span_of(&mail->human), &original);
    name_mail(mail, original, report);
    if (bounce_feedback_read(mail, report))
        return;
    if (mail->receipt && !mail->status.len)
        return;
    if (bounce_dsn_read(span_of(&mail->status), report) ||
        bounce_dsn_read(span_of(&mail->human), report))
        read_dsn(report, text);
    else
        read_free(mail, text, original, report);
}
