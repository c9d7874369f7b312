#include "loop/pg.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <endian.h>

enum {
    PG_PREPARED_MAX = 64,
    PG_RETRY_FIRST_MS = 100,
    PG_RETRY_MOST_MS = 2000,
    PG_EMPTY_MAX = 16, /* NULL results in a row */
};

enum pg_state { PG_DOWN, PG_CONNECTING, PG_UP };
enum pg_kind { PG_PREPARE, PG_STATEMENT, PG_SYNC, PG_COPY };

/* One thing said and not answered yet. */
struct pg_said {
    enum pg_kind kind;
    bool answered;
    pg_done *done;
    void *arg;
    const struct pg_statement *statement; /* that is prepared */
    struct pg_said *next;
};

struct pg {
    uv_loop_t *loop;
    char *name, *conninfo;
    struct pg_events events;
    void *owner;
    enum pg_state state;
    PGconn *conn;
    uv_poll_t *poll; /* heap: libuv wants it until its close callback */
    int poll_fd, poll_events;
    uv_timer_t *retry;
    uint64_t retry_ms;
    const struct pg_statement *prepared[PG_PREPARED_MAX];
    size_t n_prepared;
    struct pg_said *oldest, **newest, *spare;
    const struct buf *copy_data; /* until the server invites it */
    PGresult *copy_result;       /* kept until pipeline mode is back */
    int n_empty;
    bool handling; /* inside receive(): output goes out at its end */
};

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_retry(uv_timer_t *timer);

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void stop_polling(struct pg *pg)
{
    if (!pg->poll)
        return;
    uv_poll_stop(pg->poll);
    uv_close((uv_handle_t *)pg->poll, free_handle);
    pg->poll = NULL;
    pg->poll_events = 0;
}

static void poll_for(struct pg *pg, int events)
{
    int fd = PQsocket(pg->conn);

    if (pg->poll && pg->poll_fd != fd)
        stop_polling(pg);
    if (!pg->poll) {
        pg->poll = memory_new(1, sizeof *pg->poll);
        if (uv_poll_init(pg->loop, pg->poll, fd) != 0)
            BUG("can't poll the database's socket");
        pg->poll->data = pg;
        pg->poll_fd = fd;
    }
    if (pg->poll_events != events)
        uv_poll_start(pg->poll, events, on_poll);
    pg->poll_events = events;
}

static struct pg_said *say(struct pg *pg, enum pg_kind kind, pg_done *done,
                           void *arg)
{
    struct pg_said *said = pg->spare;

    if (said)
        pg->spare = said->next;
    else
        said = memory_new(1, sizeof *said);
    *said = (struct pg_said){.kind = kind, .done = done, .arg = arg};
    *pg->newest = said;
    pg->newest = &said->next;
    return said;
}

static void forget_oldest(struct pg *pg)
{
    struct pg_said *said = pg->oldest;

    pg->oldest = said->next;
    if (!pg->oldest)
        pg->newest = &pg->oldest;
    said->next = pg->spare;
    pg->spare = said;
}

static void lost(struct pg *pg, const char *why)
{
    bool was_up = pg->state == PG_UP;
    char text[LOG_QUOTE_MAX];

    /* One line when it goes; that it stays away is for those who debug. */
    log_event(was_up ? LOG_WARN : LOG_DEBUG, "database_lost",
              "connection=%s why=%s", pg->name, log_quote(why, text));
    stop_polling(pg);
    PQfinish(pg->conn);
    PQclear(pg->copy_result);
    pg->copy_result = NULL;
    pg->conn = NULL;
    pg->state = PG_DOWN;
    pg->n_prepared = 0;
    while (pg->oldest) {
        struct pg_said said = *pg->oldest;

        forget_oldest(pg);
        if (said.done && !said.answered)
            said.done(said.arg, NULL);
    }
    uv_timer_start(pg->retry, on_retry, pg->retry_ms, 0);
    pg->retry_ms *= 2;
    if (pg->retry_ms > PG_RETRY_MOST_MS)
        pg->retry_ms = PG_RETRY_MOST_MS;
    if (was_up)
        pg->events.down(pg, "connection lost", pg->owner);
}

