#include "suppress/suppress.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/suppress/suppress.sql.h"
#include "loop/pg.h"
#include "mail/address.h"
#include "suppress/set.h"
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 50,
    ASK_MS = 1000, /* even when nothing was said */
    PAGE_ROWS = 20000,
    SNAPSHOT_MAX = 8192, /* bytes: it lists open transactions */
};

/* Where the last page ended. */
struct place {
    int64_t project;
    char address[ADDRESS_MAX];
};

struct suppress {
    const struct config *config;
    struct pg *pg;
    uv_timer_t *tick; /* heap: outlives us until libuv lets go */
    struct set set;   /* what serves */
    struct set fresh; /* while all is read: what will */
    bool known, loading, wanted;
    int64_t asked_ms;
    char seen[SNAPSHOT_MAX]; /* all that this one sees is known; "": load */
    char next[SNAPSHOT_MAX]; /* up to where we are reading; "": not now */
    struct place place;
    struct args args;
};

static const struct pg_statement listen_ = {"suppress_listen",
                                            SQL_SUPPRESS_LISTEN};
static const struct pg_statement plan = {"suppress_plan", SQL_SUPPRESS_PLAN};
static const struct pg_statement snapshot = {"suppress_snapshot",
                                             SQL_SUPPRESS_SNAPSHOT};
static const struct pg_statement page = {"suppress_page", SQL_SUPPRESS_PAGE};
static const struct pg_statement changes = {"suppress_changes",
                                            SQL_SUPPRESS_CHANGES};

/* ---- Reading ---- */

static struct set_state state_at(const PGresult *r, int row)
{
    struct set_state state = {0};

    if (!PQgetisnull(r, row, 2) && !PQgetisnull(r, row, 3) &&
        suppression_find(PQgetvalue(r, row, 3), &state.reason))
        state.until_us = pg_time(r, row, 2);
    if (!PQgetisnull(r, row, 4))
        state.unsubscribed_until_us = pg_time(r, row, 4);
    return state;
}

static void take_rows(struct suppress *s, const PGresult *r)
{
    struct set *set = s->loading ? &s->fresh : &s->set;

    for (int row = 0; row < PQntuples(r); row++) {
        struct set_state state = state_at(r, row);
        const char *address = PQgetvalue(r, row, 1);

        s->place.project = pg_bigint(r, row, 0);
        snprintf(s->place.address, sizeof s->place.address, "%s", address);
        set_put(set, s->place.project, address, strlen(address), &state);
    }
}

/* Everything that the snapshot saw has come in. */
static void take_over(struct suppress *s)
{
    memcpy(s->seen, s->next, sizeof s->seen);
    s->next[0] = 0;
    if (!s->loading)
        return;
    set_fini(&s->set);
    s->set = s->fresh;
    s->loading = false;
    s->known = true;
    log_event(LOG_INFO, "suppressions_read", "addresses=%zu", s->set.n);
}

static void failed(struct suppress *s, const PGresult *r)
{
    char why[LOG_QUOTE_MAX];

    s->next[0] = 0;
    if (s->loading)
        set_fini(&s->fresh);
    s->loading = false;
    log_event(LOG_WARN, "suppressions_unread", "why=%s",
              log_quote(pg_why(r), why));
}

static void ask_page(struct suppress *s);

static void on_page(void *arg, const PGresult *r)
{
    struct suppress *s = arg;

    if (!r || PQresultStatus(r) != PGRES_TUPLES_OK) {
        failed(s, r);
        return;
    }
    take_rows(s, r);
    if (PQntuples(r) == PAGE_ROWS)
        ask_page(s);
    else
        take_over(s);
}

static void ask_page(struct suppress *s)
{
    args_reset(&s->args);
    args_bigint(&s->args, s->place.project);
    args_text(&s->args, s->place.address, strlen(s->place.address));
    args_int(&s->args, PAGE_ROWS);
    if (!s->loading) {
        args_text(&s->args, s->seen, strlen(s->seen));
        args_text(&s->args, s->next, strlen(s->next));
    }
    pg_send(s->pg, s->loading ? &page : &changes, &s->args, on_page, s);
    pg_sync(s->pg);
}

/* A snapshot that names too many transactions to be kept is waited out: the
 * next one is asked for in a second. */
static void on_snapshot(void *arg, const PGresult *r)
{
    struct suppress *s = arg;

    if (!r || PQresultStatus(r) != PGRES_TUPLES_OK) {
        failed(s, r);
        return;
    }
    const char *text = PQgetvalue(r, 0, 0);

    if (strcmp(text, s->seen) == 0 || strlen(text) >= sizeof s->next)
        return;
    snprintf(s->next, sizeof s->next, "%s", text);
    s->place = (struct place){.project = INT64_MIN};
    s->loading = s->seen[0] == 0;
    if (s->loading)
        set_init(&s->fresh);
    ask_page(s);
}

static void on_tick(uv_timer_t *timer)
{
    struct suppress *s = timer->data;
    int64_t now_ms = clock_mono_ms();

    if (!pg_is_idle(s->pg) || s->next[0] ||
        (!s->wanted && now_ms - s->asked_ms < ASK_MS))
        return;
    s->wanted = false;
    s->asked_ms = now_ms;
    pg_send(s->pg, &snapshot, NULL, on_snapshot, s);
    pg_sync(s->pg);
}

static void on_up(struct pg *pg, void *owner)
{
    struct suppress *s = owner;

    s->seen[0] = 0;
    s->wanted = true;
    pg_send(pg, &listen_, NULL, NULL, NULL);
    pg_send(pg, &plan, NULL, NULL, NULL);
    pg_sync(pg);
}

static void on_down(struct pg *pg, const char *why, void *owner)
{
    (void)pg, (void)why, (void)owner; /* loop/pg logs it and connects again */
}

static void on_notified(struct pg *pg, const char *channel, const char *payload,
                        void *owner)
{
    struct suppress *s = owner;

    (void)pg, (void)channel;
    s->wanted |= strcmp(payload, "suppressions") == 0;
}

/* ---- Coming and going ---- */

struct suppress *suppress_new(uv_loop_t *loop, const struct config *config,
                              const char *conninfo)
{
    static const struct pg_events events = {on_up, on_down, on_notified};
    struct suppress *s = memory_new(1, sizeof *s);

    s->config = config;
    set_init(&s->set);
    s->pg = pg_new(loop, "suppress", conninfo, &events, s);
    s->tick = memory_new(1, sizeof *s->tick);
    uv_timer_init(loop, s->tick);
    s->tick->data = s;
    uv_timer_start(s->tick, on_tick, 0, TICK_MS);
    return s;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void suppress_free(struct suppress *s)
{
    if (!s)
        return;
    uv_timer_stop(s->tick);
    uv_close((uv_handle_t *)s->tick, free_handle);
    pg_free(s->pg);
    args_fini(&s->args);
    set_fini(&s->set);
    if (s->loading)
        set_fini(&s->fresh);
    free(s);
}

bool suppress_is_known(const struct suppress *s)
{
    return s->known;
}

const char *suppress_why(const struct suppress *s, int64_t project,
                         const char *address, bool campaign)
{
    enum suppression reason;

    if (!set_has(&s->set, project, address, strlen(address),
                 campaign || s->config->unsubscribed_means_all, clock_wall_us(),
                 &reason))
        return NULL;
    return suppression_text(reason);
}
