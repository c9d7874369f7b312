#include "cli/sink/options.h"
#include "base/nearest.h"
#include "base/net.h"
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum option_kind {
    OPTION_FLAG,
    OPTION_NUMBER,
    OPTION_TEXT,
    OPTION_ADDRESS,
    OPTION_RULE,
};

#define AT(member) offsetof(struct sink_options, member)

static enum status add_refuse(struct sink_rules *rules, const char *text,
                              struct error *err)
{
    return sink_rules_add(rules, SINK_REFUSED, text, err);
}

static enum status add_defer(struct sink_rules *rules, const char *text,
                             struct error *err)
{
    return sink_rules_add(rules, SINK_DEFERRED, text, err);
}

static enum status add_before(struct sink_rules *rules, const char *text,
                              struct error *err)
{
    return sink_rules_add_drop(rules, SINK_DROPPED, SINK_AT_DATA, text, err);
}

static enum status add_after(struct sink_rules *rules, const char *text,
                             struct error *err)
{
    return sink_rules_add_drop(rules, SINK_DROPPED_ACCEPTED, SINK_AT_DOT, text,
                               err);
}

static enum status add_lose(struct sink_rules *rules, const char *text,
                            struct error *err)
{
    return sink_rules_add_drop(rules, SINK_DROPPED, SINK_AT_DOT, text, err);
}

static const struct sink_option {
    const char *name, *value, *meaning;
    enum option_kind kind;
    size_t at;
    int64_t least, most;
    enum status (*add)(struct sink_rules *, const char *, struct error *);
} table[] = {
    {"listen", "HOST:PORT", "where to listen (127.0.0.1:2525); port 0: any",
     OPTION_ADDRESS, AT(listen), 0, 0, NULL},
    {"stats", "HOST:PORT", "answer HTTP: / totals, /recipients copies of each",
     OPTION_ADDRESS, AT(stats), 0, 0, NULL},
    {"maildir", "DIR", "keep messages, the envelope in lines on top",
     OPTION_TEXT, AT(maildir), 0, 0, NULL},
    {"log", "FILE",
     "append a line for each recipient:\n"
     "time_ms, sender, recipient, bytes, deed; by tabs",
     OPTION_TEXT, AT(log), 0, 0, NULL},
    {"track", NULL, "count the copies that each recipient got", OPTION_FLAG,
     AT(track), 0, 0, NULL},
    {"hostname", "NAME", "name in the greeting (sink.localhost)", OPTION_TEXT,
     AT(hostname), 0, 0, NULL},
    {"size", "BYTES", "largest message (50 MB)", OPTION_NUMBER, AT(size_max), 1,
     INT64_C(1) << 30, NULL},
    {"max-connections", "N", "more at once are answered 421 (10000)",
     OPTION_NUMBER, AT(connections_max), 1, 100000, NULL},
    {"timeout", "SECONDS", "silent clients are answered 421 (300)",
     OPTION_NUMBER, AT(timeout_seconds), 1, 86400, NULL},
    {"refuse", "RULE", "answer 5xx", OPTION_RULE, 0, 0, 0, add_refuse},
    {"defer", "RULE", "answer 4xx", OPTION_RULE, 0, 0, 0, add_defer},
    {"greylist", "SECONDS[,PATTERN]",
     "defer each pair of sender and recipient for so long", OPTION_RULE, 0, 0,
     0, sink_rules_add_greylist},
    {"drop-before-dot", "WHO", "close in place of the reply to DATA",
     OPTION_RULE, 0, 0, 0, add_before},
    {"drop-after-dot", "WHO", "take and count the mail, but close unanswered",
     OPTION_RULE, 0, 0, 0, add_after},
    {"lose-after-dot", "WHO", "read the mail, forget it and close unanswered",
     OPTION_RULE, 0, 0, 0, add_lose},
    {"421-after", "N", "end a connection when a mail follows the Nth",
     OPTION_NUMBER, AT(mails_max), 1, INT64_MAX, NULL},
    {"slow", "MS", "wait so long before each reply", OPTION_NUMBER, AT(slow_ms),
     1, 600000, NULL},
    {"no-pipelining", NULL, "don't offer it, and answer it with 421",
     OPTION_FLAG, AT(no_pipelining), 0, 0, NULL},
    {"no-8bitmime", NULL, "don't offer it", OPTION_FLAG, AT(no_8bitmime), 0, 0,
     NULL},
    {"false-8bitmime", NULL, "offer it, and refuse mail that makes use of it",
     OPTION_FLAG, AT(false_8bitmime), 0, 0, NULL},
    {"no-smtputf8", NULL, "don't offer it", OPTION_FLAG, AT(no_smtputf8), 0, 0,
     NULL},
    {"no-requiretls", NULL, "don't offer it", OPTION_FLAG, AT(no_requiretls), 0,
     0, NULL},
    {"no-ehlo", NULL, "know only HELO", OPTION_FLAG, AT(no_ehlo), 0, 0, NULL},
    {"starttls", NULL, "offer it", OPTION_FLAG, AT(starttls), 0, 0, NULL},
    {"tls", NULL, "speak TLS from the first byte on", OPTION_FLAG, AT(tls), 0,
     0, NULL},
    {"tls-required", NULL, "refuse mail in clear", OPTION_FLAG,
     AT(tls_required), 0, 0, NULL},
    {"tls-cert", "FILE", "certificate, PEM (one made at start, for --hostname)",
     OPTION_TEXT, AT(tls_cert), 0, 0, NULL},
    {"tls-key", "FILE", "its key (in the same file)", OPTION_TEXT, AT(tls_key),
     0, 0, NULL},
    {"auth", "USER:PASSWORD",
     "refuse mail without this login (PLAIN, LOGIN;\n"
     "XOAUTH2: the password is the token)",
     OPTION_TEXT, AT(auth), 0, 0, NULL},
    {"chunking", NULL, "offer it: mails come by BDAT", OPTION_FLAG,
     AT(chunking), 0, 0, NULL},
    {"dsn", NULL, "offer it", OPTION_FLAG, AT(dsn), 0, 0, NULL},
    {"mailmax", "N", "offer it as a limit (RFC 9422)", OPTION_NUMBER,
     AT(mailmax), 1, INT64_MAX, NULL},
    {"help", NULL, "print this", OPTION_FLAG, AT(help), 0, 0, NULL},
};
enum { OPTIONS = sizeof table / sizeof *table };

