#include "inbound/courier.h"
#include "base/log.h"
#include "base/memory.h"
#include "inbound/inbound.sql.h"
#include "inbound/settle.h"
#include "queue/db.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAP_MS = 100, AGAIN_SECONDS = 5, AGAIN_SECONDS_MAX = 300 };

/* What the thread works with; on its heap. */
struct work {
    struct courier *courier;
    PGconn *conn;
    int64_t again_seconds; /* the pause after the next failure */
    struct mailbox mailbox;
    struct notice_reader reader;
    struct settled settled[MAILBOX_ROUND_MAX];
    struct args args;
};

static bool stopped(const struct work *w)
{
    return atomic_load(&w->courier->stop);
}

static void nap(const struct work *w, int64_t seconds)
{
    for (int64_t ms = 0; ms < seconds * 1000 && !stopped(w); ms += NAP_MS)
        usleep(NAP_MS * 1000);
}

/* ---- The store ---- */

static enum status begin(struct work *w, struct error *err)
{
    const char *name[] = {w->courier->settings.name};

    w->conn = PQconnectdb(w->courier->conninfo);
    if (PQstatus(w->conn) != CONNECTION_OK)
        return fail(err, STATUS_UNAVAILABLE, "the database is away");
    DB_RESULT *lock = db_query(w->conn, err, SQL_POSTMAN_LOCK, 1, name);

    if (!lock)
        return STATUS_FAILED;
    if (PQgetvalue(lock, 0, 0)[0] != 't')
        return fail(err, STATUS_CONFLICT, "another machine fetches it");
    PGresult *r =
        PQexecParams(w->conn, SQL_INBOUND_SECRET, 0, NULL, NULL, NULL, NULL, 1);
    bool good =
        PQntuples(r) == 1 && PQgetlength(r, 0, 0) == MAILID_SECRET_BYTES;

    if (good)
        notice_reader_init(&w->reader,
                           (const unsigned char *)PQgetvalue(r, 0, 0));
    PQclear(r);
    return good ? STATUS_OK : fail(err, STATUS_FAILED, "no secret");
}

static void end(struct work *w)
{
    mailbox_close(&w->mailbox);
    if (w->reader.report)
        notice_reader_fini(&w->reader);
    PQfinish(w->conn);
    w->conn = NULL;
}

static enum status commit(struct work *w, size_t n, struct error *err)
{
    const struct settled *group[MAILBOX_ROUND_MAX];
    const char *values[ARGS_MAX];
    int formats[ARGS_MAX];
    char why[ERROR_TEXT_MAX];

    for (size_t i = 0; i < n; i++)
        group[i] = &w->settled[i];
    settle_args(&w->args, group, n);
    args_values(&w->args, values);
    for (int i = 0; i < w->args.n; i++)
        formats[i] = 1;
    PGresult *r = PQexecParams(w->conn, SQL_INBOUND_SETTLE, w->args.n, NULL,
                               values, w->args.length, formats, 1);
    bool good = PQresultStatus(r) == PGRES_TUPLES_OK;

    PQclear(r);
    return good ? STATUS_OK
                : fail(err, STATUS_FAILED, "settling: %s",
                       db_error(w->conn, why));
}

static void note(struct work *w, const char *error, size_t messages)
{
    char n[24];
    const char *params[] = {w->courier->settings.name, error, n};
    struct error ignored;

    snprintf(n, sizeof n, "%zu", messages);
    PQclear(db_query(w->conn, &ignored, SQL_POSTMAN_NOTE, 3, params));
}

/* ---- A round ---- */

static enum status round_once(struct work *w, struct error *err)
{
    struct mailbox *m = &w->mailbox;
    bool understood[MAILBOX_ROUND_MAX];
    enum status status = mailbox_list(m, err);

