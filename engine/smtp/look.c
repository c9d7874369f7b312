#include "smtp/look.h"
#include "base/utf8.h"
#include <string.h>

bool smtp_look_offers(const struct smtp_session *s, unsigned cap)
{
    return (s->offer.caps & cap) != 0;
}

bool smtp_look_past(const struct smtp_session *s, const struct smtp_mail *mail)
{
    return mail->settled || (s->again && mail == s->mail);
}

bool smtp_look_dot_taken(const struct smtp_session *s,
                         const struct smtp_mail *mail)
{
    if (smtp_look_past(s, mail))
        return false;
    for (size_t i = 0; i < s->n_unanswered; i++) {
        const struct smtp_unanswered *u = &s->unanswered[i];

        if (u->mail == mail && u->step == STEP_BODY)
            return s->said.taken > u->end - strlen(".\r\n");
        if (u->mail == mail && u->step == STEP_BDAT)
            return s->said.taken >= u->end;
    }
    return false;
}

enum smtp_step smtp_look_waits(const struct smtp_session *s,
                               const struct smtp_mail *mail)
{
    for (size_t i = 0; i < s->n_unanswered; i++)
        if (s->unanswered[i].mail == mail)
            return s->unanswered[i].step;
    return s->next;
}

enum smtp_step smtp_session_waits(const struct smtp_session *s)
{
    return s->n_unanswered ? s->unanswered[0].step : s->next;
}

bool smtp_look_ends_body(const struct smtp_session *s)
{
    const struct smtp_unanswered *u = s->unanswered;

    return s->n_unanswered > 0 &&
           (u->step == STEP_BODY || u->step == STEP_BDAT) &&
           u->end <= s->said.taken;
}

enum smtp_fault smtp_look_fault(enum smtp_step step)
{
    if (step == STEP_GREETING)
        return SMTP_FAULT_GREETING;
    if (step == STEP_EHLO || step == STEP_HELO)
        return SMTP_FAULT_EHLO;
    if (step == STEP_STARTTLS || step == STEP_HANDSHAKE)
        return SMTP_FAULT_TLS;
    return step == STEP_AUTH ? SMTP_FAULT_LOGIN : SMTP_FAULT_LOST;
}

static bool starts(const struct smtp_reply *r, const char *enhanced)
{
    return strncmp(r->text, enhanced, strlen(enhanced)) == 0;
}

bool smtp_look_confused(const struct smtp_reply *r)
{
    static const char digits[] = "0123456789";
    bool blames = starts(r, "5.") && r->text[2] && strchr(digits, r->text[2]);

    return (r->code == 500 || r->code == 503) &&
           (!blames || starts(r, "5.5.") || starts(r, "5.0."));
}

/* RFC 5321, 4.1.1.11 and 4.2.2; RFC 3463, 3.6. A 501 with 5.1.x is about the
 * address, and 503 about the sequence. */
static bool about_parameters(const struct smtp_reply *r)
{
    if (starts(r, "5.5.2 ") || starts(r, "5.5.4 "))
        return r->code / 100 == 5 && r->code != 503;
    return (r->code == 501 || r->code == 504 || r->code == 555) &&
           !starts(r, "5.1.");
}

/* RFC 3463, 3.7: X.6.1 is about the kind of body, X.6.3 about its conversion.
 * The server may also name what it blames. */
static bool about_body(const struct smtp_reply *r)
{
    static const char *const words[] = {"8bit", "8-bit", "body="};

    if (r->code / 100 != 5)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(r->text, words[i]))
            return true;
    return starts(r, "5.6.1 ") || starts(r, "5.6.3 ");
}

/* Was BODY said with its MAIL, and for no need? */
static bool spares_body(const struct smtp_session *s,
                        const struct smtp_message *m, enum smtp_step at)
{
    return at == STEP_MAIL && m->eight_bit &&
           smtp_look_offers(s, SMTP_CAP_8BITMIME) &&
           !utf8_is_ascii(m->data, m->data_len);
}

unsigned smtp_look_spare(const struct smtp_session *s,
                         const struct smtp_mail *mail, enum smtp_step at)
{
    const struct smtp_reply *r = &s->parser.reply;
    const struct smtp_message *m = &mail->message;
    bool body = spares_body(s, m, at);
    unsigned said = 0;

    if (body && about_body(r))
        return SMTP_CAP_8BITMIME;
    if (!about_parameters(r))
        return 0;
    if (at == STEP_MAIL)
        said |= SMTP_CAP_SIZE;
    if (at == STEP_RCPT ? m->notify != NULL : m->ret || (m->envid && *m->envid))
        said |= SMTP_CAP_DSN;
    said &= s->offer.caps;
    return !said && body ? SMTP_CAP_8BITMIME : said;
}
