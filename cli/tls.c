/* presort tls: what recipients' domains must at least speak. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/tls.sql.h"
#include "mail/domain.h"
#include "queue/db.h"
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: presort tls set DOMAIN none|opportunistic|required|verified\n"
    "       presort tls remove DOMAIN\n"
    "       presort tls list\n"
    "       presort tls policies\n\n"
    "What mail to a domain takes of TLS, where it goes to the domain's own "
    "servers. A DOMAIN\nis example.com, or *.example.com for all below it. "
    "none and opportunistic are the\nlast word; to required and verified, DANE "
    "and MTA-STS may add. Without a rule, the\nsetting `tls_policy`. policies "
    "lists the MTA-STS policies that are in force.";

/* "example.com" or "*.example.com". */
static enum status pattern_of(const char *text, char out[DOMAIN_MAX + 2],
                              struct error *err)
{
    size_t star = strncmp(text, "*.", 2) == 0 ? 2 : 0;

    memcpy(out, "*.", star);
    return domain_ascii(text + star, out + star, err);
}

static int change(PGconn *conn, const char *sql, int argc, char **argv,
                  const char *done)
{
    char domain[DOMAIN_MAX + 2];
    const char *params[] = {domain, argc > 2 ? argv[2] : NULL};
    struct error err;

    if (pattern_of(argv[1], domain, &err) != STATUS_OK)
        return cli_usage("%s: %s", argv[1], err.text);
    DB_RESULT *r = db_query(conn, &err, sql, argc - 1, params);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        return cli_fail("there is no rule for %s", domain);
    printf("%s %s\n", done, domain);
    return EXIT_DONE;
}

static int set(PGconn *conn, int argc, char **argv)
{
    static const char *const levels[] = {"none", "opportunistic", "required",
                                         "verified"};

    for (size_t i = 0; argc == 3 && i < sizeof levels / sizeof *levels; i++)
        if (strcmp(argv[2], levels[i]) == 0)
            return change(conn, SQL_TLS_SET, argc, argv, "set");
    return cli_usage("usage: presort tls set DOMAIN "
                     "none|opportunistic|required|verified");
}

static int remove_(PGconn *conn, int argc, char **argv)
{
    if (argc != 2)
        return cli_usage("usage: presort tls remove DOMAIN");
    return change(conn, SQL_TLS_REMOVE, argc, argv, "removed");
}

static int print(PGconn *conn, const char *sql, const char *none)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, sql, 0, NULL);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        puts(none);
    for (int row = 0; row < PQntuples(r); row++)
        for (int i = 0; i < PQnfields(r); i++)
            printf("%s%s", PQgetvalue(r, row, i),
                   i + 1 < PQnfields(r) ? "  " : "\n");
    return EXIT_DONE;
}

static int list(PGconn *conn, int argc, char **argv)
{
    (void)argc, (void)argv;
    return print(conn, SQL_TLS_LIST, "no rules: the setting tls_policy counts");
}

static int policies(PGconn *conn, int argc, char **argv)
{
    (void)argc, (void)argv;
    return print(conn, SQL_TLS_POLICIES, "no MTA-STS policy is in force");
}

static const struct verb {
    const char *name;
    int (*run)(PGconn *conn, int argc, char **argv);
} verbs[] = {
    {"set", set}, {"remove", remove_}, {"list", list}, {"policies", policies}};
enum { VERBS = sizeof verbs / sizeof *verbs };

static int run(const struct verb *verb, int argc, char **argv)
{
    struct config config;

    if (!cli_config(&config))
        return EXIT_FAILED;
    PGconn *conn = cli_database(&config);
    int result = conn ? verb->run(conn, argc, argv) : EXIT_FAILED;

    PQfinish(conn);
    config_fini(&config);
    return result;
}

int command_tls(int argc, char **argv)
{
    const char *names[VERBS];

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        puts(usage);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return run(&verbs[i], argc - 1, argv + 1);
        names[i] = verbs[i].name;
    }
    return cli_unknown(argv[0], argv[1], names, VERBS);
}
