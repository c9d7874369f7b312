/* presort mailboxes: where bounces are fetched from, by POP3 or IMAP. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/fault.h"
#include "cli/mailboxes.sql.h"
#include "oauth/request.h"
#include "queue/db.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "mailboxes add NAME --url URL | --preset NAME  --user USER\n"
    "                             --password-file FILE | --token-command "
    "COMMAND |\n"
    "                             --token-url URL --client-id ID\n"
    "                             [--client-secret file:PATH|env:NAME]\n"
    "                             --refresh-token file:PATH|env:NAME "
    "[--scope TEXT]\n"
    "                             [--done delete|leave|FOLDER] [--ca-file "
    "FILE]\n"
    "       presort mailboxes list\n"
    "       presort mailboxes test NAME\n"
    "       presort mailboxes remove NAME\n"
    "       presort mailboxes presets";

static const char more[] =
    "URL: imaps://HOST[:PORT][/FOLDER], imap:// (STARTTLS), pop3s:// or "
    "pop3:// (STLS).\nTLS is required with each. The password is the first "
    "line of FILE; COMMAND prints an\nOAuth 2 token; URL gives one for "
    "the refresh token. All are read by presort-inbound,\nas its user, at each "
    "login.\nWhat was understood is "
    "deleted, left, or moved to FOLDER; the rest stays.";

/* Services whose names are known; a user and a secret are still wanted. */
static const struct {
    const char *name, *url, *note;
} presets[] = {
    {"gmail", "imaps://imap.gmail.com",
     "an app password, or a token with scope https://mail.google.com/"},
    {"gmail-pop3", "pop3s://pop.gmail.com", "POP has to be switched on"},
    {"microsoft365", "imaps://outlook.office365.com", "a token only"},
    {"yahoo", "imaps://imap.mail.yahoo.com", "an app password"},
    {"icloud", "imaps://imap.mail.me.com", "an app password"},
    {"fastmail", "imaps://imap.fastmail.com", "an app password"},
};

struct options {
    const char *url, *user, *password_file, *token_command, *done, *ca_file;
    const char *token_url, *client_id, *client_secret, *refresh_token, *scope;
};

static const char *preset_url(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(presets[i].name, name) == 0)
            return presets[i].url;
    return NULL;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"url", required_argument, NULL, 'u'},
        {"preset", required_argument, NULL, 'p'},
        {"user", required_argument, NULL, 'n'},
        {"password-file", required_argument, NULL, 'f'},
        {"token-command", required_argument, NULL, 't'},
        {"done", required_argument, NULL, 'd'},
        {"ca-file", required_argument, NULL, 'c'},
        {"token-url", required_argument, NULL, 'U'},
        {"client-id", required_argument, NULL, 'C'},
        {"client-secret", required_argument, NULL, 'S'},
        {"refresh-token", required_argument, NULL, 'R'},
        {"scope", required_argument, NULL, 'O'},
        {0}};
    int c;

    *o = (struct options){.url = "",
                          .user = "",
                          .password_file = "",
                          .token_command = "",
                          .done = "delete",
                          .ca_file = "",
                          .token_url = "",
                          .client_id = "",
                          .client_secret = "",
                          .refresh_token = "",
                          .scope = ""};
    while ((c = cli_option(argc, argv, known)) != -1) {
        switch (c) {
        case 'u': o->url = optarg; break;
        case 'p': o->url = preset_url(optarg); break;
        case 'n': o->user = optarg; break;
        case 'f': o->password_file = optarg; break;
        case 't': o->token_command = optarg; break;
        case 'd': o->done = optarg; break;
        case 'c': o->ca_file = optarg; break;
        case 'U': o->token_url = optarg; break;
        case 'C': o->client_id = optarg; break;
        case 'S': o->client_secret = optarg; break;
        case 'R': o->refresh_token = optarg; break;
        case 'O': o->scope = optarg; break;
        default: return false;
        }
        if (!o->url) {
            cli_fail("no preset \"%s\": `presort mailboxes presets`", optarg);
            return false;
        }
    }
    return true;
}

/* NULL, or what is wrong. The same as presort-inbound would say, but now. */
static const char *check(const struct options *o)
{
    bool imap = strncmp(o->url, "imap://", 7) == 0 ||
                strncmp(o->url, "imaps://", 8) == 0;
    bool pop3 = strncmp(o->url, "pop3://", 7) == 0 ||
                strncmp(o->url, "pop3s://", 8) == 0;

    if (!imap && !pop3)
        return "--url: imaps://HOST, imap://HOST, pop3s://HOST or pop3://HOST";
    if (strpbrk(o->url, "@;?# \r\n"))
        return "--url: only a host, a port and a folder; the user is --user";
    if (!*o->user)
        return "--user is missing";
    if (!*o->password_file + !*o->token_command + !*o->token_url != 2)
        return "one of --password-file, --token-command and --token-url";
    if (!*o->token_url &&
        (*o->client_id || *o->client_secret || *o->refresh_token || *o->scope))
        return "--client-id, --client-secret, --refresh-token and --scope go "
               "with --token-url";
    if (*o->password_file && *o->password_file != '/')
        return "--password-file: a path from /";
    if (!*o->done || strpbrk(o->done, "\r\n"))
        return "--done: delete, leave or a folder";
    if (pop3 && strcmp(o->done, "delete") != 0 && strcmp(o->done, "leave") != 0)
        return "--done: POP3 has no folders: delete or leave";
    return NULL;
}

