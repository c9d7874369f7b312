#include "inbound/command.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void talk_say(struct talk *talk, const char *reply)
{
    buf_add_text(&talk->out, reply);
    buf_add(&talk->out, "\r\n", 2);
    if (strncmp(reply, "421", 3) == 0)
        talk->state = TALK_OVER;
}

void talk_say_bad(struct talk *talk, const char *reply)
{
    talk_say(talk, reply);
    if (++talk->bad >= TALK_BAD_MAX && talk->state != TALK_OVER)
        talk_say(talk, "421 4.7.0 too many errors");
}

void talk_reset(struct talk *talk)
{
    talk->in_mail = false;
    talk->too_big = false;
    talk->recipient[0] = '\0';
    talk->size_bytes = 0;
    buf_reset(&talk->message);
}

static void do_helo(struct talk *talk, char *rest)
{
    if (!*rest) {
        talk_say_bad(talk, "501 5.5.4 a domain is expected");
        return;
    }
    talk_reset(talk);
    talk->greeted = true;
    buf_addf(&talk->out, "250 %s\r\n", talk->manners->hostname);
}

static void do_ehlo(struct talk *talk, char *rest)
{
    if (!*rest) {
        talk_say_bad(talk, "501 5.5.4 a domain is expected");
        return;
    }
    talk_reset(talk);
    talk->greeted = true;
    buf_addf(&talk->out,
             "250-%s\r\n250-SIZE %zu\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
             "250-SMTPUTF8\r\n",
             talk->manners->hostname, talk->manners->size_max);
    if (talk->manners->starttls && !talk->secure)
        buf_add_text(&talk->out, "250-STARTTLS\r\n");
    buf_add_text(&talk->out, "250 ENHANCEDSTATUSCODES\r\n");
}

static void do_starttls(struct talk *talk, char *rest)
{
    if (!talk->manners->starttls || talk->secure) {
        talk_say_bad(talk, "502 5.5.1 STARTTLS is not offered");
    } else if (*rest) {
        talk_say_bad(talk, "501 5.5.4 STARTTLS stands alone");
    } else {
        talk_say(talk, "220 2.0.0 go ahead");
        talk->state = TALK_TLS;
    }
}

/*
 * "<" [mailbox] ">" *(SP parameter)         RFC 5321, 4.1.2
 * A quoted local part may hold '>' and spaces. Source routes are refused.
 * Returns the text behind '>' or NULL; the address is copied to out.
 */
