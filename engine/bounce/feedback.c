#include "bounce/feedback.h"
#include <string.h>

/* Types (RFC 5965 7.3 and its registry) by which nobody complained. */
static bool is_no_complaint(const char *type)
{
    static const char *const others[] = {"auth-failure", "not-spam", "dmarc"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (scan_is((struct span){type, strlen(type)}, others[i]))
            return true;
    return false;
}

static void complain_as(struct bounce_report *report, struct span address)
{
    struct bounce_recipient *to =
        bounce_report_add(report, address.s, address.len);
    if (!to)
        return;
    struct bounce_verdict v = bounce_verdict_of(
        is_no_complaint(report->feedback) ? CATEGORY_AUTH_OR_POLICY
                                          : CATEGORY_COMPLAINT,
        false);
    to->category = v.category;
    to->reach = v.reach;
    to->follow = v.follow;
    to->ground = BOUNCE_BY_WORDS;
    bounce_report_say(to, report->feedback, strlen(report->feedback));
}

static void complain(struct bounce_report *report, struct span text)
{
    struct span address;

    if (scan_address(text, &address, NULL))
        complain_as(report, address);
}

/* All fields of that name; RFC 5965 3.2 lets Original-Rcpt-To repeat. */
static void complain_each(struct bounce_report *report, struct span block,
                          const char *name)
{
    struct span line, field, value;

    while (scan_line(&block, &line))
        if (scan_field(line, &field, &value) && scan_is(field, name))
            complain(report, value);
}

static struct span span_of(const struct buf *b)
{
    return (struct span){b->data ? b->data : "", b->len};
}

static void name_recipients(const struct bounce_mail *mail,
                            struct bounce_report *report, struct span fields)
{
    static const char *const in_report[] = {"Original-Rcpt-To",
                                            "Removal-Recipient"};
    static const char *const in_original[] = {"X-HmXmrOriginalRecipient", "To",
                                              "X-Original-To", "Delivered-To"};
    struct span original = span_of(&mail->original), value;

    for (size_t i = 0; i < sizeof in_report / sizeof *in_report && !report->n;
         i++)
        complain_each(report, fields, in_report[i]);
    for (size_t i = 0;
         i < sizeof in_original / sizeof *in_original && !report->n; i++)
        if (scan_header(original, in_original[i], &value))
            complain(report, value);
}

static void set_type(struct bounce_report *report, struct span type)
{
    report->kind = BOUNCE_KIND_COMPLAINT;
    bounce_clean(report->feedback, sizeof report->feedback, type.s, type.len);
}

/* Microsoft's Junk Mail Reporting Program. */
static bool is_jmrp(const struct bounce_mail *mail)
{
    struct span original = span_of(&mail->original), value;

    if (scan_header(original, "X-HmXmrOriginalRecipient", &value))
        return true;
    return original.len &&
           scan_starts((struct span){mail->subject, strlen(mail->subject)},
                       "complaint about message from");
}

static bool is_unsubscribe_note(const struct bounce_mail *mail)
{
    static const char said[] = "sent this email to unsubscribe from";

    return mail->human.len &&
           memmem(mail->human.data, mail->human.len, said, sizeof said - 1);
}

/* The note is mail of the recipient's own. */
static bool read_unsubscribe(const struct bounce_mail *mail,
                             struct bounce_report *report)
{
    if (!is_unsubscribe_note(mail))
        return false;
    set_type(report, (struct span){"opt-out", 7});
    complain(report, (struct span){mail->from, strlen(mail->from)});
    return true;
}

/* The three fields that RFC 5965, 3.1 requires: in text, one alone may be
 * talk about complaints. */
static bool has_fields(struct span text)
{
    struct span value;

    return scan_header(text, "Feedback-Type", &value) &&
           scan_header(text, "User-Agent", &value) &&
           scan_header(text, "Version", &value);
}

bool bounce_feedback_read(const struct bounce_mail *mail,
                          struct bounce_report *report)
{
    struct span fields = span_of(&mail->feedback), type;

    if (!fields.len && has_fields(span_of(&mail->human)))
        fields = span_of(&mail->human);
    if (scan_header(fields, "Feedback-Type", &type))
        set_type(report, type);
    else if (mail->feedback.len || is_jmrp(mail))
        set_type(report, (struct span){"abuse", 5});
    else
        return read_unsubscribe(mail, report);
    name_recipients(mail, report, fields);
    /* Providers redact addresses; the token still names the mail. */
    if (!report->n && report->token[0])
        complain_as(report, (struct span){"", 0});
    return true;
}
