#include "bounce/kind.h"
#include "bounce/meaning.h"
#include <string.h>

struct signs {
    bool daemon;       /* a mail system wrote it */
    bool auto_header;  /* RFC 3834 and its forerunners */
    bool auto_subject; /* "Out of office" */
    bool subject;      /* "Undelivered mail" */
    bool failure;      /* "could not be delivered" */
    bool reply;        /* "550 5.1.1" */
    bool answer;       /* to somebody's mail */
    bool returned;     /* with a message inside */
    bool away;
    bool arrived;
};

static bool is_from_daemon(const struct bounce_mail *mail)
{
    static const char *const names[] = {"mailer-daemon",
                                        "postmaster",
                                        "mail delivery",
                                        "mailerdaemon",
                                        "mdaemon",
                                        "mail system",
                                        "mail administrator",
                                        "delivery subsystem",
                                        "system administrator",
                                        "mailer daemon",
                                        "mail-daemon",
                                        "mail_daemon",
                                        "maildaemon",
                                        "deliverynotification",
                                        "mail.delivery.system",
                                        "post_master"};
    struct phrase_text from;

    phrase_fold(&from, mail->from, strlen(mail->from));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (phrase_in(&from, names[i]))
            return true;
    struct span path = bounce_mail_header(mail, "Return-Path");
    return from.len == 0 || strcmp(from.text, "<>") == 0 ||
           scan_is(path, "<>") || scan_is(path, "<MAILER-DAEMON>");
}

static bool has_header(const struct bounce_mail *mail, const char *name)
{
    return bounce_mail_header(mail, name).len > 0;
}

static bool has_auto_header(const struct bounce_mail *mail)
{
    struct span precedence = bounce_mail_header(mail, "Precedence");

    return scan_starts(bounce_mail_header(mail, "Auto-Submitted"),
                       "auto-replied") ||
           scan_starts(precedence, "auto_reply") ||
           scan_starts(precedence, "auto-reply") ||
           has_header(mail, "X-Autoreply") ||
           has_header(mail, "X-Autorespond") ||
           has_header(mail, "X-Autoresponder") ||
           has_header(mail, "X-Auto-Reply") ||
           has_header(mail, "X-Auto-Response") ||
           has_header(mail, "X-Mail-Autoreply");
}

/* A person's, who may quote a bounce. */
static bool is_answer(const struct bounce_mail *mail)
{
    struct span subject = {mail->subject, strlen(mail->subject)};

    if (!has_header(mail, "In-Reply-To") && !has_header(mail, "References"))
        return false;
    return scan_starts(subject, "re:") || scan_starts(subject, "aw:") ||
           scan_starts(subject, "sv:");
}

static struct signs signs_of(const struct bounce_mail *mail, struct span text)
{
    struct phrase_text subject, body;
    struct bounce_reply reply;

    phrase_fold(&subject, mail->subject, strlen(mail->subject));
    phrase_fold(&body, text.s, text.len);
    bounce_reply_find(text.s, text.len, &reply);
    return (struct signs){
        .daemon = is_from_daemon(mail),
        .auto_header = has_auto_header(mail),
        .auto_subject = bounce_means(&subject, BOUNCE_MEANS_AUTO),
        .subject = bounce_means(&subject, BOUNCE_MEANS_SUBJECT),
        .failure = bounce_means(&body, BOUNCE_MEANS_FAILURE),
        .reply = reply.code || reply.status[0],
        .answer = is_answer(mail),
        .returned = mail->original.len > 0,
        .away = bounce_means(&body, BOUNCE_MEANS_AWAY),
        .arrived = bounce_means(&subject, BOUNCE_MEANS_ARRIVED) ||
                   bounce_means(&body, BOUNCE_MEANS_ARRIVED),
    };
}

static bool is_report(const struct bounce_mail *mail)
{
    struct span type = {mail->report_type, strlen(mail->report_type)};
    return scan_is(type, "delivery-status") || mail->status.len > 0;
}

enum bounce_kind bounce_kind_of(const struct bounce_mail *mail,
                                struct span text)
{
    struct signs s = signs_of(mail, text);

    if (is_report(mail) || has_header(mail, "X-Failed-Recipients"))
        return BOUNCE_KIND_BOUNCE;
    if (s.auto_subject || (s.auto_header && !s.daemon))
        return BOUNCE_KIND_AUTO_REPLY;
    if (s.arrived && !s.failure)
        return BOUNCE_KIND_DELIVERED;
    if (s.daemon && (s.subject || s.failure || s.reply))
        return BOUNCE_KIND_BOUNCE;
    if (s.failure && (s.subject || s.returned) && !s.answer)
        return BOUNCE_KIND_BOUNCE;
    if (s.auto_header || s.away)
        return BOUNCE_KIND_AUTO_REPLY;
    if (s.failure && s.reply && !s.answer)
        return BOUNCE_KIND_BOUNCE;
    return BOUNCE_KIND_OTHER;
}

bool bounce_kind_is_delay(const struct bounce_mail *mail, struct span text)
{
    return bounce_text_means(text.s, text.len, BOUNCE_MEANS_DELAY) ||
           bounce_text_means(mail->subject, strlen(mail->subject),
                             BOUNCE_MEANS_DELAY);
}
