#include "queue/db.h"
#include "base/buf.h"
#include "base/memory.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DB_OPTIONS "-c timezone=UTC -c client_min_messages=warning"

/* libpq's quoting: single quotes, with \ before ' and \. */
static void add_keyword(struct buf *b, const char *name, const char *value)
{
    buf_addf(b, "%s%s='", b->len ? " " : "", name);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_add_char(b, '\\');
        buf_add_char(b, *value);
    }
    buf_add_char(b, '\'');
}

/* libpq takes only an absolute path for a socket directory. */
static void add_private(struct buf *b, const char *state_dir, const char *name)
{
    char cwd[PATH_MAX] = "", *dir;

    if (*state_dir != '/' && !getcwd(cwd, sizeof cwd))
        cwd[0] = 0;
    dir = text_format("%s%s%s/run", cwd, *cwd ? "/" : "", state_dir);
    add_keyword(b, "host", dir);
    add_keyword(b, "port", "5432");
    add_keyword(b, "dbname", name);
    add_keyword(b, "user", DB_PRIVATE_USER);
    add_keyword(b, "options", DB_OPTIONS);
    free(dir);
}

/* A server that is gone without a word, or a path to it that is, is noticed in
 * half a minute; TCP alone takes hours. Who says otherwise in the URL is
 * listened to. */
static const char *otherwise(const char *keyword)
{
    static const struct {
        const char *keyword, *value;
    } defaults[] = {
        {"keepalives_idle", "15"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "30000"}, /* ms */
    };

    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (!strcmp(keyword, defaults[i].keyword))
            return defaults[i].value;
    return NULL;
}

/* The words of PQconninfoParse may quote the password, so they are not used. */
static enum status add_url(struct buf *b, const char *url, struct error *err)
{
    PQconninfoOption *all = PQconninfoParse(url, NULL);

    if (!all)
        return fail(err, STATUS_INVALID,
                    "database_url is no libpq URL "
                    "(postgres://USER:PASSWORD@HOST:PORT/NAME)");
    for (PQconninfoOption *o = all; o->keyword; o++) {
        const char *value = o->val ? o->val : otherwise(o->keyword);
        bool ours = !strcmp(o->keyword, "application_name") ||
                    !strcmp(o->keyword, "fallback_application_name") ||
                    !strcmp(o->keyword, "client_encoding");

        if (!strcmp(o->keyword, "options")) {
            char *options = text_format("%s%s%s", o->val ? o->val : "",
                                        o->val ? " " : "", DB_OPTIONS);
            add_keyword(b, "options", options);
            free(options);
        } else if (value && !ours) {
            add_keyword(b, o->keyword, value);
        }
    }
    PQconninfoFree(all);
    return STATUS_OK;
}

enum status db_conninfo(const struct config *config, const char *program,
                        char **out, struct error *err)
{
    struct buf b = {0};
    enum status status = STATUS_OK;

    if (*config->database_url)
        status = add_url(&b, config->database_url, err);
    else
        add_private(&b, config->state_dir, DB_PRIVATE_NAME);
    if (status != STATUS_OK) {
        buf_fini(&b);
        return status;
    }
    add_keyword(&b, "application_name", program);
    add_keyword(&b, "client_encoding", "UTF8");
    *out = b.data;
    return STATUS_OK;
}

const char *db_error(const PGconn *conn, char *out)
{
    size_t n = 0;

    for (const char *p = PQerrorMessage(conn); *p && n < ERROR_TEXT_MAX - 1;
         p++)
        if ((unsigned char)*p >= ' ')
            out[n++] = *p;
        else if (p[1] && n && out[n - 1] != ' ')
            out[n++] = ' ';
    out[n] = 0;
    return out;
}

static enum status check_server(const PGconn *conn, struct error *err)
{
    char why[ERROR_TEXT_MAX];
    int version = PQserverVersion(conn);

    if (PQstatus(conn) != CONNECTION_OK)
        return fail(err, STATUS_UNAVAILABLE, "database: %s",
                    db_error(conn, why));
    if (version < DB_SERVER_VERSION_LEAST)
        return fail(err, STATUS_INVALID,
                    "database: PostgreSQL %d is too old, 14 or later is wanted",
                    version / 10000);
    return STATUS_OK;
}

static PGconn *open_session(const char *conninfo, struct error *err)
{
    PGconn *conn = PQconnectdb(conninfo);

    if (check_server(conn, err) == STATUS_OK)
        return conn;
    PQfinish(conn);
    return NULL;
}

PGconn *db_connect(const struct config *config, const char *program,
                   struct error *err)
{
    char *conninfo;

    if (db_conninfo(config, program, &conninfo, err) != STATUS_OK)
        return NULL;
    PGconn *conn = open_session(conninfo, err);
    free(conninfo);
    return conn;
}

PGconn *db_connect_first(const struct config *config, struct error *err)
{
    struct buf b = {0};

    add_private(&b, config->state_dir, "postgres");
    PGconn *conn = open_session(b.data, err);
    buf_fini(&b);
    return conn;
}

PGresult *db_query(PGconn *conn, struct error *err, const char *sql, int n,
                   const char *const *params)
{
    char why[ERROR_TEXT_MAX];
    PGresult *r = PQexecParams(conn, sql, n, NULL, params, NULL, NULL, 0);
    ExecStatusType type = PQresultStatus(r);

    if (type == PGRES_TUPLES_OK || type == PGRES_COMMAND_OK)
        return r;
    PQclear(r);
    enum status status =
        fail(err, STATUS_FAILED, "database: %s", db_error(conn, why));
    (void)status;
    return NULL;
}

enum status db_run(PGconn *conn, struct error *err, const char *sql)
{
    char why[ERROR_TEXT_MAX];
    DB_RESULT *r = PQexec(conn, sql);
    ExecStatusType type = PQresultStatus(r);

    if (type == PGRES_TUPLES_OK || type == PGRES_COMMAND_OK)
        return STATUS_OK;
    return fail(err,
                PQstatus(conn) == CONNECTION_OK ? STATUS_FAILED
                                                : STATUS_UNAVAILABLE,
                "database: %s", db_error(conn, why));
}

void db_result_clear(PGresult **result)
{
    PQclear(*result);
}
