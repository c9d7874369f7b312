#include "cli/up/prepare.h"
#include "cli/keys.h"
#include "cli/migrate.h"
#include "cli/up/prepare.sql.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "queue/db.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PREPARE_WAIT_MS = 20000, PREPARE_LOOK_MS = 50 };

static int refuse(const struct error *err)
{
    log_event(LOG_ERROR, "database_refused", "%s", err->text);
    return PREPARE_REFUSED;
}

/* PostgreSQL needs a moment to start, and longer after a crash. */
static PGconn *connect_patiently(const struct config *config, bool first,
                                 struct error *err)
{
    int64_t end = clock_mono_ms() + PREPARE_WAIT_MS;

    for (;;) {
        PGconn *conn = first ? db_connect_first(config, err)
                             : db_connect(config, "presort up", err);

        if (conn || *config->database_url || clock_mono_ms() >= end)
            return conn;
        usleep(PREPARE_LOOK_MS * 1000);
    }
}

/* initdb made only the database postgres. */
static int make_database(const struct config *config)
{
    struct error err;
    PGconn *conn = connect_patiently(config, true, &err);

    if (!conn) {
        log_event(LOG_WARN, "database_unavailable", "%s", err.text);
        return PREPARE_TRY_AGAIN;
    }
    DB_RESULT *has = db_query(conn, &err, SQL_DATABASE_EXISTS, 0, NULL);
    enum status status = has ? STATUS_OK : STATUS_FAILED;
    if (has && !PQntuples(has))
        status = db_run(conn, &err, SQL_DATABASE_CREATE);
    PQfinish(conn);
    return status == STATUS_OK ? PREPARE_DONE : refuse(&err);
}

static bool key_works(PGconn *conn, const char *path)
{
    char key[KEY_TEXT_MAX] = "";
    const char *params[] = {key};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    ssize_t n = read(fd, key, sizeof key - 1);
    close(fd);
    if (n < KEY_TEXT_MAX - 1)
        return false;
    DB_RESULT *r = db_query(conn, NULL, SQL_KEY_LIVES, 1, params);
    return r && PQntuples(r);
}

/* So that a newcomer has nothing to type. */
static enum status make_key(PGconn *conn, const struct state *state,
                            struct error *err)
{
    char key[KEY_TEXT_MAX + 1], *path = state_path(state, "cli.key");
    enum status status = STATUS_OK;

    if (!key_works(conn, path)) {
        status = keys_create(conn, "default", "command line", "full", key, err);
        int fd =
            status == STATUS_OK
                ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
                : -1;
        key[KEY_TEXT_MAX - 1] = '\n';
        if (status == STATUS_OK &&
            (fd < 0 || write(fd, key, KEY_TEXT_MAX) != KEY_TEXT_MAX))
            status = fail(err, STATUS_FAILED, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    free(path);
    return status;
}

static int prepare_database(const struct prepare *p)
{
    struct error err;
    unsigned applied;
    PGconn *conn = connect_patiently(p->config, false, &err);

    if (!conn) {
        log_event(LOG_WARN, "database_unavailable", "%s", err.text);
        return PREPARE_TRY_AGAIN;
    }
    enum status status = migrate_run(conn, &applied, &err);
    if (status == STATUS_OK)
        status = make_key(conn, p->state, &err);
    bool lost = PQstatus(conn) != CONNECTION_OK;
    PQfinish(conn);
    if (status == STATUS_OK)
        return PREPARE_DONE;
    return lost ? PREPARE_TRY_AGAIN : refuse(&err);
}

int prepare_run(void *owner)
{
    const struct prepare *p = owner;
    struct error err;
    char *conninfo;

    if (db_conninfo(p->config, "presort up", &conninfo, &err) != STATUS_OK)
        return refuse(&err);
    free(conninfo);
    if (!*p->config->database_url) {
        int result = make_database(p->config);

        if (result != PREPARE_DONE)
            return result;
    }
    return prepare_database(p);
}
