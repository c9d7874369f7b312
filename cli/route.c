/* presort route, presort relay: how mail leaves. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/fault.h"
#include "cli/route.sql.h"
#include "base/nearest.h"
#include "base/servers.h"
#include "egress/relay.h"
#include "egress/route.h"
#include "engine/egress/egress.sql.h"
#include "mail/address.h"
#include "queue/db.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char route_usage[] =
    "usage: presort route default direct|sandbox|RELAY [--fallback RELAY]\n"
    "                         [--pool NAME]\n"
    "       presort route add --via direct|sandbox|RELAY [--fallback RELAY]\n"
    "                         [--pool NAME]\n"
    "                         [--from DOMAIN] [--to DOMAIN]\n"
    "                         [--class transactional|campaign]\n"
    "                         [--project NAME] [--place N]\n"
    "       presort route list\n"
    "       presort route remove ID|default\n"
    "       presort route test ADDRESS --from ADDRESS [--project NAME]\n"
    "                         [--class transactional|campaign]\n"
    "                         [--via direct|sandbox|RELAY] [--dry]\n\n"
    "The first route that matches counts, lower places before higher ones; "
    "where none\ndoes, the setting `relay`. A DOMAIN is example.com, or "
    "*.example.com for all below\nit. Workers follow a change at once.\n\ntest "
    "sends one mail by the way that a "
    "real one would take, and shows every word that\nis said. --via: as if a "
    "route said so; --dry: it connects to nobody.";

static const char relay_usage[] =
    "usage: presort relay add NAME SERVERS [--tls none|opportunistic|required|"
    "verified]\n"
    "                         [--login auto|plain|login|scram-sha-256|"
    "xoauth2]\n"
    "                         [--user NAME] [--secret file:PATH|env:NAME|"
    "command:LINE]\n"
    "                         [--token-url URL --client-id ID\n"
    "                          [--client-secret file:PATH|env:NAME]\n"
    "                          --refresh-token file:PATH|env:NAME [--scope "
    "TEXT]]\n"
    "       presort relay list\n"
    "       presort relay remove NAME\n"
    "       presort relay presets\n\n"
    "SERVERS is a list, separated by commas, of HOST:PORT, smtp://HOST, "
    "submission://HOST\nand smtps://HOST, each with *WEIGHT if wanted; or the "
    "name of a preset. The secret\nstays where --secret says; the engine reads "
    "it there. With --token-url, in place of\n--secret, it gets OAuth 2 tokens "
    "there for the refresh token, and logs in by XOAUTH2.";

struct options {
    const char *words[3]; /* verb, and what it is about */
    int n;
    const char *via, *fallback, *pool, *from, *to, *class, *project, *place;
    const char *tls, *login, *user, *secret;
    bool dry;
    const char *token_url, *client_id, *client_secret, *refresh_token, *scope;
};

static int options_read(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {{"via", 1, NULL, 'v'},
                                          {"fallback", 1, NULL, 'b'},
                                          {"pool", 1, NULL, 'P'},
                                          {"from", 1, NULL, 'f'},
                                          {"to", 1, NULL, 't'},
                                          {"class", 1, NULL, 'c'},
                                          {"project", 1, NULL, 'p'},
                                          {"place", 1, NULL, 'n'},
                                          {"tls", 1, NULL, 'T'},
                                          {"login", 1, NULL, 'l'},
                                          {"user", 1, NULL, 'u'},
                                          {"secret", 1, NULL, 's'},
                                          {"dry", 0, NULL, 'd'},
                                          {"token-url", 1, NULL, 'U'},
                                          {"client-id", 1, NULL, 'C'},
                                          {"client-secret", 1, NULL, 'S'},
                                          {"refresh-token", 1, NULL, 'R'},
                                          {"scope", 1, NULL, 'O'},
                                          {0}};
    int c;

    while ((c = cli_option(argc, argv, known)) != -1)
        switch (c) {
        case 'v': o->via = optarg; break;
        case 'b': o->fallback = optarg; break;
        case 'P': o->pool = optarg; break;
        case 'f': o->from = optarg; break;
        case 't': o->to = optarg; break;
        case 'c': o->class = optarg; break;
        case 'p': o->project = optarg; break;
        case 'n': o->place = optarg; break;
        case 'T': o->tls = optarg; break;
        case 'l': o->login = optarg; break;
        case 'u': o->user = optarg; break;
        case 's': o->secret = optarg; break;
        case 'd': o->dry = true; break;
        case 'U': o->token_url = optarg; break;
        case 'C': o->client_id = optarg; break;
        case 'S': o->client_secret = optarg; break;
        case 'R': o->refresh_token = optarg; break;
        case 'O': o->scope = optarg; break;
        default: return EXIT_USAGE;
        }
    for (; optind < argc; optind++) {
        if (o->n == 3)
            return cli_usage("too many words: %s", argv[optind]);
        o->words[o->n++] = argv[optind];
    }
    return EXIT_DONE;
}

