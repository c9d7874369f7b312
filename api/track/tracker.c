#include "api/track/tracker.h"
#include "api/json.h"
#include "api/session.h"
#include "api/track/tracker.sql.h"
#include "base/buf.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    TRACKER_BYTES_MAX = 8 * 1024 * 1024, /* of one statement */
    TRACKER_QUICK_SECONDS = 2, /* after delivery: nobody reads so fast */
    TRACKER_COUNTERS = 1 << 16,
};

/* How many events mails had lately. Mails share counters by chance: that one
 * is so unlucky beside a flood is no harm. */
struct counter {
    uint32_t period, n;
};

struct tracker {
    struct session *session;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct buf waiting; /* "{...},{...}" */
    size_t n_waiting, n_dropped;
    struct counter *counters;
    bool stopping;
};

/* ---- Machines ---- */

/* Gmail and Yahoo fetch pictures for a reader at that moment; Apple's Mail
 * Privacy Protection fetches all of them, read or not, and calls itself no more
 * than Mozilla/5.0. */
bool track_agent_is_machine(const char *agent, enum track_kind kind)
{
    static const char *const names[] = {
        "bot",         "crawler",     "spider",          "Barracuda",
        "Mimecast",    "Proofpoint",  "SafeLinks",       "FireEye",
        "Cloudmark",   "BitDefender", "Symantec",        "headless",
        "curl/",       "Wget/",       "python-requests", "Go-http-client",
        "libwww-perl", "okhttp",      "Java/",           "node-fetch"};
    static const char *const proxies[] = {"GoogleImageProxy", "ggpht.com",
                                          "YahooMailProxy"};

    if (!agent || !agent[0] || strcmp(agent, "Mozilla/5.0") == 0)
        return true;
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
        if (strcasestr(agent, proxies[i]))
            return kind != TRACK_OPENED;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasestr(agent, names[i]))
            return true;
    return false;
}

/* ---- Gathering ---- */

static void write_event(struct buf *out, const struct track_event *e)
{
    size_t agent_len = e->agent ? strnlen(e->agent, TRACKER_AGENT_MAX) : 0;

    buf_addf(out,
             "%s{\"batch\":%lld,\"seq\":%d,\"at\":%lld,\"kind\":\"%s\","
             "\"machine\":%s",
             out->len > 0 ? "," : "", (long long)e->mail.batch,
             (int)e->mail.seq, (long long)clock_wall_us(),
             e->kind == TRACK_OPENED ? "opened" : "clicked",
             e->machine ? "true" : "false");
    if (e->link >= 0)
        buf_addf(out, ",\"link\":%d", e->link);
    if (e->url) {
        buf_add_text(out, ",\"url\":");
        json_add_text(out, e->url);
    }
    if (agent_len > 0) {
        buf_add_text(out, ",\"agent\":");
        json_add_text_n(out, e->agent, agent_len);
    }
    buf_add_char(out, '}');
}

/* Somebody who asks for one pixel again and again fills no table. */
static bool is_too_many(struct tracker *t, struct mailid mail)
{
    uint64_t key = (uint64_t)mail.batch * UINT64_C(0x9e3779b97f4a7c15) +
                   (uint64_t)mail.seq * UINT64_C(0xc2b2ae3d27d4eb4f);
    struct counter *c = &t->counters[key >> 48 & (TRACKER_COUNTERS - 1)];
    uint32_t period = (uint32_t)(clock_mono_ms() / 1000 / TRACKER_MAIL_SECONDS);

    if (c->period != period)
        *c = (struct counter){.period = period};
    return c->n++ >= TRACKER_MAIL_EVENTS_MAX;
}

void tracker_add(struct tracker *t, const struct track_event *event)
{
    pthread_mutex_lock(&t->lock);
    if (is_too_many(t, event->mail) || t->n_waiting >= TRACKER_QUEUED_MAX ||
        t->waiting.len > TRACKER_BYTES_MAX) {
        t->n_dropped++;
    } else {
        write_event(&t->waiting, event);
        t->n_waiting++;
    }
    pthread_mutex_unlock(&t->lock);
}

/* ---- Writing ---- */

/* Takes what waits; false if nothing does. */
static bool take(struct tracker *t, struct buf *out)
{
    size_t dropped;

    pthread_mutex_lock(&t->lock);
    buf_reset(out);
    if (t->n_waiting > 0) {
        buf_add_char(out, '[');
        buf_add(out, t->waiting.data, t->waiting.len);
        buf_add_char(out, ']');
    }
    buf_reset(&t->waiting);
    t->n_waiting = 0;
    dropped = t->n_dropped;
    t->n_dropped = 0;
    pthread_mutex_unlock(&t->lock);
    if (dropped > 0)
        log_event(LOG_WARN, "events_dropped", "events=%zu", dropped);
    return out->len > 0;
}

static enum status store(struct tracker *t, const struct buf *events,
                         struct error *err)
{
    char quick[16];
    const char *params[] = {events->data, quick};
    enum status status = session_ready(t->session, err);

    snprintf(quick, sizeof quick, "%d", TRACKER_QUICK_SECONDS);
    if (status == STATUS_OK)
        status =
            session_run(t->session, SQL_TRACKER_EVENTS, params, 2, NULL, err);
    return status;
}

static void pause_for(struct tracker *t)
{
    int64_t until_us = clock_wall_us() + TRACKER_PAUSE_MS * INT64_C(1000);
    struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};

    pthread_mutex_lock(&t->lock);
    if (!t->stopping)
        pthread_cond_timedwait(&t->wake, &t->lock, &until);
    pthread_mutex_unlock(&t->lock);
}

static bool is_stopping(struct tracker *t)
{
    bool stopping;

    pthread_mutex_lock(&t->lock);
    stopping = t->stopping;
    pthread_mutex_unlock(&t->lock);
    return stopping;
}

/* A group that could not be written is tried again until it can, or until the
 * database says that it never will. */
static void *work(void *context)
{
    struct tracker *t = context;
    struct buf events = {0};
    bool stopping = false;

    while (!stopping) {
        struct error err;
        enum status status = STATUS_OK;
        char why[LOG_QUOTE_MAX];

        pause_for(t);
        stopping = is_stopping(t);
        if (events.len > 0 || take(t, &events))
            status = store(t, &events, &err);
        if (status != STATUS_OK && status != STATUS_UNAVAILABLE)
            log_event(LOG_ERROR, "events_lost", "why=%s",
                      log_quote(err.text, why));
        if (status != STATUS_UNAVAILABLE)
            buf_reset(&events);
    }
    buf_fini(&events);
    return NULL;
}

struct tracker *tracker_new(const struct config *config)
{
    struct tracker *t = memory_new(1, sizeof *t);

    t->session = session_new(config);
    t->counters = memory_new(TRACKER_COUNTERS, sizeof *t->counters);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, NULL);
    if (pthread_create(&t->thread, NULL, work, t) != 0)
        BUG("no thread to be had");
    return t;
}

void tracker_free(struct tracker *t)
{
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    session_free(t->session);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->wake);
    buf_fini(&t->waiting);
    free(t->counters);
    free(t);
}
