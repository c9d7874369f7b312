#include "smtp/look.h"
#include <string.h>

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

static bool starts(const struct smtp_reply *r, const char *enhanced)
{
    return strncmp(r->text, enhanced, strlen(enhanced)) == 0;
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

unsigned smtp_look_spare(const struct smtp_session *s,
                         const struct smtp_mail *mail, enum smtp_step at)
{
    const struct smtp_message *m = &mail->message;
    unsigned said = 0;

    if (!about_parameters(&s->parser.reply))
        return 0;
    if (at == STEP_MAIL)
        said |= SMTP_CAP_SIZE;
    if (at == STEP_RCPT ? m->notify != NULL : m->ret || (m->envid && *m->envid))
        said |= SMTP_CAP_DSN;
    return said & s->offer.caps;
}