/* A statement that returns a row, or nothing where there is nothing to do. */
static int change(PGconn *conn, const char *sql, int n,
                  const char *const *params, const char *done,
                  const char *nothing)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, sql, n, params);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        return cli_fail("%s", nothing);
    printf("%s %s\n", done, PQgetvalue(r, 0, 0));
    return EXIT_DONE;
}

/* ---- route ---- */

/* What it names has to be there. most: of routes, NULL if none is added. */
static int check_route(PGconn *conn, struct egress_route *route,
                       const char *words, const char *most)
{
    struct egress_fault fault;

    if (!egress_route_check(route, &fault))
        return cli_fault(&fault, words);
    const char *params[] = {route->via, route->fallback, route->pool,
                            route->project, most};

    return cli_fault_asked(conn, SQL_EGRESS_ROUTE_FAULT, 5, params, words);
}

static int route_default(PGconn *conn, const struct options *o)
{
    struct egress_route route = {
        .via = o->words[1], .fallback = o->fallback, .pool = o->pool};
    const char *params[] = {route.via, route.fallback, route.pool};

    if (!o->words[1])
        return cli_usage("usage: presort route default direct|sandbox|RELAY");
    int result = check_route(conn, &route, "via", NULL);

    return result == EXIT_DONE
               ? change(conn, SQL_EGRESS_ROUTE_DEFAULT, 3, params, "route", "")
               : result;
}

static int route_add(PGconn *conn, const struct options *o)
{
    struct egress_route route = {
        .place = EGRESS_PLACE_STANDARD,
        .project = o->project,
        .class = o->class,
        .from = o->from,
        .to = o->to,
        .via = o->via,
        .fallback = o->fallback,
        .pool = o->pool,
    };
    struct egress_fault fault;
    char place[24], most[24];

    if (!o->via)
        return cli_usage("--via is wanted: direct, sandbox or a relay");
    if (o->place && !egress_place_parse(o->place, &route.place, &fault))
        return cli_fault(&fault, "");
    snprintf(most, sizeof most, "%d", EGRESS_ROUTES_MAX);
    int result = check_route(conn, &route, "", most);

    if (result != EXIT_DONE)
        return result;
    snprintf(place, sizeof place, "%lld", (long long)route.place);
    const char *params[] = {place,          route.project, route.class,
                            route.from,     route.to,      route.via,
                            route.fallback, route.pool};

    return change(conn, SQL_EGRESS_ROUTE_ADD, 8, params, "route", "");
}

static int route_list(PGconn *conn, const struct options *o)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_EGRESS_ROUTE_LIST, 0, NULL);

    (void)o;
    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        puts("no routes: the setting `relay` applies to all mail");
    for (int i = 0; i < PQntuples(r); i++)
        printf("%s  place=%s  project=%s  class=%s  from=%s  to=%s  %s\n",
               PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), PQgetvalue(r, i, 2),
               PQgetvalue(r, i, 3), PQgetvalue(r, i, 4), PQgetvalue(r, i, 5),
               PQgetvalue(r, i, 6));
    return EXIT_DONE;
}

static int route_remove(PGconn *conn, const struct options *o)
{
    const char *params[] = {o->words[1]};

    if (!o->words[1])
        return cli_usage("usage: presort route remove ID|default");
    return change(conn, SQL_EGRESS_ROUTE_REMOVE, 1, params, "removed",
                  "no such route");
}

/* As the table has it; NULL: any. */
static bool read_class(const struct options *o, const char **class)
{
    *class = NULL;
    if (!o->class)
        return true;
    *class = strcmp(o->class, "transactional") == 0 ? "0"
             : strcmp(o->class, "campaign") == 0    ? "1"
                                                    : NULL;
    return *class != NULL;
}