static void connected(struct pg *pg)
{
    if (PQsetnonblocking(pg->conn, 1) != 0 || !PQenterPipelineMode(pg->conn)) {
        lost(pg, PQerrorMessage(pg->conn));
        return;
    }
    pg->state = PG_UP;
    pg->retry_ms = PG_RETRY_FIRST_MS;
    poll_for(pg, UV_READABLE);
    log_event(LOG_DEBUG, "database_reached", "connection=%s", pg->name);
    pg->events.up(pg, pg->owner);
}

static void connect_step(struct pg *pg)
{
    /* libpq may close the socket and try another address with a new one of
     * the same number, of which the loop would never hear. */
    stop_polling(pg);
    switch (PQconnectPoll(pg->conn)) {
    case PGRES_POLLING_READING: poll_for(pg, UV_READABLE); break;
    case PGRES_POLLING_WRITING: poll_for(pg, UV_WRITABLE); break;
    case PGRES_POLLING_OK: connected(pg); break;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE: lost(pg, PQerrorMessage(pg->conn)); break;
    }
}

static void connect_start(struct pg *pg)
{
    pg->conn = PQconnectStart(pg->conninfo);
    if (!pg->conn)
        BUG("out of memory");
    pg->state = PG_CONNECTING;
    if (PQstatus(pg->conn) == CONNECTION_BAD) {
        lost(pg, PQerrorMessage(pg->conn));
        return;
    }
    poll_for(pg, UV_WRITABLE);
}

static void on_retry(uv_timer_t *timer)
{
    connect_start(timer->data);
}

static void on_broken(uv_timer_t *timer)
{
    struct pg *pg = timer->data;

    lost(pg, PQerrorMessage(pg->conn));
}

