/* presort sources: the addresses that mail leaves from. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/fault.h"
#include "egress/here.h"
#include "egress/source.h"
#include "egress/warmup.h"
#include "engine/egress/egress.sql.h"
#include "queue/db.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: presort sources add ADDRESS --ehlo NAME --pool POOL\n"
    "                           [--warm-up now|YYYY-MM-DD]\n"
    "       presort sources list\n"
    "       presort sources show ADDRESS\n"
    "       presort sources pause|resume|remove ADDRESS\n"
    "       presort sources warm ADDRESS\n\n"
    "Addresses of this machine, in pools that routes name (presort route add "
    "--pool). Each\nsite's mail leaves from one of its pool, the same as long "
    "as it can be used; NAME is\nsaid in EHLO there. A site that blames an "
    "address gets its mail from another one. --warm-up:\non its first days a "
    "provider gets few mails from it (setting warmup_schedule). warm\nends "
    "that. list: address, name, pool, state, and who blames it. show: all "
    "of\none, with what came of its mails today.";

struct options {
    const char *words[2];
    int n;
    const char *ehlo, *pool, *warm;
};

static int options_read(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {{"ehlo", 1, NULL, 'e'},
                                          {"pool", 1, NULL, 'p'},
                                          {"warm-up", 1, NULL, 'w'},
                                          {0}};
    int c;

    while ((c = cli_option(argc, argv, known)) != -1)
        switch (c) {
        case 'e': o->ehlo = optarg; break;
        case 'p': o->pool = optarg; break;
        case 'w': o->warm = optarg; break;
        default: return EXIT_USAGE;
        }
    for (; optind < argc; optind++) {
        if (o->n == 2)
            return cli_usage("\"%s\" is too much", argv[optind]);
        o->words[o->n++] = argv[optind];
    }
    return EXIT_DONE;
}

static int change(PGconn *conn, const char *sql, int n,
                  const char *const *params, const char *done)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, sql, n, params);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        return cli_fail("there is no source %s", params[0]);
    printf("%s %s\n", done, PQgetvalue(r, 0, 0));
    return EXIT_DONE;
}

static int list(PGconn *conn, const struct config *config,
                const struct options *o)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_EGRESS_SOURCE_LIST, 0, NULL);

    (void)config;
    (void)o;
    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        puts("no sources: mail leaves from where the system has it leave");
    for (int i = 0; i < PQntuples(r); i++)
        printf("%s  %s  pool=%s  %s  blamed by %s\n", PQgetvalue(r, i, 0),
               PQgetvalue(r, i, 1), PQgetvalue(r, i, 2), PQgetvalue(r, i, 3),
               PQgetvalue(r, i, 4));
    return EXIT_DONE;
}

/* ---- One ---- */

enum show_column {
    SHOW_ADDRESS,
    SHOW_EHLO,
    SHOW_POOL,
    SHOW_ENABLED,
    SHOW_WARM_FROM,
    SHOW_WARM_DAY,
    SHOW_WARMS_LATER,
    SHOW_ROUTES,
    SHOW_LIMITS,
};

static const char *cell(const PGresult *r, enum show_column column)
{
    return PQgetvalue(r, 0, (int)column);
}

static bool yes(const PGresult *r, enum show_column column)
{
    return *cell(r, column) == 't';
}

static void print_warm_up(const PGresult *r, const char *schedule)
{
    int day = (int)strtol(cell(r, SHOW_WARM_DAY), NULL, 10);
    int64_t mails = warmup_per_day(schedule, day);

    if (day == 0)
        puts("warm-up: none, it is warm");
    else if (mails == 0)
        printf("warm-up: over: day %d, its schedule has fewer\n", day);
    else
        printf("warm-up: %s %s, day %d: %" PRId64 " mails to each provider\n",
               yes(r, SHOW_WARMS_LATER) ? "begins on" : "since",
               cell(r, SHOW_WARM_FROM), day, mails);
}

static void print_source(const PGresult *r, const char *schedule)
{
    const char *routes = cell(r, SHOW_ROUTES), *limits = cell(r, SHOW_LIMITS);
    struct sockaddr_storage address;
    socklen_t len;
    int error = egress_address(cell(r, SHOW_ADDRESS), &address, &len)
                    ? egress_here(&address, len)
                    : EADDRNOTAVAIL;

    printf("address: %s, %s\n", cell(r, SHOW_ADDRESS),
           error ? strerror(error) : "of this machine");
    printf("name:    %s, said in EHLO\n", cell(r, SHOW_EHLO));
    printf("pool:    %s, used by %s%s\n", cell(r, SHOW_POOL),
           *routes ? "route " : "no route", routes);
    printf("state:   %s\n", yes(r, SHOW_ENABLED) ? "in use" : "paused");
    print_warm_up(r, schedule);
    printf("limits:  %s\n", *limits ? limits : "none of its own");
}

/* What takes long to count is left out, rather than waited for. */
static void print_today(PGconn *conn, const char *address)
{
    struct error err;
    DB_RESULT *limit =
        db_query(conn, &err, "SET statement_timeout = '10s'", 0, NULL);
    DB_RESULT *r =
        limit ? db_query(conn, &err, SQL_EGRESS_SOURCE_TODAY, 1, &address)
              : NULL;

    if (!r)
        printf("today:   not known: %s\n", err.text);
    else
        printf("today:   %s\n",
               *PQgetvalue(r, 0, 0) ? PQgetvalue(r, 0, 0) : "no mail");
}