static int check_address(const char *what, const char *text)
{
    struct address address;
    struct error err;

    if (address_parse_spec(text, strlen(text), &address, &err) == STATUS_OK)
        return EXIT_DONE;
    return cli_usage("%s: %s: %s", what, text, err.text);
}

/* It is presort-engine that knows the ways of mail. */
static int run_trial(const struct options *o, const char *project,
                     const char *class)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);

    if (n <= 0)
        return cli_fail("/proc/self/exe can't be read");
    path[n] = '\0';
    snprintf(strrchr(path, '/') + 1, 32, "presort-engine");
    execl(path, "presort-engine", "--trial", "--to", o->words[1], "--from",
          o->from, "--project", project, "--class", class,
          o->via ? "--via" : "--class", o->via ? o->via : class,
          o->dry ? "--dry" : NULL, (char *)NULL);
    return cli_fail("%s: %s", path, strerror(errno));
}

static int route_test(PGconn *conn, const struct options *o)
{
    const char *class, *project[] = {o->project ? o->project : "default"};
    struct error err;

    if (!o->words[1] || !o->from)
        return cli_usage("usage: presort route test ADDRESS --from ADDRESS");
    if (check_address("ADDRESS", o->words[1]) != EXIT_DONE ||
        check_address("--from", o->from) != EXIT_DONE)
        return EXIT_USAGE;
    if (!read_class(o, &class))
        return cli_usage("--class is transactional or campaign");
    DB_RESULT *r = db_query(conn, &err, SQL_ROUTE_PROJECT, 1, project);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        return cli_fail("no project \"%s\"", project[0]);
    return run_trial(o, PQgetvalue(r, 0, 0), class ? class : "0");
}

/* ---- relay ---- */

/* Limits of its provider, where these are known and nobody has said any. */
static int limit_relay(PGconn *conn, const struct egress_relay *relay)
{
    const char *limits = egress_relay_limits(relay->servers);
    const char *params[] = {relay->name, limits};
    struct error err;

    if (!limits)
        return EXIT_DONE;
    DB_RESULT *r =
        db_query(conn, &err, SQL_EGRESS_RELAY_STANDARD_LIMITS, 2, params);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) > 0)
        printf("its limits: %s (presort limits set relay %s changes them)\n",
               limits, relay->name);
    return EXIT_DONE;
}

static int put_relay(PGconn *conn, const struct egress_relay *r)
{
    const char *plain[] = {r->name, r->servers, r->tls, r->login,
                           r->user, r->secret,  "true"};
    const char *tokens[] = {
        r->name,          r->servers,   r->tls,       r->login,
        r->user,          r->token_url, r->client_id, r->client_secret,
        r->refresh_token, r->scope,     "true"};

    return r->token_url
               ? change(conn, SQL_EGRESS_RELAY_PUT_TOKENS, 11, tokens, "relay",
                        "")
               : change(conn, SQL_EGRESS_RELAY_PUT, 7, plain, "relay", "");
}

static int check_preset(const char *word)
{
    enum { PRESETS_MAX = 64 };
    const char *names[PRESETS_MAX];
    size_t n;
    const struct server_preset *presets = servers_presets(&n);

    n = n < PRESETS_MAX ? n : PRESETS_MAX;
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i] = presets[i].name, word) == 0)
            return EXIT_DONE;
    const char *meant = nearest_word(word, names, n);
    return cli_usage("%s is neither HOST:PORT nor a preset%s%s%s", word,
                     meant ? ", did you mean "
                           : ": see `presort relay presets`",
                     meant ? meant : "", meant ? "?" : "");
}

/* The engines may run elsewhere, or as another user: so it is no error. */
static void warn_of_secret(const char *place)
{
    static const char file[] = "file:";
    const size_t len = sizeof file - 1;

    if (place && strncmp(place, file, len) == 0 && access(place + len, F_OK))
        fprintf(stderr,
                "presort: warning: %s: %s; mail waits until it is "
                "there\n",
                place + len, strerror(errno));
}

