#include "cli/sink/command.h"
#include "cli/sink/login.h"
#include "cli/sink/message.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void sink_say(struct sink_talk *talk, const char *reply)
{
    buf_add_text(&talk->out, reply);
    buf_add(&talk->out, "\r\n", 2);
    talk->replies++;
    if (strncmp(reply, "421", 3) == 0)
        talk->state = SINK_OVER;
}

static void say_bad(struct sink_talk *talk, const char *reply)
{
    sink_say(talk, reply);
    if (++talk->bad >= SINK_BAD_MAX)
        sink_say(talk, "421 4.7.0 too many errors");
}

void sink_talk_reset(struct sink_talk *talk)
{
    const struct sink_ears *ears = &talk->manners->ears;
    if (talk->in_mail && ears->forget)
        ears->forget(talk->owner);
    talk->in_mail = false;
    talk->utf8 = false;
    talk->too_big = false;
    talk->recipients_n = 0;
    talk->size_bytes = 0;
    buf_reset(&talk->recipients);
    buf_reset(&talk->mail_parameters);
}

static void settle(struct sink_talk *talk, const char *recipient,
                   enum sink_deed deed)
{
    talk->manners->ears.settled(talk->owner, talk->sender, recipient, 0, deed);
}

static void do_helo(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    (void)now_ms;
    if (!*rest) {
        say_bad(talk, "501 5.5.4 a domain is expected");
        return;
    }
    sink_talk_reset(talk);
    talk->greeted = true;
    buf_addf(&talk->out, "250 %s\r\n", talk->manners->hostname);
    talk->replies++;
}

/* What is offered on request only. */
static void offer_more(struct sink_talk *talk)
{
    const struct sink_manners *manners = talk->manners;
    if (manners->chunking)
        buf_add_text(&talk->out, "250-CHUNKING\r\n");
    if (manners->dsn)
        buf_add_text(&talk->out, "250-DSN\r\n");
    if (manners->mailmax)
        buf_addf(&talk->out, "250-LIMITS MAILMAX=%" PRId64 "\r\n",
                 manners->mailmax);
    if (manners->starttls && !talk->secure)
        buf_add_text(&talk->out, "250-STARTTLS\r\n");
    if (manners->auth && (talk->secure || !manners->tls_required))
        buf_add_text(&talk->out, "250-AUTH PLAIN LOGIN XOAUTH2\r\n");
    if (talk->secure && !manners->no_requiretls)
        buf_add_text(&talk->out, "250-REQUIRETLS\r\n");
}

static void do_ehlo(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    const struct sink_manners *manners = talk->manners;
    if (manners->no_ehlo) {
        say_bad(talk, "500 5.5.1 unknown command");
        return;
    }
    if (!*rest) {
        do_helo(talk, rest, now_ms);
        return;
    }
    sink_talk_reset(talk);
    talk->greeted = true;
    buf_addf(&talk->out, "250-%s\r\n250-SIZE %zu\r\n", manners->hostname,
             manners->size_max);
    if (!manners->no_pipelining)
        buf_add_text(&talk->out, "250-PIPELINING\r\n");
    if (!manners->no_8bitmime)
        buf_add_text(&talk->out, "250-8BITMIME\r\n");
    if (!manners->no_smtputf8)
        buf_add_text(&talk->out, "250-SMTPUTF8\r\n");
    offer_more(talk);
    buf_add_text(&talk->out, "250 ENHANCEDSTATUSCODES\r\n");
    talk->replies++;
}

/*
 * "<" [mailbox] ">" *(SP parameter)         RFC 5321, 4.1.2
 * A quoted local part may hold '>' and spaces. Source routes are refused.
 * Returns the text behind '>' or NULL; the address is copied to out.
 */
static char *parse_path(char *s, char out[static SINK_ADDRESS_MAX])
{
    while (*s == ' ')
        s++;
    if (*s++ != '<' || *s == '@')
        return NULL;
    bool quoted = false;
    size_t n = 0;
    for (; *s && (quoted || *s != '>'); s++) {
        unsigned char c = (unsigned char)*s;
        if (c < ' ' || c == 127 || (c == ' ' && !quoted))
            return NULL;
        if (c == '"')
            quoted = !quoted;
        if (n + 2 >= SINK_ADDRESS_MAX)
            return NULL;
        out[n++] = *s;
        if (quoted && c == '\\' && s[1] && s[1] >= ' ')
            out[n++] = *++s;
    }
    if (*s != '>' || (s[1] && s[1] != ' '))
        return NULL;
    out[n] = '\0';
    return s + 1;
}

/* NULL, or the reply to an address that is neither ASCII nor, where SMTPUTF8
 * was asked for, UTF-8 (RFC 6531, 3.3). */