static void print_option(FILE *out, const struct sink_option *option)
{
    int used =
        fprintf(out, "  --%s%s%s", option->name, option->value ? " " : "",
                option->value ? option->value : "");
    const char *line = option->meaning;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
        fprintf(out, "%*s%.*s\n", 32 - used, "", (int)(end - line), line);
        used = 0;
    }
    fprintf(out, "%*s%s\n", used < 32 ? 32 - used : 1, "", line);
}

void sink_options_help(FILE *out)
{
    fputs("usage: presort sink [options]\n\n"
          "An SMTP server that accepts everything, and misbehaves on "
          "request.\n\n",
          out);
    for (size_t i = 0; i < OPTIONS; i++)
        print_option(out, &table[i]);
    fputs("\n"
          "WHO is PATTERN[=SHARE][+TIMES]: a shell pattern for the recipient, "
          "the part of\n"
          "the matching addresses that it is about (0.25 or 25%, always the "
          "same ones),\n"
          "and how often it applies to each. RULE is WHO[@STEP][:REPLY] with "
          "STEP mail (the\n"
          "pattern is for the sender), rcpt, data or dot; a REPLY of 421 also "
          "ends the\n"
          "connection. Options that take WHO or RULE may be repeated; the "
          "first that\n"
          "applies wins. SIGUSR1 prints the totals as JSON.\n",
          out);
}

