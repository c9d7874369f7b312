#include "api/keeper.h"
#include "api/keeper.sql.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { NOTE_USE_ROUNDS = 60 };

struct keeper {
    struct api *api;
    struct session *session;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping, away;
    unsigned round;
};

static enum status read_secret(struct keeper *k, struct error *err)
{
    struct api *api = k->api;
    DB_RESULT *rows = NULL;
    size_t len;
    enum status status =
        session_run(k->session, SQL_KEEPER_SECRET, NULL, 0, &rows, err);

    if (status != STATUS_OK)
        return status;
    if (PQntuples(rows) != 1 ||
        !OPENSSL_hexstr2buf_ex(api->secret, sizeof api->secret, &len,
                               PQgetvalue(rows, 0, 0), 0) ||
        len != sizeof api->secret)
        return fail(err, STATUS_FAILED, "the table install is damaged");
    return STATUS_OK;
}

static enum status refresh(struct keeper *k, struct error *err)
{
    struct api *api = k->api;
    enum status status = session_ready(k->session, err);

    if (status == STATUS_OK && !api->ready)
        status = read_secret(k, err);
    if (status == STATUS_OK)
        status = auth_refresh(api->auth, k->session, err);
    if (status == STATUS_OK && ++k->round % NOTE_USE_ROUNDS == 0)
        status = auth_note_use(api->auth, k->session, err);
    if (status == STATUS_OK)
        api->ready = true;
    return status;
}

/* Said once when it goes and once when it comes back, not every second. */
static void report(struct keeper *k, enum status status,
                   const struct error *err)
{
    char quoted[LOG_QUOTE_MAX];

    if (status != STATUS_OK && !k->away)
        log_event(LOG_WARN, "database_away", "error=%s",
                  log_quote(err->text, quoted));
    if (status == STATUS_OK && (k->away || k->round == 1))
        log_event(LOG_INFO, "database_reached", "round=%u", k->round);
    k->away = status != STATUS_OK;
}

static void *keep(void *context)
{
    struct keeper *k = context;
    struct error err;

    pthread_mutex_lock(&k->lock);
    while (!k->stopping) {
        pthread_mutex_unlock(&k->lock);
        report(k, refresh(k, &err), &err);
        int64_t ms = k->api->ready ? API_KEEPER_INTERVAL_MS
                                   : API_KEEPER_INTERVAL_MS / 10;
        int64_t until_us = clock_wall_us() + ms * 1000;
        struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};

        pthread_mutex_lock(&k->lock);
        if (!k->stopping)
            pthread_cond_timedwait(&k->stop, &k->lock, &until);
    }
    pthread_mutex_unlock(&k->lock);
    if (session_ready(k->session, &err) != STATUS_OK ||
        auth_note_use(k->api->auth, k->session, &err) != STATUS_OK)
        log_event(LOG_DEBUG, "key_use_lost", "minutes=1");
    return NULL;
}

struct keeper *keeper_new(struct api *api)
{
    struct keeper *k = memory_new(1, sizeof *k);

    k->api = api;
    k->session = session_new(api->config);
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->stop, NULL);
    if (pthread_create(&k->thread, NULL, keep, k) != 0)
        BUG("no thread to be had");
    return k;
}

void keeper_free(struct keeper *k)
{
    pthread_mutex_lock(&k->lock);
    k->stopping = true;
    pthread_cond_signal(&k->stop);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    session_free(k->session);
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->stop);
    free(k);
}