static const char *refuse_bytes(const struct sink_talk *talk, const char *s)
{
    size_t len = strlen(s);
    bool ascii = true;
    for (size_t i = 0; i < len; i++)
        ascii = ascii && (unsigned char)s[i] <= 127;
    if (!ascii && !talk->utf8)
        return "553 5.6.7 SMTPUTF8 is needed for this address";
    return utf8_check(s, len) == len ? NULL : "501 5.5.2 not UTF-8";
}

/* One that shows in the envelope. */
static bool is_shown(const struct sink_talk *talk, const char *word)
{
    if (talk->secure && strcasecmp(word, "REQUIRETLS") == 0)
        return !talk->manners->no_requiretls;
    return talk->manners->dsn && (strcasecmp(word, "RET=FULL") == 0 ||
                                  strcasecmp(word, "RET=HDRS") == 0 ||
                                  strncasecmp(word, "ENVID=", 6) == 0);
}

/* NULL, or the reply to a parameter that is wrong. */
static const char *take_parameter(struct sink_talk *talk, const char *word)
{
    const struct sink_manners *manners = talk->manners;
    if (strncasecmp(word, "SIZE=", 5) == 0) {
        char *end;
        unsigned long long size = strtoull(word + 5, &end, 10);
        if (*end || word[5] < '0' || word[5] > '9')
            return "501 5.5.4 SIZE is a number";
        return size > manners->size_max ? "552 5.3.4 message too big" : NULL;
    }
    if (!manners->no_8bitmime && !manners->false_8bitmime &&
        (strcasecmp(word, "BODY=7BIT") == 0 ||
         strcasecmp(word, "BODY=8BITMIME") == 0))
        return NULL;
    bool utf8 = !manners->no_smtputf8 && strcasecmp(word, "SMTPUTF8") == 0;

    talk->utf8 |= utf8;
    if (utf8 || is_shown(talk, word)) {
        if (talk->mail_parameters.len > 0)
            buf_add_char(&talk->mail_parameters, ' ');
        buf_add_text(&talk->mail_parameters, word);
        return NULL;
    }
    return "555 5.5.4 unknown parameter";
}

static const char *take_parameters(struct sink_talk *talk, char *rest)
{
    for (char *word; (word = strsep(&rest, " "));) {
        const char *wrong = *word ? take_parameter(talk, word) : NULL;
        if (wrong)
            return wrong;
    }
    return NULL;
}

static void start_mail(struct sink_talk *talk, int64_t now_ms)
{
    const struct sink_rule *rule = sink_rules_match(
        talk->manners->rules, SINK_AT_MAIL, talk->sender, "", now_ms);
    if (rule) {
        settle(talk, "", rule->deed);
        sink_say(talk, rule->reply);
        return;
    }
    talk->in_mail = true;
    sink_say(talk, "250 2.1.0 ok");
}

static void do_mail(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    const struct sink_manners *manners = talk->manners;
    if (!talk->greeted || talk->in_mail) {
        say_bad(talk, talk->in_mail ? "503 5.5.1 one mail at a time"
                                    : "503 5.5.1 EHLO first");
        return;
    }
    if (manners->tls_required && !talk->secure) {
        say_bad(talk, "530 5.7.0 STARTTLS first");
        return;
    }
    if (manners->auth && !talk->logged_in) {
        say_bad(talk, "530 5.7.0 AUTH first");
        return;
    }
    if (manners->mails_max && talk->mails >= manners->mails_max) {
        sink_say(talk, "421 4.7.0 enough mails for one connection");
        return;
    }
    if (strncasecmp(rest, "FROM:", 5) != 0 ||
        !(rest = parse_path(rest + 5, talk->sender))) {
        say_bad(talk, "501 5.1.7 MAIL FROM:<address> is expected");
        return;
    }
    sink_talk_reset(talk);
    const char *wrong = take_parameters(talk, rest);
    if (!wrong)
        wrong = refuse_bytes(talk, talk->sender);
    if (wrong)
        say_bad(talk, wrong);
    else
        start_mail(talk, now_ms);
}

static void take_recipient(struct sink_talk *talk, const char *recipient,
                           const char *parameters, int64_t now_ms)
{
    if (talk->recipients_n == SINK_RECIPIENTS_MAX) {
        settle(talk, recipient, SINK_DEFERRED);
        sink_say(talk, "452 4.5.3 too many recipients");
        return;
    }
    const struct sink_rule *rule = sink_rules_match(
        talk->manners->rules, SINK_AT_RCPT, talk->sender, recipient, now_ms);
    if (rule) {
        settle(talk, recipient, rule->deed);
        sink_say(talk, rule->reply);
        return;
    }
    buf_add(&talk->recipients, recipient, strlen(recipient) + 1);
    buf_add(&talk->recipients, parameters, strlen(parameters) + 1);
    talk->recipients_n++;
    sink_say(talk, "250 2.1.5 ok");
}

