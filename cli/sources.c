/* presort sources: the addresses that mail leaves from. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/fault.h"
#include "egress/source.h"
#include "engine/egress/egress.sql.h"
#include "queue/db.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: presort sources add ADDRESS --ehlo NAME --pool POOL\n"
    "                           [--warm-up now|YYYY-MM-DD]\n"
    "       presort sources list\n"
    "       presort sources pause|resume|remove ADDRESS\n"
    "       presort sources warm ADDRESS\n\n"
    "Addresses of this machine, in pools that routes name (presort route add "
    "--pool). Each\nsite's mail leaves from one of its pool, the same as long "
    "as it can be used; NAME is\nsaid in EHLO there. A site that blames an "
    "address gets its mail from another one. --warm-up:\non its first days a "
    "provider gets few mails from it (setting warmup_schedule). warm\nends "
    "that. list: address, name, pool, state, and who blames it.";

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

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
        switch (c) {
        case 'e': o->ehlo = optarg; break;
        case 'p': o->pool = optarg; break;
        case 'w': o->warm = optarg; break;
        default: return cli_usage("see `presort sources --help`");
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

static int list(PGconn *conn, const struct options *o)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_EGRESS_SOURCE_LIST, 0, NULL);

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

static int add(PGconn *conn, const struct options *o)
{
    const struct egress_source source = {o->words[1], o->ehlo, o->pool,
                                         o->warm};
    struct egress_fault fault;
    char in_pool[24], in_all[24];
    const char *asked[] = {source.address, source.pool, in_pool, in_all};
    const char *params[] = {source.address, source.ehlo, source.pool,
                            source.warm_up, "true"};

    if (!o->ehlo || !o->pool)
        return cli_usage("--ehlo and --pool are wanted");
    if (!egress_source_check(&source, &fault))
        return cli_fault(&fault, "address");
    snprintf(in_pool, sizeof in_pool, "%d", EGRESS_POOL_MAX);
    snprintf(in_all, sizeof in_all, "%d", EGRESS_SOURCES_MAX);
    int result =
        cli_fault_asked(conn, SQL_EGRESS_SOURCE_FAULT, 4, asked, "address");

    return result == EXIT_DONE
               ? change(conn, SQL_EGRESS_SOURCE_PUT, 5, params, "source")
               : result;
}

static int turn(PGconn *conn, const struct options *o)
{
    bool on = strcmp(o->words[0], "resume") == 0;
    const char *params[] = {o->words[1], on ? "true" : "false"};

    return change(conn, SQL_EGRESS_SOURCE_ENABLE, 2, params,
                  on ? "resumed" : "paused");
}

static int warm(PGconn *conn, const struct options *o)
{
    return change(conn, SQL_EGRESS_SOURCE_WARM, 1, &o->words[1], "warm");
}

static int remove_one(PGconn *conn, const struct options *o)
{
    int result = cli_fault_asked(conn, SQL_EGRESS_SOURCE_IN_USE, 1,
                                 &o->words[1], "address");

    return result == EXIT_DONE ? change(conn, SQL_EGRESS_SOURCE_REMOVE, 1,
                                        &o->words[1], "removed")
                               : result;
}

static const struct verb {
    const char *name;
    int words;
    int (*run)(PGconn *conn, const struct options *o);
} verbs[] = {{"list", 1, list},   {"add", 2, add},   {"pause", 2, turn},
             {"resume", 2, turn}, {"warm", 2, warm}, {"remove", 2, remove_one}};
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
        result = verb->run(conn, o);
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