static int relay_add(PGconn *conn, const struct options *o)
{
    struct egress_relay relay = {.name = o->words[1],
                                 .servers = o->words[2],
                                 .tls = o->tls,
                                 .login = o->login,
                                 .user = o->user,
                                 .secret = o->secret,
                                 .token_url = o->token_url,
                                 .client_id = o->client_id,
                                 .client_secret = o->client_secret,
                                 .refresh_token = o->refresh_token,
                                 .scope = o->scope};
    struct egress_fault fault;
    char most[24];
    const char *asked[] = {relay.name, most};

    if (!o->words[2])
        return cli_usage("usage: presort relay add NAME SERVERS");
    if (!strchr(relay.servers, ':')) {
        int known = check_preset(relay.servers);

        if (known != EXIT_DONE)
            return known;
    }
    if (!egress_relay_check(&relay, &fault))
        return cli_fault(&fault, "name servers");
    snprintf(most, sizeof most, "%d", EGRESS_RELAYS_MAX);
    int result =
        cli_fault_asked(conn, SQL_EGRESS_RELAY_FAULT, 2, asked, "name servers");

    if (result == EXIT_DONE)
        result = put_relay(conn, &relay);
    if (result == EXIT_DONE) {
        warn_of_secret(relay.secret);
        warn_of_secret(relay.client_secret);
        warn_of_secret(relay.refresh_token);
    }
    return result == EXIT_DONE ? limit_relay(conn, &relay) : result;
}

static int relay_list(PGconn *conn, const struct options *o)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_EGRESS_RELAY_LIST, 0, NULL);

    (void)o;
    if (!r)
        return cli_fail("%s", err.text);
    for (int i = 0; i < PQntuples(r); i++)
        printf("%s  %s  tls=%s  login=%s  user=%s  secret=%s%s\n",
               PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), PQgetvalue(r, i, 2),
               PQgetvalue(r, i, 3), PQgetvalue(r, i, 4), PQgetvalue(r, i, 5),
               PQgetvalue(r, i, 6));
    return EXIT_DONE;
}

static int relay_remove(PGconn *conn, const struct options *o)
{
    const char *params[] = {o->words[1]};

    if (!o->words[1])
        return cli_usage("usage: presort relay remove NAME");
    int result =
        cli_fault_asked(conn, SQL_EGRESS_RELAY_IN_USE, 1, params, "name");

    return result == EXIT_DONE ? change(conn, SQL_EGRESS_RELAY_REMOVE, 1,
                                        params, "removed", "no such relay")
                               : result;
}

static int relay_presets(PGconn *conn, const struct options *o)
{
    size_t n;
    const struct server_preset *presets = servers_presets(&n);

    (void)conn, (void)o;
    for (size_t i = 0; i < n; i++)
        printf("%-22s %s%s%s\n", presets[i].name, presets[i].limits,
               *presets[i].limits ? "; " : "", presets[i].note);
    return EXIT_DONE;
}

/* ---- Both ---- */

struct verb {
    const char *name;
    int (*run)(PGconn *conn, const struct options *o);
};

enum { VERBS_MAX = 8 };

static int run(const struct verb *verb, const struct options *o)
{
    struct config config;
    int result = EXIT_FAILED;

    if (verb->run == relay_presets)
        return relay_presets(NULL, o);
    if (!cli_config(&config))
        return EXIT_FAILED;
    PGconn *conn = cli_database(&config);

    if (conn)
        result = verb->run(conn, o);
    PQfinish(conn);
    config_fini(&config);
    return result;
}

static int dispatch(const struct verb *verbs, size_t n, const char *usage,
                    int argc, char **argv)
{
    const char *names[VERBS_MAX];
    struct options o = {0};

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        puts(usage);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    int result = options_read(argc, argv, &o);

    if (result != EXIT_DONE)
        return result;
    for (size_t i = 0; i < n; i++) {
        if (o.words[0] && strcmp(o.words[0], verbs[i].name) == 0)
            return run(&verbs[i], &o);
        names[i] = verbs[i].name;
    }
    return cli_unknown(argv[0], o.words[0] ? o.words[0] : "", names, n);
}

int command_route(int argc, char **argv)
{
    static const struct verb verbs[] = {{"default", route_default},
                                        {"add", route_add},
                                        {"list", route_list},
                                        {"remove", route_remove},
                                        {"test", route_test}};

    return dispatch(verbs, 5, route_usage, argc, argv);
}

int command_relay(int argc, char **argv)
{
    static const struct verb verbs[] = {{"add", relay_add},
                                        {"list", relay_list},
                                        {"remove", relay_remove},
                                        {"presets", relay_presets}};

    return dispatch(verbs, 4, relay_usage, argc, argv);
}