static int show(PGconn *conn, const struct config *config,
                const struct options *o)
{
    const char *address = o->words[1];
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_EGRESS_SOURCE_SHOW, 1, &address);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        return cli_fail("there is no source %s", address);
    DB_RESULT *blame =
        db_query(conn, &err, SQL_EGRESS_SOURCE_BLAME, 1, &address);

    if (!blame)
        return cli_fail("%s", err.text);
    print_source(r, config->warmup_schedule);
    if (PQntuples(blame) == 0)
        puts("blamed:  by nobody");
    for (int i = 0; i < PQntuples(blame); i++)
        printf("blamed:  by %s until %s UTC\n", PQgetvalue(blame, i, 0),
               PQgetvalue(blame, i, 1));
    print_today(conn, address);
    return EXIT_DONE;
}

/* ---- Changed ---- */

/* It may be one of another machine that shares the database. */
static void warn_of_another_machine(const char *text)
{
    struct sockaddr_storage address;
    socklen_t len;
    int error =
        egress_address(text, &address, &len) ? egress_here(&address, len) : 0;

    if (error)
        fprintf(stderr, "presort: warning: no mail leaves from %s here: %s\n",
                text, strerror(error));
}

static int add(PGconn *conn, const struct config *config,
               const struct options *o)
{
    const struct egress_source source = {o->words[1], o->ehlo, o->pool,
                                         o->warm};
    struct egress_fault fault;
    char in_pool[24], in_all[24];
    const char *asked[] = {source.address, source.pool, in_pool, in_all};
    const char *params[] = {source.address, source.ehlo, source.pool,
                            source.warm_up, "true"};

    (void)config;
    if (!o->ehlo || !o->pool)
        return cli_usage("--ehlo and --pool are wanted");
    if (!egress_source_check(&source, &fault))
        return cli_fault(&fault, "address");
    snprintf(in_pool, sizeof in_pool, "%d", EGRESS_POOL_MAX);
    snprintf(in_all, sizeof in_all, "%d", EGRESS_SOURCES_MAX);
    int result =
        cli_fault_asked(conn, SQL_EGRESS_SOURCE_FAULT, 4, asked, "address");

    if (result == EXIT_DONE)
        result = change(conn, SQL_EGRESS_SOURCE_PUT, 5, params, "source");
    if (result == EXIT_DONE)
        warn_of_another_machine(source.address);
    return result;
}

static int turn(PGconn *conn, const struct config *config,
                const struct options *o)
{
    (void)config;
    bool on = strcmp(o->words[0], "resume") == 0;
    const char *params[] = {o->words[1], on ? "true" : "false"};

    return change(conn, SQL_EGRESS_SOURCE_ENABLE, 2, params,
                  on ? "resumed" : "paused");
}

static int warm(PGconn *conn, const struct config *config,
                const struct options *o)
{
    (void)config;
    return change(conn, SQL_EGRESS_SOURCE_WARM, 1, &o->words[1], "warm");
}

static int remove_one(PGconn *conn, const struct config *config,
                      const struct options *o)
{
    (void)config;
    int result = cli_fault_asked(conn, SQL_EGRESS_SOURCE_IN_USE, 1,
                                 &o->words[1], "address");

    return result == EXIT_DONE ? change(conn, SQL_EGRESS_SOURCE_REMOVE, 1,
                                        &o->words[1], "removed")
                               : result;
}

static const struct verb {
    const char *name;
    int words;
    int (*run)(PGconn *conn, const struct config *config,
               const struct options *o);
} verbs[] = {{"list", 1, list},        {"show", 2, show},   {"add", 2, add},
             {"pause", 2, turn},       {"resume", 2, turn}, {"warm", 2, warm},
             {"remove", 2, remove_one}};
enum { VERBS = sizeof verbs / sizeof *verbs };

static int run(const struct verb *verb, const struct options *o)
{
    struct config config;
    int result = EXIT_FAILED;

    if (o->n != verb->words)
        return cli_usage("sources %s: %s", verb->name,
                         o->n > verb->words ? "too many words"
                                            : "which address?");
    if (verb->words == 2 && !egress_is_address(o->words[1]))
        return cli_usage("%s is no IP address", o->words[1]);
    if (!cli_config(&config))
        return EXIT_FAILED;
    PGconn *conn = cli_database(&config);

    if (conn)
        result = verb->run(conn, &config, o);
    PQfinish(conn);
    config_fini(&config);
    return result;
}

int command_sources(int argc, char **argv)
{
    const char *names[VERBS];
    struct options o = {0};

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        puts(usage);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    int result = options_read(argc, argv, &o);

    if (result != EXIT_DONE)
        return result;
    for (size_t i = 0; i < VERBS; i++) {
        if (o.n > 0 && strcmp(o.words[0], verbs[i].name) == 0)
            return run(&verbs[i], &o);
        names[i] = verbs[i].name;
    }
    return cli_unknown("sources", o.n ? o.words[0] : "", names, VERBS);
}
