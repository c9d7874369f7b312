#include "inbound/notice.h"
#include "base/memory.h"
#include "mail/token.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LEN = MAILID_TEXT_MAX - 1 };

void notice_reader_init(struct notice_reader *r,
                        const unsigned char secret[MAILID_SECRET_BYTES])
{
    *r = (struct notice_reader){.report = memory_new(1, sizeof *r->report)};
    memcpy(r->secret, secret, sizeof r->secret);
}

void notice_reader_fini(struct notice_reader *r)
{
    bounce_reader_fini(&r->reader);
    free(r->report);
    *r = (struct notice_reader){0};
}

/* ---- Which mail ---- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

/* xxxxxxxx-xxxx-... : the look is checked before the MAC, which costs more. */
static bool looks_like_name(const char *s)
{
    for (size_t i = 0; i < NAME_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !is_hex(s[i]))
            return false;
    }
    return true;
}

/* The first name of a mail whose MAC is right: the return path, Message-ID,
 * more of what we sent carry the same 36 characters, and a server may have left
 * any of them. */
static bool find_name(const struct notice_reader *r, struct span text,
                      struct mailid *mail)
{
    char name[MAILID_TEXT_MAX];
    const char *at = text.s, *end = text.s + text.len;

    for (unsigned tried = 0; tried < NOTICE_NAMES_MAX; tried++) {
        const char *dash = at < end ? memchr(at, '-', (size_t)(end - at)) : 0;
        if (!dash)
            return false;
        at = dash + 1;
        if (dash - text.s < 8 || end - dash < NAME_LEN - 8 ||
            !looks_like_name(dash - 8))
            continue;
        snprintf(name, sizeof name, "%.*s", NAME_LEN, dash - 8);
        if (mailid_parse(r->secret, name, mail))
            return true;
    }
    return false;
}

/* The link to unsubscribe carries the mail in another form, with a MAC of its
 * own (mail/token). */
static bool find_link(const struct notice_reader *r, struct mailid *mail)
{
    struct span value;
    struct token token;

    if (!scan_header(bounce_mail_original(&r->reader.mail), "List-Unsubscribe",
                     &value))
        return false;
    for (size_t i = 0; i + 3 + TOKEN_TEXT_LEN <= value.len; i++) {
        if (memcmp(value.s + i, "/u/", 3) != 0)
            continue;
        if (token_parse(r->secret, value.s + i + 3, TOKEN_TEXT_LEN, NULL, 0,
                        &token)) {
            *mail = token.mail;
            return true;
        }
    }
    return false;
}

/* A return path first: it is where the message was sent to, while other names
 * may be those of mails that somebody quoted. */
static bool name_mail(const struct notice_reader *r, struct mailid *mail)
{
    const struct bounce_report *report = r->report;
    const struct bounce_mail *m = &r->reader.mail;
    const char *id = report->message_id;

    return mailid_parse(r->secret, report->token, mail) ||
           find_name(r, (struct span){id, strlen(id)}, mail) ||
           find_name(r, bounce_mail_original(m), mail) || find_link(r, mail) ||
           find_name(r, m->raw, mail);
}

/* ---- What it says ---- */

/* Of several recipients (an alias that we wrote to) one that failed says
 * nothing against the alias: hard is only what is so of all. */
static const struct bounce_recipient *worst(const struct bounce_report *report,
                                            bool *hard)
{
    const struct bounce_recipient *found = report->n ? report->recipients : 0;

    *hard = report->n > 0;
    for (size_t i = 0; i < report->n; i++) {
        const struct bounce_recipient *to = &report->recipients[i];

        *hard = *hard && to->hard;
        /* failed before delayed before delivered */
        if (to->action < found->action)
            found = to;
    }
    return found;
}

static const char *kind_of(const struct bounce_report *report,
                           const struct bounce_recipient *to)
{
    if (report->kind == BOUNCE_KIND_BOUNCE && to &&
        to->action != BOUNCE_ACTION_FAILED)
        return to->action == BOUNCE_ACTION_DELAYED ? "delayed" : "delivered";
    /* A report of failed authentication is no complaint of the recipient. */
    if (report->kind == BOUNCE_KIND_COMPLAINT && to &&
        to->category != CATEGORY_COMPLAINT)
        return bounce_kind_text(BOUNCE_KIND_OTHER);
    return bounce_kind_text(report->kind);
}