/* RFC 3461, 4.1; the words are not looked at. */
static bool is_notify(const char *rest)
{
    return strncasecmp(rest, " NOTIFY=", 8) == 0 && !strchr(rest + 1, ' ');
}

static void do_rcpt(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    char recipient[SINK_ADDRESS_MAX];
    const char *wrong = NULL;
    if (!talk->in_mail)
        wrong = "503 5.5.1 MAIL first";
    else if (strncasecmp(rest, "TO:", 3) != 0 ||
             !(rest = parse_path(rest + 3, recipient)) || !*recipient)
        wrong = "501 5.1.3 RCPT TO:<address> is expected";
    else if (strspn(rest, " ") != strlen(rest) &&
             !(talk->manners->dsn && is_notify(rest)))
        wrong = "555 5.5.4 unknown parameter";
    else
        wrong = refuse_bytes(talk, recipient);
    if (wrong)
        say_bad(talk, wrong);
    else
        take_recipient(talk, recipient, rest + strspn(rest, " "), now_ms);
}

static void do_data(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    if (*rest)
        say_bad(talk, "501 5.5.4 DATA stands alone");
    else if (!talk->in_mail)
        say_bad(talk, "503 5.5.1 MAIL first");
    else if (talk->recipients_n == 0)
        sink_say(talk, "554 5.5.1 no valid recipients");
    else
        sink_message_start(talk, now_ms);
}

/* BDAT size [LAST]: RFC 3030, 2. What can't be obeyed is read nevertheless. */
static void do_bdat(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    char *end;
    unsigned long long size = strtoull(rest, &end, 10);
    bool last = strcasecmp(end, " LAST") == 0;
    (void)now_ms;
    if (!talk->manners->chunking)
        say_bad(talk, "500 5.5.1 unknown command");
    else if (*rest < '0' || *rest > '9' || (*end && !last) ||
             size > SINK_CHUNK_MAX)
        sink_talk_end(talk, "421 5.5.4 BDAT SIZE [LAST] is expected");
    else
        sink_message_chunk(talk, (size_t)size, last, now_ms);
}

static void do_starttls(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    (void)now_ms;
    if (!talk->manners->starttls || talk->secure) {
        say_bad(talk, "502 5.5.1 not offered");
    } else if (*rest) {
        say_bad(talk, "501 5.5.4 STARTTLS stands alone");
    } else {
        sink_say(talk, "220 2.0.0 go ahead");
        talk->state = SINK_TLS;
    }
}

static void do_auth(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    (void)now_ms;
    if (!talk->manners->auth || talk->logged_in || talk->in_mail)
        say_bad(talk, "503 5.5.1 not now");
    else
        sink_login_start(talk, rest);
}

static void do_rset(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    (void)rest;
    (void)now_ms;
    sink_talk_reset(talk);
    sink_say(talk, "250 2.0.0 ok");
}

static void do_noop(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    (void)rest;
    (void)now_ms;
    sink_say(talk, "250 2.0.0 ok");
}

static void do_vrfy(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    (void)rest;
    (void)now_ms;
    sink_say(talk, "252 2.5.0 send mail and see");
}

static void do_quit(struct sink_talk *talk, char *rest, int64_t now_ms)
{
    (void)rest;
    (void)now_ms;
    sink_talk_reset(talk);
    sink_say(talk, "221 2.0.0 bye");
    talk->state = SINK_OVER;
}

static const struct {
    char verb[9];
    void (*obey)(struct sink_talk *talk, char *rest, int64_t now_ms);
} commands[] = {
    {"MAIL", do_mail}, {"RCPT", do_rcpt}, {"DATA", do_data},
    {"EHLO", do_ehlo}, {"HELO", do_helo}, {"RSET", do_rset},
    {"NOOP", do_noop}, {"VRFY", do_vrfy}, {"QUIT", do_quit},
    {"BDAT", do_bdat}, {"AUTH", do_auth}, {"STARTTLS", do_starttls},
};

void sink_command(struct sink_talk *talk, char *line, int64_t now_ms)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t len = strlen(commands[i].verb);
        if (strncasecmp(line, commands[i].verb, len) != 0 ||
            (line[len] && line[len] != ' '))
            continue;
        char *rest = line + len;
        commands[i].obey(talk, rest + strspn(rest, " "), now_ms);
        return;
    }
    say_bad(talk, "500 5.5.1 unknown command");
}