static int check_tokens(const struct options *o)
{
    const struct oauth_settings tokens = {o->token_url, o->client_id,
                                          o->client_secret, o->refresh_token,
                                          o->scope};
    struct egress_fault fault;
    struct error err;
    const char *field;

    if (oauth_settings_check(&tokens, &field, &err) == STATUS_OK)
        return EXIT_DONE;
    (void)egress_wrong(&fault, field, "%s", err.text);
    return cli_fault(&fault, "");
}

static int add(PGconn *conn, int argc, char **argv)
{
    struct options o;
    struct error err;

    if (!read_options(argc, argv, &o))
        return EXIT_USAGE;
    if (optind != argc - 1)
        return cli_usage("mailboxes add: one NAME");
    const char *wrong = check(&o);

    if (wrong)
        return cli_usage("mailboxes add: %s", wrong);
    if (*o.token_url && check_tokens(&o) != EXIT_DONE)
        return EXIT_USAGE;
    const char *params[] = {argv[optind],    o.url,           o.user,
                            o.password_file, o.token_command, o.done,
                            o.ca_file,       o.token_url,     o.client_id,
                            o.client_secret, o.refresh_token, o.scope};
    DB_RESULT *r = db_query(conn, &err, SQL_MAILBOXES_ADD, 12, params);

    if (!r)
        return cli_fail("mailboxes add: %s", err.text);
    printf("%s is fetched from within seconds; `presort mailboxes test %s` "
           "logs in now\n",
           argv[optind], argv[optind]);
    return EXIT_DONE;
}

static int list(PGconn *conn, int argc, char **argv)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_MAILBOXES_LIST, 0, NULL);

    (void)argc;
    (void)argv;
    if (!r)
        return cli_fail("mailboxes: %s", err.text);
    for (int i = 0; i < PQntuples(r); i++)
        printf("%s\n    %s as %s, %s, then %s\n    %s messages; last at %s: "
               "%s\n",
               PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), PQgetvalue(r, i, 2),
               PQgetvalue(r, i, 3), PQgetvalue(r, i, 4), PQgetvalue(r, i, 5),
               PQgetvalue(r, i, 6), PQgetvalue(r, i, 7));
    return EXIT_DONE;
}

static int remove_one(PGconn *conn, int argc, char **argv)
{
    struct error err;
    const char *name[] = {argc == 2 ? argv[1] : ""};

    if (argc != 2)
        return cli_usage("mailboxes remove: one NAME");
    DB_RESULT *r = db_query(conn, &err, SQL_MAILBOXES_REMOVE, 1, name);

    if (!r)
        return cli_fail("mailboxes: %s", err.text);
    return PQntuples(r) ? EXIT_DONE : cli_fail("no mailbox %s", name[0]);
}

/* It is presort-inbound that speaks with mailboxes. */
static int test(PGconn *conn, int argc, char **argv)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);

    (void)conn;
    if (argc != 2)
        return cli_usage("mailboxes test: one NAME");
    if (n <= 0)
        return cli_fail("/proc/self/exe can't be read");
    path[n] = '\0';
    snprintf(strrchr(path, '/') + 1, 32, "presort-inbound");
    execl(path, "presort-inbound", "--test", argv[1], (char *)NULL);
    return cli_fail("%s: %s", path, strerror(errno));
}

static int print_presets(PGconn *conn, int argc, char **argv)
{
    (void)conn;
    (void)argc;
    (void)argv;
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        printf("%-14s %-34s %s\n", presets[i].name, presets[i].url,
               presets[i].note);
    return EXIT_DONE;
}

int command_mailboxes(int argc, char **argv)
{
    static const struct {
        const char *word;
        int (*run)(PGconn *conn, int argc, char **argv);
    } verbs[] = {{"add", add},
                 {"list", list},
                 {"test", test},
                 {"remove", remove_one},
                 {"presets", print_presets}};
    static const char *const words[] = {"add", "list", "test", "remove",
                                        "presets"};
    struct config config;
    int status;

    if (argc < 2 || argv[1][0] == '-')
        return cli_help(argc, argv, usage, more);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].word) != 0)
            continue;
        if (!cli_config(&config))
            return EXIT_FAILED;
        PGconn *conn = cli_database(&config);
        status = conn ? verbs[i].run(conn, argc - 1, argv + 1) : EXIT_FAILED;
        PQfinish(conn);
        config_fini(&config);
        return status;
    }
    return cli_unknown("mailboxes", argv[1], words,
                       sizeof words / sizeof *words);
}
