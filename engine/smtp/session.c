#include "smtp/session.h"
#include "base/bug.h"
#include "smtp/fit.h"
#include "smtp/look.h"
#include "smtp/say.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NO false
#define YES true
#define ROW_(step, text, then, ahead) [step] = {text, then, ahead},
static const struct {
    const char *text;
    enum smtp_step then;
    bool ahead;
} steps[SMTP_STEPS] = {SMTP_STEP_TABLE(ROW_)};
#undef ROW_
#undef NO
#undef YES

ENUM_DEFINE(smtp_fault, SMTP_FAULT_TABLE);

const char *smtp_step_text(enum smtp_step step)
{
    return steps[step].text;
}

/* The one place where the conversation changes course. */
static void turn(struct smtp_session *s, enum smtp_step to)
{
    s->next = to;
}

/* Where an answer does not lead to what was planned, a hear_ function returns
 * the step to turn to; STEP_OVER if it has ended the session. */
#define AS_PLANNED SMTP_STEPS

PRINTF(2, 3) static void explain(struct smtp_session *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s->why, sizeof s->why, fmt, ap);
    va_end(ap);
    s->fault = smtp_look_fault(smtp_session_waits(s));
    for (char *c = s->why; *c; c++)
        if (*c == '\n')
            *c = ' ';
}

/* A mail is settled once; what later answers say of it is not news. */
static void settle(struct smtp_session *s, struct smtp_mail *mail,
                   const struct smtp_result *result)
{
    if (mail->settled)
        return;
    if (s->n_results == SMTP_SESSION_MAILS)
        BUG("more results than mails");
    mail->settled = true;
    smtp_said_disown(&s->said, mail->message.data + mail->message.data_len);
    s->attempts += !result->untried;
    s->results[s->n_results] = *result;
    s->results[s->n_results++].tag = mail->message.tag;
}

static struct smtp_result by_reply(struct smtp_session *s, enum smtp_step at,
                                   enum verdict verdict, enum reach reach)
{
    struct smtp_reply *r = &s->parser.reply;

    smtp_reply_take_enhanced(r, s->enhanced);
    return (struct smtp_result){.verdict = verdict,
                                .reach = reach,
                                .step = at,
                                .code = r->code,
                                .enhanced = s->enhanced,
                                .text = r->text};
}

static void settle_by_reply(struct smtp_session *s, struct smtp_mail *mail,
                            enum smtp_step at, enum verdict verdict,
                            enum reach reach)
{
    if (smtp_look_past(s, mail))
        return;
    const struct smtp_result r = by_reply(s, at, verdict, reach);

    settle(s, mail, &r);
}

static bool may_go_on(const struct smtp_session *s)
{
    const struct smtp_mail *m = s->mail;
    const struct smtp_unanswered *u = s->unanswered;

    if (s->n_unanswered == 0)
        return true;
    /* First come all answers to what it is said instead of. */
    if (s->again || !smtp_look_offers(s, SMTP_CAP_PIPELINING) ||
        !steps[u[s->n_unanswered - 1].step].ahead)
        return false;
    /* Of two bodies under way both would be in doubt. */
    if (s->next == STEP_BDAT)
        return u->mail == m && m->message.data_len <= SMTP_BDAT_AHEAD_MAX;
    return true;
}

/* What is said behind this step. */
static enum smtp_step planned(struct smtp_session *s, enum smtp_step step)
{
    if (step == STEP_RCPT && s->mail->chunk)
        return STEP_BDAT;
    if (step == STEP_RSET && s->again) {
        s->again = false;
        return STEP_MAIL;
    }
    return steps[step].then;
}

static void speak(struct smtp_session *s)
{
    if (s->quitting && s->next == STEP_IDLE && s->n_unanswered == 0)
        turn(s, STEP_QUIT);

    /* From STEP_IDLE on, nothing is ours to say. */
    while (s->next < STEP_IDLE && may_go_on(s)) {
        enum smtp_step step = s->next;

        if (s->n_unanswered == SMTP_UNANSWERED_MAX)
            BUG("too many commands ahead");
        smtp_say(s, step);
        s->unanswered[s->n_unanswered++] = (struct smtp_unanswered){
            .step = step, .mail = s->mail, .end = s->said.total};
        turn(s, planned(s, step));
    }
}

/* The session ends; closing is the 421 that says so, or NULL. A mail of
 * which the server has said nothing is untried if another was tried here:
 * each connection that costs nothing must have carried something. */