static enum bounce_category category_of(const struct bounce_report *report,
                                        const struct bounce_recipient *to)
{
    switch (report->kind) {
    case BOUNCE_KIND_COMPLAINT: return CATEGORY_COMPLAINT;
    case BOUNCE_KIND_AUTO_REPLY: return CATEGORY_AUTO_REPLY;
    case BOUNCE_KIND_DELIVERED: return CATEGORY_DELIVERED;
    case BOUNCE_KIND_BOUNCE: return to ? to->category : CATEGORY_OTHER;
    case BOUNCE_KIND_OTHER: break;
    }
    return CATEGORY_OTHER;
}

/* What has to be seen by somebody. A vacation note or a notice of success is
 * counted, whomever it is about. */
static bool is_to_keep(const struct notice *n)
{
    if (strcmp(n->kind, "other") == 0)
        return true;
    return !n->named && (strcmp(n->kind, "bounce") == 0 ||
                         strcmp(n->kind, "complaint") == 0);
}

static void judge(const struct notice_reader *r, struct notice *n)
{
    const struct bounce_report *report = r->report;
    bool hard;
    const struct bounce_recipient *to = worst(report, &hard);

    snprintf(n->kind, sizeof n->kind, "%s", kind_of(report, to));
    n->category = category_of(report, to);
    n->hard = hard && strcmp(n->kind, "bounce") == 0;
    if (to) {
        n->code = to->code;
        memcpy(n->status, to->status, sizeof n->status);
        memcpy(n->diagnostic, to->diagnostic, sizeof n->diagnostic);
        memcpy(n->address, to->address, sizeof n->address);
    }
}

/* Of a complaint that names neither mail nor recipient: which campaign it was
 * about. Whoever got one of its mails could make it up, so nothing is counted:
 * it is for whoever looks at what was kept. */
static void hint(const struct notice_reader *r, struct notice *n)
{
    static const char field[] = "Feedback-ID: ";
    char *to = n->diagnostic + sizeof field - 1;
    struct span value;

    if (n->named || n->category != CATEGORY_COMPLAINT ||
        !scan_header(bounce_mail_original(&r->reader.mail), "Feedback-ID",
                     &value))
        return;
    memcpy(n->diagnostic, field, sizeof field);
    bounce_clean(to, sizeof n->diagnostic - (sizeof field - 1), value.s,
                 value.len);
}

/* ---- Once ---- */

/* A message that names a mail is the same if it has the same Message-ID, even
 * if it came another way, with other Received fields. Whoever knows neither
 * can't make us pass over somebody else's. */
static void set_key(const struct notice_reader *r, struct notice *n,
                    const char *bytes, size_t len)
{
    struct span id = bounce_mail_header(&r->reader.mail, "Message-ID");
    char name[MAILID_TEXT_MAX] = "";
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    if (n->named)
        mailid_text(r->secret, n->mail, name);
    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    if (n->named && id.len) {
        EVP_DigestUpdate(md, name, sizeof name);
        EVP_DigestUpdate(md, id.s, id.len);
    } else {
        EVP_DigestUpdate(md, bytes, len);
    }
    EVP_DigestFinal_ex(md, n->key, NULL);
    EVP_MD_CTX_free(md);
}

void notice_read(struct notice_reader *r, const char *bytes, size_t len,
                 struct notice *out)
{
    const char *subject;

    *out = (struct notice){0};
    bounce_read(&r->reader, bytes, len, r->report);
    out->named = name_mail(r, &out->mail);
    judge(r, out);
    hint(r, out);
    out->keep = is_to_keep(out);
    subject = r->reader.mail.subject;
    bounce_clean(out->subject, sizeof out->subject, subject, strlen(subject));
    set_key(r, out, bytes, len);
}
