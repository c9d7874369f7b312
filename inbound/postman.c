#include "inbound/postman.h"
#include "base/log.h"
#include "base/memory.h"
#include "inbound/courier.h"
#include "inbound/inbound.sql.h"
#include "queue/db.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 2000, NAP_MS = 100 };

struct postman {
    char *conninfo;
    int64_t poll_seconds;
    atomic_bool stop;
    pthread_t thread;
    PGconn *conn;
    struct courier *couriers[POSTMAN_MAILBOXES_MAX];
    size_t n;
};

static bool is_same(const struct mailbox_settings *a,
                    const struct mailbox_settings *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->url, b->url) &&
           !strcmp(a->user, b->user) &&
           !strcmp(a->password_file, b->password_file) &&
           !strcmp(a->token_command, b->token_command) &&
           !strcmp(a->done, b->done) && !strcmp(a->ca_file, b->ca_file) &&
           !strcmp(a->token_url, b->token_url) &&
           !strcmp(a->client_id, b->client_id) &&
           !strcmp(a->client_secret, b->client_secret) &&
           !strcmp(a->refresh_token, b->refresh_token) &&
           !strcmp(a->token_scope, b->token_scope);
}

static struct courier *find(const struct postman *p,
                            const struct mailbox_settings *settings)
{
    for (size_t i = 0; i < p->n; i++)
        if (is_same(&p->couriers[i]->settings, settings))
            return p->couriers[i];
    return NULL;
}

/* First those that are gone, whose names others may have now. */
static void dismiss(struct postman *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->n; i++) {
        if (p->couriers[i]->wanted)
            p->couriers[kept++] = p->couriers[i];
        else
            courier_free(p->couriers[i]);
    }
    p->n = kept;
}

static void employ(struct postman *p, const PGresult *r, int row)
{
    struct mailbox_settings settings = {0};

    courier_settings(&settings, r, row);
    if (find(p, &settings) || p->n == POSTMAN_MAILBOXES_MAX) {
        courier_settings_fini(&settings);
        return;
    }
    struct courier *c = courier_start(settings, p->conninfo, p->poll_seconds);

    if (c)
        p->couriers[p->n++] = c;
}

static void follow(struct postman *p, const PGresult *r)
{
    for (size_t i = 0; i < p->n; i++)
        p->couriers[i]->wanted = false;
    for (int row = 0; row < PQntuples(r); row++) {
        struct mailbox_settings settings = {0};
        courier_settings(&settings, r, row);
        struct courier *c = find(p, &settings);
        if (c)
            c->wanted = true;
        courier_settings_fini(&settings);
    }
    dismiss(p);
    for (int row = 0; row < PQntuples(r); row++)
        employ(p, r, row);
}

/* While the database is away, the couriers know it, too. */
static void look(struct postman *p)
{
    struct error err;

    if (!p->conn)
        p->conn = PQconnectdb(p->conninfo);
    if (PQstatus(p->conn) == CONNECTION_OK) {
        DB_RESULT *r = db_query(p->conn, &err, SQL_POSTMAN_MAILBOXES, 0, NULL);
        if (r) {
            follow(p, r);
            return;
        }
    }
    PQfinish(p->conn);
    p->conn = NULL;
}

static void *run(void *arg)
{
    struct postman *p = arg;

    while (!atomic_load(&p->stop)) {
        look(p);
        for (int ms = 0; ms < LOOK_MS && !atomic_load(&p->stop); ms += NAP_MS)
            usleep(NAP_MS * 1000);
    }
    for (size_t i = 0; i < p->n; i++)
        atomic_store(&p->couriers[i]->stop, true);
    for (size_t i = 0; i < p->n; i++)
        courier_free(p->couriers[i]);
    PQfinish(p->conn);
    return NULL;
}

struct postman *postman_new(const char *conninfo, int64_t poll_seconds)
{
    struct postman *p = memory_new(1, sizeof *p);

    p->conninfo = text_copy(conninfo);
    p->poll_seconds = poll_seconds;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (pthread_create(&p->thread, NULL, run, p) == 0)
        return p;
    log_event(LOG_ERROR, "postman_failed", "why=\"no thread\"");
    free(p->conninfo);
    free(p);
    return NULL;
}

void postman_free(struct postman *p)
{
    if (!p)
        return;
    atomic_store(&p->stop, true);
    pthread_join(p->thread, NULL);
    free(p->conninfo);
    free(p);
}

static enum status try_one(const PGresult *r, int row, size_t *n,
                           struct error *err)
{
    struct mailbox_settings settings = {0};
    atomic_bool stop = false;
    struct mailbox *m = memory_new(1, sizeof *m);

    courier_settings(&settings, r, row);
    enum status status = mailbox_init(m, &settings, &stop, err);

    if (status == STATUS_OK)
        status = mailbox_list(m, err);
    *n = m->n;
    mailbox_fini(m);
    free(m);
    courier_settings_fini(&settings);
    return status;
}

enum status postman_test(const char *conninfo, const char *name, size_t *n,
                         struct error *err)
{
    PGconn *conn = PQconnectdb(conninfo);
    enum status status =
        fail(err, STATUS_NOT_FOUND, "there is no mailbox %s", name);
    struct error why;
    PGresult *r = PQstatus(conn) == CONNECTION_OK
                      ? db_query(conn, &why, SQL_POSTMAN_MAILBOXES, 0, NULL)
                      : NULL;

    if (!r)
        status = fail(err, STATUS_UNAVAILABLE, "the database is away");
    for (int row = 0; r && row < PQntuples(r); row++)
        if (strcmp(PQgetvalue(r, row, 0), name) == 0)
            status = try_one(r, row, n, err);
    PQclear(r);
    PQfinish(conn);
    return status;
}