static void end(struct smtp_session *s, enum smtp_loss loss,
                const struct smtp_reply *closing)
{
    for (size_t i = 0; i < SMTP_SESSION_MAILS; i++) { /* oldest first */
        struct smtp_mail *m = &s->mails[(s->n_mails + i) % SMTP_SESSION_MAILS];
        struct smtp_result r = {.reach = REACH_HOST,
                                .step = smtp_look_waits(s, m),
                                .enhanced = "",
                                .text = s->why};

        if (m->settled)
            continue;
        if (closing) {
            r.code = closing->code;
            r.enhanced = s->enhanced;
            r.text = closing->text;
        }
        r.verdict = !closing && smtp_look_dot_taken(s, m) ? VERDICT_IN_DOUBT
                                                          : VERDICT_DEFERRED;
        r.untried = r.verdict == VERDICT_DEFERRED && !m->heard &&
                    (loss == SMTP_LOSS_OWNER ||
                     (loss == SMTP_LOSS_SERVER && s->attempts > 0));
        settle(s, m, &r);
    }
    s->n_unanswered = 0;
    smtp_said_drop(&s->said);
    turn(s, STEP_OVER);
}

void smtp_session_lost(struct smtp_session *s, enum smtp_loss loss,
                       const char *why)
{
    if (smtp_session_waits(s) == STEP_OVER)
        return;
    /* After our QUIT any end will do. */
    if (s->next != STEP_OVER)
        explain(s, "%s", why);
    end(s, loss, NULL);
}

/* The server broke the protocol: what it says next can't be trusted. */
PRINTF(2, 3)
static enum smtp_step broken(struct smtp_session *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s->note, sizeof s->note, fmt, ap);
    va_end(ap);
    smtp_session_lost(s, SMTP_LOSS_SERVER, s->note);
    return STEP_OVER;
}

static enum smtp_step refused(struct smtp_session *s, struct smtp_mail *mail,
                              enum smtp_step at, enum smtp_step then)
{
    bool for_good = s->parser.reply.code / 100 == 5;

    settle_by_reply(s, mail, at, for_good ? VERDICT_BOUNCED : VERDICT_DEFERRED,
                    at == STEP_RCPT ? REACH_RECIPIENT : REACH_MESSAGE);
    return then;
}

/* The server does not want us at all. */
static enum smtp_step hear_no(struct smtp_session *s, enum smtp_step at)
{
    const struct smtp_reply *r = &s->parser.reply;

    s->reply_code = r->code;
    explain(s, "%s: %u %s", steps[at].text, r->code, r->text);
    return STEP_QUIT;
}

/* The connection will not do, though no reply says so. */
static enum smtp_step give_up(struct smtp_session *s, enum smtp_fault fault,
                              const char *why)
{
    explain(s, "%s", why);
    s->fault = fault;
    return STEP_QUIT;
}

static enum smtp_step begin_login(struct smtp_session *s)
{
    unsigned mechs = smtp_look_offers(s, SMTP_CAP_AUTH) ? s->offer.mechs : 0;

    if (smtp_auth_begin(s->auth, mechs, s->secure) == SMTP_AUTH_SAY)
        return STEP_AUTH;
    return give_up(s, SMTP_FAULT_LOGIN, smtp_auth_why(s->auth));
}

/* It is known what the server offers: what comes before the first mail? */
static enum smtp_step get_ready(struct smtp_session *s)
{
    struct smtp_result lack;

    if (!s->secure && s->starttls != SMTP_STARTTLS_NEVER) {
        if (smtp_look_offers(s, SMTP_CAP_STARTTLS) && !s->no_starttls)
            return STEP_STARTTLS;
        s->no_starttls = true;
        if (s->starttls == SMTP_STARTTLS_MUST)
            return give_up(s, SMTP_FAULT_TLS, "the server offers no STARTTLS");
    }
    if (s->keeps_tls && smtp_fit_lacks_tls(s, true, &lack)) {
        snprintf(s->enhanced, sizeof s->enhanced, "%s", lack.enhanced);
        return give_up(s, SMTP_FAULT_UNFIT, lack.text);
    }
    return s->auth ? begin_login(s) : STEP_IDLE;
}

/* RFC 5321 3.2: who knows no EHLO may still know HELO. */
static enum smtp_step hear_ehlo(struct smtp_session *s)
{
    const struct smtp_reply *r = &s->parser.reply;