    for (size_t i = 0; i < m->n && status == STATUS_OK; i++) {
        status = mailbox_fetch(m, i, err);
        if (status == STATUS_OK)
            settled_read(&w->settled[i], &w->reader,
                         m->got.data ? m->got.data : "", m->got.len,
                         w->courier->settings.name);
    }
    if (status != STATUS_OK)
        return status;
    if (!m->n)
        return mailbox_tidy(m, err);
    status = commit(w, m->n, err);
    if (status != STATUS_OK)
        return status;
    note(w, NULL, m->n);
    for (size_t i = 0; i < m->n; i++)
        understood[i] = !w->settled[i].notice.keep;
    return mailbox_put_away(m, understood, err);
}

/* Until something fails or we are to stop. */
static enum status work(struct work *w, struct error *err)
{
    enum status status = begin(w, err);

    while (status == STATUS_OK && !stopped(w)) {
        status = round_once(w, err);
        if (status == STATUS_OK)
            w->again_seconds = AGAIN_SECONDS;
        if (status != STATUS_OK || w->mailbox.n)
            continue;
        mailbox_close(&w->mailbox);
        note(w, NULL, 0);
        nap(w, w->courier->poll_seconds);
    }
    return status;
}

static void *run(void *arg)
{
    struct work *w = arg;
    const char *name = w->courier->settings.name;
    struct error err;
    char why[LOG_QUOTE_MAX];
    bool usable = mailbox_init(&w->mailbox, &w->courier->settings,
                               &w->courier->stop, &err) == STATUS_OK;

    while (!stopped(w)) {
        /* It comes back when it failed, which err says, or when stopped. */
        if (usable && work(w, &err) == STATUS_OK)
            break;
        if (stopped(w))
            break;
        log_event(LOG_WARN, "mailbox_failed", "name=%s why=%s", name,
                  log_quote(err.text, why));
        if (w->conn && PQstatus(w->conn) == CONNECTION_OK)
            note(w, err.text, 0);
        end(w);
        nap(w, w->again_seconds);
        w->again_seconds *= 2;
        if (w->again_seconds > AGAIN_SECONDS_MAX)
            w->again_seconds = AGAIN_SECONDS_MAX;
    }
    end(w);
    mailbox_fini(&w->mailbox);
    for (size_t i = 0; i < MAILBOX_ROUND_MAX; i++)
        buf_fini(&w->settled[i].raw);
    args_fini(&w->args);
    free(w);
    return NULL;
}

/* ---- From outside ---- */

void courier_settings(struct mailbox_settings *s, const PGresult *r, int row)
{
    char **const to[] = {&s->name,          &s->url,           &s->user,
                         &s->password_file, &s->token_command, &s->done,
                         &s->ca_file,       &s->token_url,     &s->client_id,
                         &s->client_secret, &s->refresh_token, &s->token_scope};

    for (int i = 0; i < (int)(sizeof to / sizeof *to); i++)
        *to[i] = text_copy(PQgetvalue(r, row, i));
}

void courier_settings_fini(struct mailbox_settings *s)
{
    free(s->name);
    free(s->url);
    free(s->user);
    free(s->password_file);
    free(s->token_command);
    free(s->done);
    free(s->ca_file);
    free(s->token_url);
    free(s->client_id);
    free(s->client_secret);
    free(s->refresh_token);
    free(s->token_scope);
}

struct courier *courier_start(struct mailbox_settings settings,
                              const char *conninfo, int64_t poll_seconds)
{
    struct courier *c = memory_new(1, sizeof *c);
    struct work *w = memory_new(1, sizeof *w);

    *c = (struct courier){.settings = settings,
                          .conninfo = conninfo,
                          .poll_seconds = poll_seconds,
                          .wanted = true};
    w->courier = c;
    w->again_seconds = AGAIN_SECONDS;
    if (pthread_create(&c->thread, NULL, run, w) == 0)
        return c;
    free(w);
    courier_settings_fini(&c->settings);
    free(c);
    return NULL;
}

void courier_free(struct courier *c)
{
    atomic_store(&c->stop, true);
    pthread_join(c->thread, NULL);
    courier_settings_fini(&c->settings);
    free(c);
}
