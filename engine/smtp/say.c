#include "smtp/say.h"
#include "base/bug.h"
#include "base/utf8.h"
#include "smtp/look.h"
#include <stdio.h>
#include <string.h>

/* A line that starts with a dot is stuffed, and BDAT would send the dot that
 * was put there. Such lines are rare. */
bool smtp_say_has_stuffing(const char *bytes, size_t len)
{
    const char *end = bytes + len;

    if (len > 0 && bytes[0] == '.')
        return true;
    while (bytes < end && (bytes = memchr(bytes, '\n', (size_t)(end - bytes))))
        if (++bytes < end && *bytes == '.')
            return true;
    return false;
}

static void say_words(struct smtp_session *s, const char *before,
                      const char *word, const char *after)
{
    smtp_said_add(&s->said, before);
    smtp_said_add(&s->said, word);
    smtp_said_add(&s->said, after);
}

/* RFC 3461, 4:  xchar = any ASCII CHAR between "!" and "~" inclusive, except
 *                       for "+" and "="
 *               hexchar = "+" two upper-case hex digits */
static void say_xtext(struct smtp_session *s, const char *text)
{
    char out[SMTP_ENVID_MAX + 1];
    size_t n = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = c > ' ' && c < 127 && c != '+' && c != '=';

        if (n + (plain ? 1 : 3) > SMTP_ENVID_MAX)
            break;
        n += (size_t)snprintf(out + n, sizeof out - n, plain ? "%c" : "+%02X",
                              c);
    }
    smtp_said_add(&s->said, out);
}

static void say_dsn_of_mail(struct smtp_session *s,
                            const struct smtp_message *m)
{
    if (m->ret)
        say_words(s, " RET=", m->ret, "");
    if (m->envid && *m->envid) {
        smtp_said_add(&s->said, " ENVID=");
        say_xtext(s, m->envid);
    }
}

/* The parameters cost us a number and a scan, and let the server refuse
 * before the body instead of after it. */
static void say_mail(struct smtp_session *s, const struct smtp_message *m)
{
    char size[sizeof " SIZE=" + 20];

    say_words(s, "MAIL FROM:<", m->from, ">");
    if (smtp_look_offers(s, SMTP_CAP_SIZE)) {
        snprintf(size, sizeof size, " SIZE=%zu", m->data_len);
        smtp_said_add(&s->said, size);
    }
    if (smtp_look_offers(s, SMTP_CAP_8BITMIME) &&
        !utf8_is_ascii(m->data, m->data_len))
        smtp_said_add(&s->said, " BODY=8BITMIME");
    if (m->utf8_header || !utf8_is_ascii(m->from, strlen(m->from)) ||
        !utf8_is_ascii(m->to, strlen(m->to)))
        smtp_said_add(&s->said, " SMTPUTF8");
    if (m->require_tls)
        smtp_said_add(&s->said, " REQUIRETLS");
    if (smtp_look_offers(s, SMTP_CAP_DSN))
        say_dsn_of_mail(s, m);
    smtp_said_add(&s->said, "\r\n");
}

static void say_rcpt(struct smtp_session *s, const struct smtp_message *m)
{
    say_words(s, "RCPT TO:<", m->to, ">");
    if (m->notify && smtp_look_offers(s, SMTP_CAP_DSN))
        say_words(s, " NOTIFY=", m->notify, "");
    smtp_said_add(&s->said, "\r\n");
}

static void say_bdat(struct smtp_session *s, const struct smtp_message *m)
{
    char line[sizeof "BDAT  LAST\r\n" + 20];

    snprintf(line, sizeof line, "BDAT %zu LAST\r\n", m->data_len);
    smtp_said_add(&s->said, line);
    smtp_said_add_body(&s->said, m->data, m->data_len);
}

static void say_login(struct smtp_session *s)
{
    size_t len;
    const char *line = smtp_auth_line(s->auth, &len);

    smtp_said_add_body(&s->said, line, len);
}

static void say_body(struct smtp_session *s, const struct smtp_message *m)
{
    smtp_said_add_body(&s->said, m->data, m->data_len);
    smtp_said_add(&s->said, ".\r\n");
}

void smtp_say(struct smtp_session *s, enum smtp_step step)
{
    const struct smtp_message *m = &s->mail->message;

    switch (step) {
    case STEP_GREETING: break; /* the server speaks first */
    case STEP_EHLO: say_words(s, "EHLO ", s->ehlo_name, "\r\n"); break;
    case STEP_HELO: say_words(s, "HELO ", s->ehlo_name, "\r\n"); break;
    case STEP_MAIL: say_mail(s, m); break;
    case STEP_STARTTLS: smtp_said_add(&s->said, "STARTTLS\r\n"); break;
    case STEP_AUTH: say_login(s); break;
    case STEP_RCPT: say_rcpt(s, m); break;
    case STEP_DATA: smtp_said_add(&s->said, "DATA\r\n"); break;
    case STEP_BODY: say_body(s, m); break;
    case STEP_BDAT: say_bdat(s, m); break;
    case STEP_EMPTY: smtp_said_add(&s->said, ".\r\n"); break;
    case STEP_RSET: smtp_said_add(&s->said, "RSET\r\n"); break;
    case STEP_QUIT: smtp_said_add(&s->said, "QUIT\r\n"); break;
    case STEP_IDLE:
    case STEP_HANDSHAKE:
    case STEP_OVER:
    case SMTP_STEPS: BUG("nothing to say");
    }
}
