#include "api/session.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "queue/db.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENT_NAME_MAX = 16, DEPTH_MAX = 8, PENDING_READS_MAX = 8 };

struct session {
    const struct config *config;
    PGconn *pg;
    const char *prepared[SESSION_STATEMENTS_MAX]; /* by address */
    size_t n_prepared;
    unsigned generation;
    int depth; /* of nested transactions */
    int64_t retry_at_ms, backoff_ms;
};

struct session *session_new(const struct config *config)
{
    struct session *s = memory_new(1, sizeof *s);

    s->config = config;
    return s;
}

static void disconnect(struct session *s)
{
    PQfinish(s->pg);
    s->pg = NULL;
    s->n_prepared = 0;
    s->depth = 0;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    disconnect(s);
    free(s);
}

static void quiet(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static enum status reconnect(struct session *s, struct error *err)
{
    if (clock_mono_ms() < s->retry_at_ms)
        return fail(err, STATUS_UNAVAILABLE, "waiting to connect again");
    s->pg = db_connect(s->config, "presort-api", err);
    if (s->pg) {
        PQsetNoticeReceiver(s->pg, quiet, NULL);
        s->backoff_ms = 0;
        s->generation++;
        return STATUS_OK;
    }
    s->backoff_ms = s->backoff_ms ? s->backoff_ms * 2 : 100;
    if (s->backoff_ms > SESSION_BACKOFF_MS_MAX)
        s->backoff_ms = SESSION_BACKOFF_MS_MAX;
    s->retry_at_ms = clock_mono_ms() + s->backoff_ms;
    return STATUS_UNAVAILABLE;
}

/* A server that went away while the connection was idle shows only when the
 * socket is looked at: first its goodbye is to be read, then the end. */
static bool is_alive(PGconn *pg)
{
    struct pollfd fd = {.fd = PQsocket(pg), .events = POLLIN};

    for (int i = 0; i < PENDING_READS_MAX && poll(&fd, 1, 0) > 0; i++)
        if (!PQconsumeInput(pg) || PQisBusy(pg) ||
            PQstatus(pg) != CONNECTION_OK)
            return false;
    return PQstatus(pg) == CONNECTION_OK;
}

enum status session_ready(struct session *s, struct error *err)
{
    if (s->pg && !is_alive(s->pg))
        disconnect(s);
    if (s->pg && PQtransactionStatus(s->pg) != PQTRANS_IDLE)
        disconnect(s);
    s->depth = 0;
    return s->pg ? STATUS_OK : reconnect(s, err);
}

PGconn *session_pg(struct session *s)
{
    return s->pg;
}

unsigned session_generation(const struct session *s)
{
    return s->generation;
}

/* SQLSTATE classes: 08 connection, 53 resources, 57P admin shutdown. */
static bool away(const char *state)
{
    return strncmp(state, "08", 2) == 0 || strncmp(state, "53", 2) == 0 ||
           strncmp(state, "57P", 3) == 0;
}

/* Of 40 and 55: another transaction stood in the way of this one, which may
 * well go through the next time (serialization, deadlock, lock timeout). */
static bool in_the_way(const char *state)
{
    return strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0 ||
           strcmp(state, "55P03") == 0;
}

/* A row that was referred to is gone, or one that was to go is referred to:
 * somebody was faster, as the rows were looked at before. */
static enum status dangles(const char *constraint, struct error *err)
{
    static const struct {
        const char *constraint, *field;
    } known[] = {
        {"route_project_fkey", "project"},
        {"route_relay_fkey", "via"},
        {"route_fallback_fkey", "fallback"},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].constraint, constraint) == 0)
            return fail(err, STATUS_CONFLICT,
                        "Invalid `%s` field: what it names was removed or "
                        "taken into use meanwhile.",
                        known[i].field);
    return fail(err, STATUS_CONFLICT,
                "What this depends on was removed or taken into use "
                "meanwhile.");
}

/* Class 23. A row without a partition is of it, too, but breaks none by name.
 */
static enum status breaks(const char *state, const PGresult *result,
                          const char *text, struct error *err)
{
    const char *name = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

    if (strcmp(state, "23505") == 0)
        return fail(err, STATUS_CONFLICT, "There is one already.");
    if (strcmp(state, "23503") == 0)
        return dangles(name ? name : "", err);
    if (strcmp(state, "23514") == 0 && !name)
        return fail(err, STATUS_NOT_FOUND, "%s", text);
    if (strcmp(state, "23514") == 0)
        return fail(err, STATUS_INVALID,
                    "A value is out of its bounds (%s in the database).", name);
    return fail(err, STATUS_FAILED, "%s: %s", state, text);
}