static void flush(struct pg *pg)
{
    if (pg->handling || pg->state != PG_UP)
        return;
    int more = PQflush(pg->conn);

    /* libpq has closed the socket, whose number may be another's soon. It is
     * told later: who says something now does not expect an answer yet. */
    if (PQstatus(pg->conn) == CONNECTION_BAD) {
        stop_polling(pg);
        uv_timer_start(pg->retry, on_broken, 0, 0);
        return;
    }
    if (more < 0)
        return; /* the next read reports it */
    poll_for(pg, more ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

/* Refused, or skipped behind an error: the next use has to try again. */
static void unprepare(struct pg *pg, const struct pg_statement *statement)
{
    for (size_t i = 0; i < pg->n_prepared; i++)
        if (pg->prepared[i] == statement) {
            pg->prepared[i] = pg->prepared[--pg->n_prepared];
            return;
        }
}

static void answered(struct pg *pg, PGresult *result)
{
    struct pg_said *said = pg->oldest;
    bool first = !said->answered;

    said->answered = true;
    if (said->kind == PG_PREPARE && PQresultStatus(result) != PGRES_COMMAND_OK)
        unprepare(pg, said->statement);
    if (first && said->done)
        said->done(said->arg, result);
    else if (first && PQresultStatus(result) == PGRES_FATAL_ERROR)
        log_event(LOG_ERROR, "statement_failed", "connection=%s why=\"%s\"",
                  pg->name, pg_why(result));
}

/* COPY speaks outside of pipeline mode: results of the statements before it,
 * then the invitation, then the verdict, then NULL. The owner hears of it at
 * the end, when it may send again. */
static void copy_over(struct pg *pg)
{
    struct pg_said said = *pg->oldest;
    PGresult *result = pg->copy_result;

    if (!PQenterPipelineMode(pg->conn))
        BUG("can't return to pipeline mode");
    pg->copy_result = NULL;
    forget_oldest(pg);
    said.done(said.arg, result);
    PQclear(result);
}

static void hear_copy(struct pg *pg, PGresult *result)
{
    ExecStatusType status = result ? PQresultStatus(result) : PGRES_EMPTY_QUERY;

    if (!result) {
        copy_over(pg);
    } else if (status == PGRES_COPY_IN) {
        if (!pg->copy_data)
            BUG("COPY without data");
        if (PQputCopyData(pg->conn, pg->copy_data->data,
                          (int)pg->copy_data->len) != 1 ||
            PQputCopyEnd(pg->conn, NULL) != 1)
            log_event(LOG_ERROR, "copy_failed", "connection=%s", pg->name);
        pg->copy_data = NULL;
        PQclear(result);
    } else if (status == PGRES_COMMAND_OK && pg->copy_data) {
        PQclear(result); /* that of BEGIN */
    } else {
        PQclear(pg->copy_result);
        pg->copy_result = result;
    }
}

static void hear(struct pg *pg, PGresult *result)
{
    if (pg->oldest->kind == PG_COPY) {
        hear_copy(pg, result);
        return;
    }
    if (!result) {
        /* Between two statements; an error closes more than one. */
        if (pg->oldest->answered)
            forget_oldest(pg);
        else if (++pg->n_empty > PG_EMPTY_MAX)
            BUG("an unanswered statement that libpq does not know");
        return;
    }
    pg->n_empty = 0;
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        if (pg->oldest->kind != PG_SYNC)
            BUG("pipeline out of step");
        forget_oldest(pg);
    } else {
        answered(pg, result);
    }
    PQclear(result);
}

static void receive(struct pg *pg)
{
    PGnotify *note;

    if (!PQconsumeInput(pg->conn)) {
        lost(pg, PQerrorMessage(pg->conn));
        return;
    }
    pg->handling = true;
    /* A connection that broke has nothing more to say: lost() answers. */
    while (pg->oldest && PQstatus(pg->conn) == CONNECTION_OK &&
           !PQisBusy(pg->conn))
        hear(pg, PQgetResult(pg->conn));
    while ((note = PQnotifies(pg->conn))) {
        if (pg->events.notified)
            pg->events.notified(pg, note->relname, note->extra, pg->owner);
        PQfreemem(note);
    }
    pg->handling = false;
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        lost(pg, PQerrorMessage(pg->conn));
    else
        flush(pg);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct pg *pg = poll->data;

    if (pg->state == PG_CONNECTING)
        connect_step(pg);
    else if (events & UV_READABLE || status < 0)
        receive(pg);
    else
        flush(pg);
}

static void prepare(struct pg *pg, const struct pg_statement *statement)
{
    for (size_t i = 0; i < pg->n_prepared; i++)
        if (pg->prepared[i] == statement)
            return;
    if (pg->n_prepared == PG_PREPARED_MAX)
        BUG("too many statements");
    pg->prepared[pg->n_prepared++] = statement;
    if (!PQsendPrepare(pg->conn, statement->name, statement->sql, 0, NULL))
        log_event(LOG_ERROR, "prepare_failed", "statement=%s", statement->name);
    say(pg, PG_PREPARE, NULL, NULL)->statement = statement;
}

void pg_send(struct pg *pg, const struct pg_statement *statement,
             const struct args *args, pg_done *done, void *arg)
{
    const char *values[ARGS_MAX];
    int formats[ARGS_MAX];
    int n = args ? args->n : 0;

    if (pg->state != PG_UP)
        BUG("statement on a connection that is down");
    prepare(pg, statement);
    if (args)
        args_values(args, values);
    for (int i = 0; i < n; i++)
        formats[i] = 1;
    /* A failure to send shows when the connection is read next. */
    if (!PQsendQueryPrepared(pg->conn, statement->name, n, values,
                             args ? args->length : NULL, formats, 1))
        log_event(LOG_ERROR, "send_failed", "statement=%s", statement->name);
    say(pg, PG_STATEMENT, done, arg);
}

void pg_sync(struct pg *pg)
{
    if (pg->state != PG_UP)
        BUG("sync on a connection that is down");
    if (!PQpipelineSync(pg->conn))
        log_event(LOG_ERROR, "sync_failed", "connection=%s", pg->name);
    say(pg, PG_SYNC, NULL, NULL);
    flush(pg);
}

void pg_copy(struct pg *pg, const char *sql, const struct buf *data,
             pg_done *done, void *arg)
{
    if (!pg_is_idle(pg) || !PQexitPipelineMode(pg->conn))
        BUG("copy on a busy connection");
    pg->copy_data = data;
    if (!PQsendQuery(pg->conn, sql))
        log_event(LOG_ERROR, "send_failed", "statement=copy");
    say(pg, PG_COPY, done, arg);
    flush(pg);
}

bool pg_is_up(const struct pg *pg)
{
    return pg->state == PG_UP && PQstatus(pg->conn) == CONNECTION_OK;
}

bool pg_is_idle(const struct pg *pg)
{
    return pg_is_up(pg) && !pg->oldest;
}

const char *pg_why(const PGresult *result)
{
    const char *why =
        result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    return why ? why : "connection lost";
}

bool pg_command_is(const PGresult *result, const char *tag)
{
    union {
        const PGresult *in;
        PGresult *out; /* what PQcmdStatus wants, though it only reads */
    } r = {result};

    return result && PQresultStatus(result) == PGRES_COMMAND_OK &&
           strcmp(PQcmdStatus(r.out), tag) == 0;
}

int64_t pg_bigint(const PGresult *r, int row, int column)
{
    uint64_t v;

    if (PQgetlength(r, row, column) != sizeof v)
        BUG("column is no bigint");
    memcpy(&v, PQgetvalue(r, row, column), sizeof v);
    return (int64_t)be64toh(v);
}

int32_t pg_int(const PGresult *r, int row, int column)
{
    uint32_t v;

    if (PQgetlength(r, row, column) != sizeof v)
        BUG("column is no integer");
    memcpy(&v, PQgetvalue(r, row, column), sizeof v);
    return (int32_t)be32toh(v);
}

int16_t pg_smallint(const PGresult *r, int row, int column)
{
    uint16_t v;

    if (PQgetlength(r, row, column) != sizeof v)
        BUG("column is no smallint");
    memcpy(&v, PQgetvalue(r, row, column), sizeof v);
    return (int16_t)be16toh(v);
}

int64_t pg_time(const PGresult *r, int row, int column)
{
    int64_t us = pg_bigint(r, row, column);

    return us == INT64_MAX || us == INT64_MIN ? us : us + CLOCK_PG_EPOCH_US;
}

struct pg *pg_new(uv_loop_t *loop, const char *name, const char *conninfo,
                  const struct pg_events *events, void *owner)
{
    struct pg *pg = memory_new(1, sizeof *pg);

    pg->loop = loop;
    pg->name = text_copy(name);
    pg->conninfo = text_copy(conninfo);
    pg->events = *events;
    pg->owner = owner;
    pg->newest = &pg->oldest;
    pg->retry_ms = PG_RETRY_FIRST_MS;
    pg->retry = memory_new(1, sizeof *pg->retry);
    uv_timer_init(loop, pg->retry);
    pg->retry->data = pg;
    connect_start(pg);
    return pg;
}

void pg_free(struct pg *pg)
{
    if (!pg)
        return;
    stop_polling(pg);
    uv_timer_stop(pg->retry);
    uv_close((uv_handle_t *)pg->retry, free_handle);
    PQfinish(pg->conn);
    while (pg->oldest)
        forget_oldest(pg);
    for (struct pg_said *next; pg->spare; pg->spare = next) {
        next = pg->spare->next;
        free(pg->spare);
    }
    free(pg->name);
    free(pg->conninfo);
    free(pg);
}
