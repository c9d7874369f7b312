#include "cli/migrate.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/migrate.sql.h"
#include "base/log.h"
#include "queue/db.h"
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct migration {
    int number;
    const char *name, *text;
};

#include "migrations.h"

enum {
    MIGRATIONS = sizeof migrations / sizeof *migrations,
    CHECKSUM_MAX = 2 * SHA256_DIGEST_LENGTH + 1,
    NUMBER_MAX = 12,
};

/* Lower-case hexadecimal SHA-256 of the text. */
static void checksum(const struct migration *m, char *out)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)m->text, strlen(m->text), hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(out + 2 * i, 3, "%02x", (unsigned)hash[i]);
}

/* The database's rows are the first of the migrations, or it is refused. */
static enum status compare(const PGresult *rows, struct error *err)
{
    int n = PQntuples(rows);

    if (n > MIGRATIONS)
        return fail(err, STATUS_CONFLICT,
                    "the database is newer than this program: it has migration "
                    "%s (%s), this program ends at %d; run the newer program",
                    PQgetvalue(rows, n - 1, 0), PQgetvalue(rows, n - 1, 1),
                    migrations[MIGRATIONS - 1].number);
    for (int i = 0; i < n; i++) {
        const char *number = PQgetvalue(rows, i, 0);
        const char *name = PQgetvalue(rows, i, 1);
        char sum[CHECKSUM_MAX], wanted[NUMBER_MAX];

        snprintf(wanted, sizeof wanted, "%d", migrations[i].number);
        checksum(&migrations[i], sum);
        if (strcmp(number, wanted) != 0)
            return fail(err, STATUS_CONFLICT,
                        "the database has migration %s (%s) where this program "
                        "has %s (%s)",
                        number, name, wanted, migrations[i].name);
        if (strcmp(PQgetvalue(rows, i, 2), sum) != 0)
            return fail(err, STATUS_CONFLICT,
                        "migration %s (%s) was applied with another text than "
                        "this program has; an applied migration never changes",
                        number, name);
    }
    return STATUS_OK;
}

static enum status apply_text(PGconn *conn, const struct migration *m,
                              struct error *err)
{
    char sum[CHECKSUM_MAX], number[NUMBER_MAX];
    const char *params[] = {number, m->name, sum};

    checksum(m, sum);
    snprintf(number, sizeof number, "%d", m->number);
    enum status status = db_run(conn, err, m->text);
    if (status != STATUS_OK)
        return status;
    DB_RESULT *r = db_query(conn, err, SQL_MIGRATE_RECORD, 3, params);
    return r ? db_run(conn, err, "COMMIT") : STATUS_FAILED;
}

static enum status apply(PGconn *conn, const struct migration *m,
                         struct error *err)
{
    struct error why;
    enum status status = db_run(conn, err, "BEGIN");

    if (status != STATUS_OK)
        return status;
    status = apply_text(conn, m, &why);
    if (status == STATUS_OK) {
        log_event(LOG_INFO, "migrated", "number=%d name=%s", m->number,
                  m->name);
        return STATUS_OK;
    }
    /* Were the connection gone, the server has rolled back by itself. */
    enum status rolled = db_run(conn, NULL, "ROLLBACK");
    (void)rolled;
    return fail(err, status, "migration %d (%s): %s", m->number, m->name,
                why.text);
}

static enum status apply_all(PGconn *conn, unsigned *applied, struct error *err)
{
    enum status status = db_run(conn, err, SQL_MIGRATE_TABLE);

    if (status != STATUS_OK)
        return status;
    DB_RESULT *rows = db_query(conn, err, SQL_MIGRATE_APPLIED, 0, NULL);
    if (!rows)
        return STATUS_FAILED;
    status = compare(rows, err);
    for (int i = PQntuples(rows); i < MIGRATIONS && status == STATUS_OK; i++) {
        status = apply(conn, &migrations[i], err);
        *applied += status == STATUS_OK;
    }
    return status;
}

enum status migrate_run(PGconn *conn, unsigned *applied, struct error *err)
{
    *applied = 0;
    enum status status = db_run(conn, err, SQL_MIGRATE_LOCK);
    if (status != STATUS_OK)
        return status;
    status = apply_all(conn, applied, err);
    /* A failed unlock is a lost connection: then the lock is gone with it. */
    enum status unlocked = db_run(conn, NULL, SQL_MIGRATE_UNLOCK);
    (void)unlocked;
    return status;
}

static int print_status(PGconn *conn)
{
    struct error err;
    DB_RESULT *exists = db_query(conn, &err, SQL_MIGRATE_TABLE_EXISTS, 0, NULL);

    if (!exists)
        return cli_fail("%s", err.text);
    bool any = *PQgetvalue(exists, 0, 0) == 't';
    DB_RESULT *rows =
        any ? db_query(conn, &err, SQL_MIGRATE_APPLIED, 0, NULL) : NULL;
    if (any && !rows)
        return cli_fail("%s", err.text);
    int done = rows ? PQntuples(rows) : 0;
    for (int i = 0; i < done; i++)
        printf("%04ld %-20s applied %s\n",
               strtol(PQgetvalue(rows, i, 0), NULL, 10), PQgetvalue(rows, i, 1),
               PQgetvalue(rows, i, 3));
    for (int i = done; i < MIGRATIONS; i++)
        printf("%04d %-20s pending\n", migrations[i].number,
               migrations[i].name);
    if (rows && compare(rows, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    return EXIT_DONE;
}

static int migrate(PGconn *conn)
{
    struct error err;
    unsigned applied;

    if (migrate_run(conn, &applied, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    printf("%u applied, the database is at %04d\n", applied,
           migrations[MIGRATIONS - 1].number);
    return EXIT_DONE;
}

int command_migrate(int argc, char **argv)
{
    struct config config;
    bool status = argc == 2 && !strcmp(argv[1], "--status");

    if (argc > 1 && !status)
        return cli_help(argc, argv, "migrate [--status]",
                        "Applies the migrations that the database lacks, each "
                        "in a transaction and\n"
                        "under a lock; --status only says which are applied.");
    if (!cli_config(&config))
        return EXIT_FAILED;
    PGconn *conn = cli_database(&config);
    int result = !conn    ? EXIT_FAILED
                 : status ? print_status(conn)
                          : migrate(conn);
    PQfinish(conn);
    config_fini(&config);
    return result;
}