    if (r->code / 100 == 5)
        return STEP_HELO;
    if (r->code / 100 != 2)
        return hear_no(s, STEP_EHLO);
    s->offer = smtp_ehlo_parse(r->text);
    return get_ready(s);
}

static enum smtp_step hear_starttls(struct smtp_session *s)
{
    unsigned code = s->parser.reply.code;

    if (code == 220)
        return AS_PLANNED;
    s->no_starttls = true;
    if (s->starttls == SMTP_STARTTLS_MUST || code < 400)
        return hear_no(s, STEP_STARTTLS);
    return get_ready(s);
}

static enum smtp_step hear_login(struct smtp_session *s)
{
    const struct smtp_reply *r = &s->parser.reply;

    switch (smtp_auth_hear(s->auth, r->code, r->text)) {
    case SMTP_AUTH_SAY: return STEP_AUTH;
    case SMTP_AUTH_DONE: s->auth = NULL; return AS_PLANNED;
    case SMTP_AUTH_FAILED: break;
    }
    if (*smtp_auth_why(s->auth))
        return give_up(s, SMTP_FAULT_LOGIN, smtp_auth_why(s->auth));
    return hear_no(s, STEP_AUTH);
}

static enum smtp_step hear_odd(struct smtp_session *s, enum smtp_step at)
{
    const struct smtp_reply *r = &s->parser.reply;

    return broken(s, "unexpected reply to %s: %u %s", steps[at].text, r->code,
                  r->text);
}

/* It has lost the thread: nothing that it says on this connection is about a
 * mail, so hang up. */
static enum smtp_step hear_confused(struct smtp_session *s,
                                    struct smtp_mail *mail, enum smtp_step at)
{
    settle_by_reply(s, mail, at, VERDICT_DEFERRED, REACH_HOST);
    return hear_odd(s, at);
}

/* RSET, and the last mail is said once more. */
static enum smtp_step once_more(struct smtp_session *s)
{
    s->again = true;
    s->mail->behind = false;
    return STEP_RSET;
}

/* What was made for a server that takes 8bit bodies is of no use here. */
static enum smtp_step made_in_vain(struct smtp_session *s,
                                   struct smtp_mail *mail)
{
    struct smtp_result r =
        by_reply(s, STEP_MAIL, VERDICT_DEFERRED, REACH_MESSAGE);

    r.untried = r.seven_bit = true;
    settle(s, mail, &r);
    return STEP_RSET;
}

static enum smtp_step hear_envelope(struct smtp_session *s,
                                    struct smtp_mail *mail, enum smtp_step at)
{
    unsigned code = s->parser.reply.code, spare;

    /* "Bad sequence" is about what went before, not about this mail. */
    if (code == 503 && at == STEP_MAIL && mail->behind) {
        settle_by_reply(s, mail, at, VERDICT_DEFERRED, REACH_HOST);
        return STEP_RSET;
    }
    if (code / 100 == 3)
        return hear_odd(s, at);
    mail->taken |= at == STEP_RCPT && code / 100 == 2;
    /* Of one that was refused already, RSET is said, or will be. */
    if (code / 100 == 2 || smtp_look_past(s, mail))
        return AS_PLANNED;
    /* It offered parameters and does not know them: from now on without. */
    if ((spare = smtp_look_spare(s, mail, at)) != 0) {
        s->offer.caps &= ~spare;
        return spare & SMTP_CAP_8BITMIME ? made_in_vain(s, mail) : once_more(s);
    }
    if (smtp_look_confused(&s->parser.reply))
        return hear_confused(s, mail, at);
    return refused(s, mail, at, STEP_RSET);
}

/* 354 to an envelope already refused: the server waits for a body. Send none,
 * not even its end where a recipient was taken: it may be delivered. */
static enum smtp_step hear_data(struct smtp_session *s, struct smtp_mail *mail)
{
    unsigned code = s->parser.reply.code;

    if (code == 354 && !(mail->taken && smtp_look_past(s, mail)))
        return smtp_look_past(s, mail) ? STEP_EMPTY : AS_PLANNED;
    if (code < 400)
        return hear_odd(s, STEP_DATA);
    if (!smtp_look_past(s, mail) && smtp_look_confused(&s->parser.reply))
        return hear_confused(s, mail, STEP_DATA);
    return refused(s, mail, STEP_DATA, STEP_RSET);
}

