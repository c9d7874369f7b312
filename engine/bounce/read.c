#include "bounce/read.h"
#include "bounce/dsn.h"
#include "bounce/feedback.h"
#include "bounce/judge.h"
#include "bounce/kind.h"
#include "bounce/text.h"
#include "bounce/whom.h"
#include <string.h>

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
    if (scan_header(bounce_mail_original(mail), "Message-ID", &id) ||
        scan_header(original, "Message-ID", &id))
        bounce_clean(report->message_id, sizeof report->message_id, id.s,
                     id.len);
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
    bounce_whom(mail, text, original, report);
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

/* A whole bounce inside the text of another: what looks like the header of a
 * returned message has a null return path, which only bounces have. */
static bool is_wrapped(struct span original)
{
    struct span path, mta;

    return scan_header(original, "Return-Path", &path) && scan_is(path, "<>") &&
           scan_header(original, "Reporting-MTA", &mta);
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
        bounce_dsn_read(text, report) ||
        (is_wrapped(original) && bounce_dsn_read(original, report)))
        read_dsn(report, text);
    else
        read_free(mail, text, original, report);
}