enum status session_failed(struct session *s, const PGresult *result,
                           struct error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (!text)
        text = s->pg ? PQerrorMessage(s->pg) : "no connection";
    if (!s->pg || PQstatus(s->pg) != CONNECTION_OK ||
        (state && (away(state) || in_the_way(state))))
        return fail(err, STATUS_UNAVAILABLE, "%s", text);
    if (state && strncmp(state, "23", 2) == 0)
        return breaks(state, result, text, err);
    if (state && strncmp(state, "22", 2) == 0)
        return fail(err, STATUS_INVALID, "%s", text);
    return fail(err, STATUS_FAILED, "%s: %s", state ? state : "?", text);
}

/* Its name on the server; NULL if it could not be prepared. */
static const char *prepare(struct session *s, const char *sql, char *name,
                           PGresult **failed)
{
    size_t at = 0;

    while (at < s->n_prepared && s->prepared[at] != sql)
        at++;
    snprintf(name, STATEMENT_NAME_MAX, "s%zu", at);
    if (at < s->n_prepared)
        return name;
    if (at == SESSION_STATEMENTS_MAX)
        BUG("more statements than SESSION_STATEMENTS_MAX");
    *failed = PQprepare(s->pg, name, sql, 0, NULL);
    if (PQresultStatus(*failed) != PGRES_COMMAND_OK)
        return NULL;
    PQclear(*failed);
    *failed = NULL;
    s->prepared[s->n_prepared++] = sql;
    return name;
}

enum status session_run(struct session *s, const char *sql,
                        const char *const *params, int n, PGresult **out,
                        struct error *err)
{
    char name[STATEMENT_NAME_MAX];
    DB_RESULT *result = NULL;

    if (out)
        *out = NULL;
    if (!s->pg)
        return fail(err, STATUS_UNAVAILABLE, "not connected");
    if (prepare(s, sql, name, &result))
        result = PQexecPrepared(s->pg, name, n, params, NULL, NULL, 0);
    ExecStatusType state = PQresultStatus(result);
    if (state != PGRES_TUPLES_OK && state != PGRES_COMMAND_OK)
        return session_failed(s, result, err);
    if (out) {
        *out = result;
        result = NULL;
    }
    return STATUS_OK;
}

static enum status say(struct session *s, const char *command,
                       struct error *err)
{
    if (!s->pg)
        return fail(err, STATUS_UNAVAILABLE, "not connected");
    DB_RESULT *result = PQexec(s->pg, command);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return session_failed(s, result, err);
    return STATUS_OK;
}

static enum status say_at(struct session *s, const char *outermost,
                          const char *savepoint, struct error *err)
{
    char command[64];

    if (s->depth == 0)
        return say(s, outermost, err);
    snprintf(command, sizeof command, "%s s%d", savepoint, s->depth);
    return say(s, command, err);
}

enum status session_begin(struct session *s, struct error *err)
{
    enum status status = say_at(s, "BEGIN", "SAVEPOINT", err);

    if (status == STATUS_OK && ++s->depth > DEPTH_MAX)
        BUG("transactions nested too deep");
    return status;
}

/* COMMIT of a failed transaction says ROLLBACK and no error: that is no
 * commit. */
static enum status commit_outermost(struct session *s, struct error *err)
{
    DB_RESULT *result = PQexec(s->pg, "COMMIT");

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return session_failed(s, result, err);
    if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
        return fail(err, STATUS_FAILED, "the transaction had failed before");
    return STATUS_OK;
}

enum status session_commit(struct session *s, struct error *err)
{
    if (s->depth == 0 || !s->pg)
        return fail(err, STATUS_UNAVAILABLE, "no transaction is open");
    s->depth--;
    if (s->depth == 0)
        return commit_outermost(s, err);
    return say_at(s, "COMMIT", "RELEASE SAVEPOINT", err);
}

void session_rollback(struct session *s)
{
    struct error ignored;

    if (s->depth == 0 || !s->pg)
        return;
    s->depth--;
    /* If this fails the connection is lost, and the transaction with it. */
    if (say_at(s, "ROLLBACK", "ROLLBACK TO SAVEPOINT", &ignored) != STATUS_OK)
        disconnect(s);
}