static enum smtp_step hear_body(struct smtp_session *s, struct smtp_mail *mail)
{
    switch (s->parser.reply.code / 100) {
    case 2:
        settle_by_reply(s, mail, STEP_BODY, VERDICT_DELIVERED, REACH_RECIPIENT);
        return AS_PLANNED;
    case 3: return hear_odd(s, STEP_BODY);
    default: return refused(s, mail, STEP_BODY, AS_PLANNED);
    }
}

/* It offered CHUNKING and does not know it: from now on by DATA, and this mail
 * once more, if no other is under way already. */
static enum smtp_step hear_no_bdat(struct smtp_session *s,
                                   struct smtp_mail *mail)
{
    s->no_bdat = true;
    mail->chunk = false;
    if (smtp_look_past(s, mail))
        return AS_PLANNED;
    if (s->mail != mail) {
        settle_by_reply(s, mail, STEP_BDAT, VERDICT_DEFERRED, REACH_HOST);
        return AS_PLANNED;
    }
    return once_more(s);
}

/* After a chunk refused nobody knows what the server still holds (RFC 3030, 2):
 * RSET, unless the next mail's MAIL says the same. */
static enum smtp_step hear_bdat(struct smtp_session *s, struct smtp_mail *mail)
{
    unsigned code = s->parser.reply.code;
    bool known = smtp_look_past(s, mail);

    if (code == 500 || code == 502 || code == 504)
        return hear_no_bdat(s, mail);
    if (!known && smtp_look_confused(&s->parser.reply))
        return hear_confused(s, mail, STEP_BDAT);
    switch (code / 100) {
    case 2:
        settle_by_reply(s, mail, STEP_BDAT, VERDICT_DELIVERED, REACH_RECIPIENT);
        return AS_PLANNED;
    case 3: return hear_odd(s, STEP_BDAT);
    default:
        return refused(s, mail, STEP_BDAT,
                       known || s->mail != mail ? AS_PLANNED : STEP_RSET);
    }
}

static enum smtp_step hear(struct smtp_session *s,
                           const struct smtp_unanswered *u)
{
    bool ok = s->parser.reply.code / 100 == 2;

    switch (u->step) {
    case STEP_GREETING: return ok ? AS_PLANNED : hear_no(s, STEP_GREETING);
    case STEP_EHLO: return hear_ehlo(s);
    case STEP_HELO: return ok ? get_ready(s) : hear_no(s, STEP_HELO);
    case STEP_STARTTLS: return hear_starttls(s);
    case STEP_AUTH: return hear_login(s);
    case STEP_MAIL:
    case STEP_RCPT: return hear_envelope(s, u->mail, u->step);
    case STEP_DATA: return hear_data(s, u->mail);
    case STEP_BODY: return hear_body(s, u->mail);
    case STEP_BDAT: return hear_bdat(s, u->mail);
    case STEP_EMPTY: return AS_PLANNED;
    case STEP_RSET: return ok ? AS_PLANNED : hear_odd(s, STEP_RSET);
    case STEP_QUIT: return AS_PLANNED;
    case STEP_IDLE:
    case STEP_HANDSHAKE:
    case STEP_OVER:
    case SMTP_STEPS: break;
    }
    BUG("an answer to nothing");
}

/* 421 may come at any time, and the server closes behind it (RFC 5321 3.8). */
static void hear_closing(struct smtp_session *s)
{
    struct smtp_reply *r = &s->parser.reply;

    s->reply_code = r->code;
    explain(s, "%s: %u %s", steps[smtp_session_waits(s)].text, r->code,
            r->text);
    smtp_reply_take_enhanced(r, s->enhanced);
    end(s, SMTP_LOSS_SERVER, r);
}

/* An answer before its command was handed over. A server that refuses a body
 * before its end means that body, but nobody knows what it does with the
 * rest: hang up. */
static void hear_early(struct smtp_session *s, const struct smtp_unanswered *u)
{
    const struct smtp_reply *r = &s->parser.reply;

    if ((u->step == STEP_BODY || u->step == STEP_BDAT) && r->code >= 400)
        refused(s, u->mail, u->step, AS_PLANNED);
    broken(s, "reply before the end of %s: %u %s", steps[u->step].text, r->code,
           r->text);
}