static char *parse_path(char *s, char out[static TALK_ADDRESS_MAX])
{
    bool quoted = false;
    size_t n = 0;

    while (*s == ' ')
        s++;
    if (*s++ != '<' || *s == '@')
        return NULL;
    for (; *s && (quoted || *s != '>'); s++) {
        unsigned char c = (unsigned char)*s;
        if (c < ' ' || c == 127 || (c == ' ' && !quoted))
            return NULL;
        if (c == '"')
            quoted = !quoted;
        if (n + 2 >= TALK_ADDRESS_MAX)
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

/* NULL, or the reply to a parameter that is wrong. */
static const char *check_parameter(const struct talk *talk, const char *word)
{
    char *end;

    if (strncasecmp(word, "SIZE=", 5) == 0) {
        unsigned long long size = strtoull(word + 5, &end, 10);
        if (*end || word[5] < '0' || word[5] > '9')
            return "501 5.5.4 SIZE is a number";
        return size > talk->manners->size_max ? "552 5.3.4 message too big"
                                              : NULL;
    }
    if (strcasecmp(word, "BODY=7BIT") == 0 ||
        strcasecmp(word, "BODY=8BITMIME") == 0 ||
        strcasecmp(word, "SMTPUTF8") == 0)
        return NULL;
    return "555 5.5.4 unknown parameter";
}

static const char *check_parameters(const struct talk *talk, char *rest)
{
    for (char *word; (word = strsep(&rest, " "));) {
        const char *wrong = *word ? check_parameter(talk, word) : NULL;
        if (wrong)
            return wrong;
    }
    return NULL;
}

/* Whoever sends is not looked at: a bounce comes from nobody, a complaint or
 * a vacation note from anybody. */
static void do_mail(struct talk *talk, char *rest)
{
    char sender[TALK_ADDRESS_MAX];
    const char *wrong = NULL;

    if (!talk->greeted)
        wrong = "503 5.5.1 EHLO first";
    else if (talk->in_mail)
        wrong = "503 5.5.1 one mail at a time";
    else if (strncasecmp(rest, "FROM:", 5) != 0 ||
             !(rest = parse_path(rest + 5, sender)))
        wrong = "501 5.1.7 MAIL FROM:<address> is expected";
    else
        wrong = check_parameters(talk, rest);
    if (wrong) {
        talk_say_bad(talk, wrong);
    } else if (talk->messages >= TALK_MESSAGES_MAX) {
        talk_say(talk, "421 4.7.0 enough mails for one connection");
    } else if (!talk->manners->may_bring(talk->owner)) {
        talk_say(talk, "451 4.7.1 too many mails from you: try later");
    } else {
        talk_reset(talk);
        talk->in_mail = true;
        talk_say(talk, "250 2.1.0 ok");
    }
}

/* The reply to an address that can be read. */
static const char *refuse(const struct talk *talk, const char *address)
{
    switch (inbound_address_match(talk->manners->addresses, address)) {
    case INBOUND_TAKEN: return NULL;
    case INBOUND_NO_DOMAIN: return "550 5.7.1 nothing is relayed here";
    case INBOUND_NO_NAME: return "550 5.1.1 no such address";
    }
    return "550 5.1.1 no such address";
}

static void do_rcpt(struct talk *talk, char *rest)
{
    char address[TALK_ADDRESS_MAX];
    const char *wrong = NULL;

    if (!talk->in_mail)
        wrong = "503 5.5.1 MAIL first";
    else if (strncasecmp(rest, "TO:", 3) != 0 ||
             !(rest = parse_path(rest + 3, address)) || !*address)
        wrong = "501 5.1.3 RCPT TO:<address> is expected";
    else if (strspn(rest, " ") != strlen(rest))
        wrong = "555 5.5.4 unknown parameter";
    else
        wrong = refuse(talk, address);
    if (wrong) {
        talk_say_bad(talk, wrong);
    } else if (talk->recipient[0]) {
        talk_say(talk, "452 4.5.3 one recipient at a time");
    } else {
        memcpy(talk->recipient, address, strlen(address) + 1);
        talk_say(talk, "250 2.1.5 ok");
    }
}

static void do_data(struct talk *talk, char *rest)
{
    if (*rest) {
        talk_say_bad(talk, "501 5.5.4 DATA stands alone");
    } else if (!talk->in_mail) {
        talk_say_bad(talk, "503 5.5.1 MAIL first");
    } else if (!talk->recipient[0]) {
        talk_say_bad(talk, "554 5.5.1 no valid recipients");
    } else {
        talk->state = TALK_BODY;
        talk->line_start = true;
        talk->after_cr = false;
        buf_addf(&talk->message, "Delivered-To: %s\r\n", talk->recipient);
        talk_say(talk, "354 go ahead");
    }
}

static void do_rset(struct talk *talk, char *rest)
{
    (void)rest;
    talk_reset(talk);
    talk_say(talk, "250 2.0.0 ok");
}

static void do_noop(struct talk *talk, char *rest)
{
    (void)rest;
    talk_say(talk, "250 2.0.0 ok");
}

static void do_vrfy(struct talk *talk, char *rest)
{
    (void)rest;
    talk_say(talk, "252 2.5.0 send mail and see");
}

static void do_quit(struct talk *talk, char *rest)
{
    (void)rest;
    talk_reset(talk);
    talk_say(talk, "221 2.0.0 bye");
    talk->state = TALK_OVER;
}

static const struct {
    const char *verb;
    void (*obey)(struct talk *talk, char *rest);
} commands[] = {
    {"MAIL", do_mail}, {"RCPT", do_rcpt},         {"DATA", do_data},
    {"EHLO", do_ehlo}, {"HELO", do_helo},         {"RSET", do_rset},
    {"NOOP", do_noop}, {"STARTTLS", do_starttls}, {"VRFY", do_vrfy},
    {"QUIT", do_quit},
};

/* A browser can be made to send these: nothing that follows is SMTP. */
static bool is_http(const char *line)
{
    static const char *const verbs[] = {"GET ", "POST ", "PUT ", "HEAD ",
                                        "CONNECT "};

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strncmp(line, verbs[i], strlen(verbs[i])) == 0)
            return true;
    return false;
}

void talk_command(struct talk *talk, char *line)
{
    if (is_http(line) || ++talk->commands > TALK_COMMANDS_MAX) {
        talk_say(talk, "421 4.7.0 this is no way to talk here");
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t len = strlen(commands[i].verb);
        if (strncasecmp(line, commands[i].verb, len) != 0 ||
            (line[len] && line[len] != ' '))
            continue;
        char *rest = line + len;
        commands[i].obey(talk, rest + strspn(rest, " "));
        return;
    }
    talk_say_bad(talk, "500 5.5.1 unknown command");
}