static enum status parse_number(const struct sink_option *option,
                                const char *text, int64_t *value,
                                struct error *err)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < option->least || n > option->most)
        return fail(err, STATUS_INVALID,
                    "--%s %s: a number from %lld to %lld "
                    "is expected",
                    option->name, text, (long long)option->least,
                    (long long)option->most);
    *value = n;
    return STATUS_OK;
}

/* The host is an IP address or localhost: nothing is looked up. */
static enum status parse_address(const char *name, const char *text,
                                 struct sockaddr_storage *out,
                                 struct error *err)
{
    struct net_address address;
    struct error why;
    enum status status = net_parse(text, &address, &why);
    if (status != STATUS_OK)
        return fail(err, status, "--%s: %s", name, why.text);
    bool local = strcmp(address.host, "localhost") == 0;
    const char *ip = local ? "127.0.0.1" : address.host;
    void *any = out;
    if (uv_ip4_addr(ip, address.port, any) == 0 ||
        uv_ip6_addr(ip, address.port, any) == 0)
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "--%s: %s is not an IP address", name,
                address.host);
}

static enum status take(struct sink_options *options,
                        const struct sink_option *option, const char *text,
                        struct error *err)
{
    char *member = (char *)options + option->at;
    void *any = member;
    struct error why = {0};
    enum status status;
    switch (option->kind) {
    case OPTION_FLAG: *(bool *)any = true; return STATUS_OK;
    case OPTION_TEXT: *(const char **)any = text; return STATUS_OK;
    case OPTION_NUMBER: return parse_number(option, text, any, err);
    case OPTION_ADDRESS: return parse_address(option->name, text, any, err);
    case OPTION_RULE:
        status = option->add(&options->rules, text, &why);
        return status == STATUS_OK
                   ? status
                   : fail(err, status, "--%s %s", option->name, why.text);
    }
    return STATUS_OK;
}

/* word is `--name` or `--name=value`. */
static enum status unknown(const char *word, struct error *err)
{
    const char *known[OPTIONS], *meant = NULL;
    char name[NEAREST_WORD_MAX + 1];

    for (size_t i = 0; i < OPTIONS; i++)
        known[i] = table[i].name;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    if (strncmp(name, "--", 2) == 0)
        meant = nearest_word(name + 2, known, OPTIONS);
    return meant ? fail(err, STATUS_INVALID,
                        "%s: unknown option, did you mean --%s?", name, meant)
                 : fail(err, STATUS_INVALID, "%s: unknown option", name);
}

static enum status parse_all(struct sink_options *options, int argc,
                             char **argv, struct error *err)
{
    struct option names[OPTIONS + 1] = {0};
    for (size_t i = 0; i < OPTIONS; i++)
        names[i] = (struct option){.name = table[i].name,
                                   .has_arg = table[i].value ? required_argument
                                                             : no_argument,
                                   .val = 0};
    optind = 1;
    opterr = 0;
    for (int got, which = 0;
         (got = getopt_long(argc, argv, ":", names, &which)) != -1;) {
        if (got == ':')
            return fail(err, STATUS_INVALID, "%s: a value is missing",
                        argv[optind - 1]);
        if (got != 0)
            return unknown(argv[optind - 1], err);
        enum status status = take(options, &table[which], optarg, err);
        if (status != STATUS_OK)
            return status;
    }
    if (optind < argc)
        return fail(err, STATUS_INVALID, "%s: an option is expected",
                    argv[optind]);
    return STATUS_OK;
}

enum status sink_options_parse(struct sink_options *options, int argc,
                               char **argv, struct error *err)
{
    *options = (struct sink_options){.hostname = "sink.localhost",
                                     .size_max = 50 << 20,
                                     .connections_max = 10000,
                                     .timeout_seconds = 300};
    enum status status =
        parse_address("listen", "127.0.0.1:2525", &options->listen, err);
    if (status == STATUS_OK)
        status = parse_all(options, argc, argv, err);
    if (status != STATUS_OK)
        sink_options_fini(options);
    return status;
}

void sink_options_fini(struct sink_options *options)
{
    sink_rules_fini(&options->rules);
}