static void hear_reply(struct smtp_session *s)
{
    struct smtp_reply *r = &s->parser.reply;
    struct smtp_unanswered *u = s->unanswered;

    s->replies++;
    if (s->auth && u->step == STEP_AUTH && r->code != 334)
        r->len = smtp_auth_hide(s->auth, r->text);
    if (r->code == 421 && smtp_session_waits(s) != STEP_QUIT) {
        hear_closing(s);
        return;
    }
    if (s->n_unanswered == 0) {
        broken(s, "reply to nothing: %u %s", r->code, r->text);
        return;
    }
    if (u->end > s->said.taken) {
        hear_early(s, u);
        return;
    }
    u->mail->heard = true;

    enum smtp_step to = hear(s, u);
    if (to == STEP_OVER)
        return;
    if (to != AS_PLANNED)
        turn(s, to);
    memmove(u, u + 1, --s->n_unanswered * sizeof *u);
    speak(s);
}

/* The code says what became of a body, however much is said of it. */
static void hear_broken(struct smtp_session *s, enum smtp_fed fed)
{
    if (fed == SMTP_FED_TOO_LONG && smtp_look_ends_body(s))
        hear(s, s->unanswered);
    broken(s, "%s at %s", smtp_fed_text(fed),
           steps[smtp_session_waits(s)].text);
}

size_t smtp_session_receive(struct smtp_session *s, const char *in, size_t len)
{
    size_t all = 0, used;

    if (s->n_results > 0)
        BUG("results not taken");
    while (all < len && s->n_results == 0) {
        if (smtp_session_waits(s) == STEP_OVER)
            return len; /* who cares */
        if (smtp_session_waits(s) == STEP_HANDSHAKE) {
            broken(s, "bytes in clear behind the reply to STARTTLS");
            return len;
        }
        if (s->reply_whole)
            smtp_reply_start(&s->parser);

        enum smtp_fed fed =
            smtp_reply_feed(&s->parser, in + all, len - all, &used);
        all += used;
        s->reply_whole = fed != SMTP_FED_MORE;
        if (fed == SMTP_FED_READY)
            hear_reply(s);
        else if (fed != SMTP_FED_MORE)
            hear_broken(s, fed);
    }
    return all;
}

bool smtp_session_takes(const struct smtp_session *s)
{
    /* At most the end of one mail is unanswered, or an RSET. */
    return s->next == STEP_IDLE && !s->quitting && s->n_results == 0 &&
           s->n_unanswered <= 1 && may_go_on(s);
}

void smtp_session_send(struct smtp_session *s, const struct smtp_message *m)
{
    struct smtp_result refusal;

    if (!smtp_session_takes(s))
        BUG("the session takes no mail now");
    if (m->data_len > 0 &&
        (m->data_len < 2 || memcmp(m->data + m->data_len - 2, "\r\n", 2) != 0))
        BUG("a message that does not end in CRLF");
    if (smtp_fit_refuses(s, m, &refusal)) {
        s->results[s->n_results++] = refusal;
        return;
    }
    s->mail = &s->mails[s->n_mails++ % SMTP_SESSION_MAILS];
    *s->mail = (struct smtp_mail){
        .message = *m,
        .behind = s->n_unanswered > 0,
        .chunk = smtp_look_offers(s, SMTP_CAP_CHUNKING) && !s->no_bdat &&
                 m->data_len > 0 &&
                 !smtp_say_has_stuffing(m->data, m->data_len)};
    turn(s, STEP_MAIL);
    speak(s);
}

void smtp_session_quit(struct smtp_session *s)
{
    s->quitting = true;
    speak(s);
}

void smtp_session_secured(struct smtp_session *s)
{
    if (smtp_session_waits(s) != STEP_HANDSHAKE)
        BUG("a handshake that nobody waits for");
    s->secure = true;
    s->offer = (struct smtp_offer){0};
    smtp_reply_start(&s->parser);
    s->reply_whole = false;
    turn(s, STEP_EHLO);
    speak(s);
}

void smtp_session_init(struct smtp_session *s, const char *ehlo_name)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < SMTP_SESSION_MAILS; i++)
        s->mails[i].settled = true;
    s->mail = s->mails;
    snprintf(s->ehlo_name, sizeof s->ehlo_name, "%s", ehlo_name);
    smtp_said_init(&s->said);
    smtp_reply_start(&s->parser);
    turn(s, STEP_GREETING);
    speak(s);
}
