/* presort inbound: what came in by mail and was not understood, and counts. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/mailboxes.sql.h"
#include "queue/db.h"
#include <stdio.h>
#include <string.h>

static int print_rows(PGconn *conn, const char *sql)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, sql, 0, NULL);

    if (!r)
        return cli_fail("inbound: %s", err.text);
    for (int i = 0; i < PQntuples(r); i++)
        for (int c = 0; c < PQnfields(r); c++)
            printf("%s%c", PQgetvalue(r, i, c),
                   c + 1 < PQnfields(r) ? '\t' : '\n');
    return EXIT_DONE;
}

static int list(PGconn *conn, const char *id)
{
    (void)id;
    return print_rows(conn, SQL_INBOUND_LIST);
}

static int totals(PGconn *conn, const char *id)
{
    (void)id;
    return print_rows(conn, SQL_INBOUND_TOTALS);
}

static int value_of(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static int show(PGconn *conn, const char *id)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_INBOUND_SHOW, 1, &id);

    if (!r)
        return cli_fail("inbound: %s", err.text);
    if (!PQntuples(r))
        return cli_fail("no message %s", id);
    for (const char *hex = PQgetvalue(r, 0, 0); hex[0] && hex[1]; hex += 2)
        putchar(value_of(hex[0]) * 16 + value_of(hex[1]));
    return EXIT_DONE;
}

static int remove_one(PGconn *conn, const char *id)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_INBOUND_REMOVE, 1, &id);

    if (!r)
        return cli_fail("inbound: %s", err.text);
    return PQntuples(r) ? EXIT_DONE : cli_fail("no message %s", id);
}

int command_inbound(int argc, char **argv)
{
    static const struct {
        const char *word;
        int arguments;
        int (*run)(PGconn *conn, const char *id);
    } verbs[] = {{"list", 2, list},
                 {"show", 3, show},
                 {"remove", 3, remove_one},
                 {"totals", 2, totals}};
    static const char *const words[] = {"list", "show", "remove", "totals"};
    struct config config;

    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].word) != 0)
            continue;
        if (argc != verbs[i].arguments)
            return cli_usage("inbound %s: %s", argv[1],
                             argc > verbs[i].arguments ? "too many words"
                                                       : "which ID?");
        if (!cli_config(&config))
            return EXIT_FAILED;
        PGconn *conn = cli_database(&config);
        int status = conn ? verbs[i].run(conn, argv[2]) : EXIT_FAILED;
        PQfinish(conn);
        config_fini(&config);
        return status;
    }
    if (argc < 2 || argv[1][0] == '-')
        return cli_help(argc, argv,
                        "inbound list | show ID | remove ID | totals",
                        "Messages that came in and are not understood, or are "
                        "about no mail of ours: the\nnewest thousand; one of "
                        "them as it came. totals: all that came, by day, way "
                        "and\nkind.");
    return cli_unknown("inbound", argv[1], words, sizeof words / sizeof *words);
}
