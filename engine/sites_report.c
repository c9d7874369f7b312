#include "sites_report.h"
#include "base/clock.h"
#include "egress/here.h"
#include "loop/pg.h"
#include "sites.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define US_A_SECOND INT64_C(1000000)

enum {
    REPORT_AGAIN_US = 60 * 1000000, /* though nothing has changed */
    SOON_US = 1000000,
};

static int64_t wall_of(int64_t mono_us)
{
    return mono_us == PACE_NEVER_US
               ? INT64_MAX
               : mono_us - sites_now_us() + clock_wall_us();
}

static int64_t mono_of(int64_t wall_us)
{
    if (wall_us == INT64_MAX || wall_us == INT64_MIN)
        return wall_us == INT64_MAX ? PACE_NEVER_US : 0;
    return wall_us - clock_wall_us() + sites_now_us();
}

void sites_label(const struct pace_site *s, char *out)
{
    snprintf(out, SITES_LABEL_MAX, "%s%s", pace_is_relay(s) ? SITES_RELAY : "",
             pace_name(s));
}

/* ---- The store is told ---- */

static char *replies_of(const struct pace_site *site)
{
    const struct pace_reply *replies;
    size_t n = pace_replies(site, &replies);
    json_t *list = json_array();
    char *text;

    for (size_t i = 0; i < n; i++) {
        char last[CLOCK_RFC3339_MAX];

        clock_rfc3339(wall_of(replies[i].last_us), last);
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:s}", "text", replies[i].text, "count",
                            (json_int_t)replies[i].n, "last", last));
    }
    text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

static bool wants_report(const struct pace_ledger *l, int64_t now_us)
{
    if (l->changes == l->changes_told && l->waiting == 0 &&
        l->stranded == l->stranded_told)
        return false;
    return l->changes != l->changes_told || l->stranded != l->stranded_told ||
           now_us - l->told_us >= REPORT_AGAIN_US;
}

/* The sites that are to be told of, from where the last report ended. */
static size_t choose(const struct pace *pace, size_t *at,
                     struct pace_site **out, int64_t now_us)
{
    size_t n = 0;
    struct pace_site *site;

    while (n < SITES_REPORT_MAX && (site = pace_next(pace, at)))
        if (wants_report(pace_ledger(site), now_us))
            out[n++] = site;
    if (n < SITES_REPORT_MAX)
        *at = 0;
    return n;
}

static void add_text(struct args *args, const char *text)
{
    args_element_text(args, text, strlen(text));
}

enum column {
    COLUMN_SITE,
    COLUMN_LANE,
    COLUMN_CONNECTIONS,
    COLUMN_WAITING,
    COLUMN_RATE,
    COLUMN_WHY,
    COLUMN_UNTIL,
    COLUMN_LIMITS,
    COLUMN_REPLIES,
    COLUMNS,
};

static const enum args_element types[COLUMNS] = {
    [COLUMN_SITE] = ARGS_ELEMENT_TEXT,
    [COLUMN_LANE] = ARGS_ELEMENT_TEXT,
    [COLUMN_CONNECTIONS] = ARGS_ELEMENT_INT,
    [COLUMN_WAITING] = ARGS_ELEMENT_BIGINT,
    [COLUMN_RATE] = ARGS_ELEMENT_BIGINT,
    [COLUMN_WHY] = ARGS_ELEMENT_TEXT,
    [COLUMN_UNTIL] = ARGS_ELEMENT_TIME,
    [COLUMN_LIMITS] = ARGS_ELEMENT_TEXT,
    [COLUMN_REPLIES] = ARGS_ELEMENT_TEXT,
};

/* Mails a minute since the last report. */
static int64_t rate_of(const struct pace_ledger *l, int64_t now_us)
{
    int64_t passed_us = now_us - l->told_us;

    if (l->told_us == 0 || passed_us <= 0)
        return 0;
    return (int64_t)(l->sent - l->sent_told) * 60 * US_A_SECOND / passed_us;
}

static void add_until(struct args *args, struct pace_site *site, int64_t now_us)
{
    int64_t parked_us, until_us = pace_next_us(site, now_us);
    bool waits =
        pace_parked(site, now_us, &parked_us) || pace_ledger(site)->waiting > 0;

    if (waits && until_us != PACE_NEVER_US && until_us > now_us + SOON_US)
        args_element_time(args, wall_of(until_us));
    else
        args_element_null(args);
}

static void add_cell(struct args *args, struct pace_site *site,
                     enum column column, int64_t now_us)
{
    char text[LIMITS_TEXT_MAX + PACE_WHY_MAX + SITES_LABEL_MAX];
    struct lane_share share = pace_share(site);
    int64_t until_us;
    char *replies;

    switch (column) {
    case COLUMN_SITE:
        sites_label(site, text);
        add_text(args, text);
        break;
    case COLUMN_LANE:
        snprintf(text, sizeof text, "%u/%u", share.mine + 1, share.n);
        add_text(args, share.n ? text : "");
        break;
    case COLUMN_CONNECTIONS:
        args_element_int(args, (int32_t)pace_open(site));
        break;
    case COLUMN_WAITING:
        args_element_bigint(args, (int64_t)pace_ledger(site)->waiting);
        break;
    case COLUMN_RATE:
        args_element_bigint(args, rate_of(pace_ledger(site), now_us));
        break;
    case COLUMN_WHY:
        pace_why(site, now_us, text);
        if (pace_ledger(site)->fault && !pace_parked(site, now_us, &until_us))
            snprintf(text, sizeof text, "%s", pace_ledger(site)->fault);
        add_text(args, text);
        break;
    case COLUMN_UNTIL: add_until(args, site, now_us); break;
    case COLUMN_LIMITS:
        limits_text(pace_limits(site), text);
        add_text(args, text);
        break;
    case COLUMN_REPLIES:
        replies = replies_of(site);
        add_text(args, replies ? replies : "[]");
        free(replies);
        break;
    case COLUMNS: break;
    }
}

static void tell(struct pace_ledger *l, int64_t now_us)
{
    /* One that moves is told again; then it is at rest. */
    l->changes_told = l->sent != l->sent_told ? l->changes - 1 : l->changes;
    l->sent_told = l->sent;
    l->stranded_told = l->stranded;
    l->told_us = now_us;
}

bool sites_report_args(struct pace *pace, int worker, size_t *at,
                       struct args *args)
{
    struct pace_site *sites[SITES_REPORT_MAX];
    int64_t now_us = sites_now_us();
    size_t n = choose(pace, at, sites, now_us);

    if (n == 0)
        return false;
    args_reset(args);
    args_int(args, worker);
    for (int column = 0; column < COLUMNS; column++) {
        args_array_start(args, types[column]);
        for (size_t i = 0; i < n; i++)
            add_cell(args, sites[i], (enum column)column, now_us);
        args_array_end(args);
    }
    for (size_t i = 0; i < n; i++)
        tell(pace_ledger(sites[i]), now_us);
    return true;
}

/* "ADDRESS TIME ADDRESS TIME"; nameless: who has no name stands as that. */
static void add_blamed(struct args *args, const struct pace_blamed *list,
                       size_t n, const char *nameless)
{
    char text[PACE_CAMPAIGNS_MAX * (PACE_ID_TEXT + 24)] = "";
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        if (list[i].until_us)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %lld",
                                    len ? " " : "",
                                    list[i].name[0] ? list[i].name : nameless,
                                    (long long)wall_of(list[i].until_us));
    add_text(args, text);
}

/* Who is blamed, by which reply; and after which order that was heard. */
static void add_blame(struct args *args, struct pace_site *const *sites,
                      const struct pace_saved *saved, size_t n,
                      const char *host)
{
    args_array_start(args, ARGS_ELEMENT_TEXT);
    for (size_t i = 0; i < n; i++)
        add_blamed(args, saved[i].sources, PACE_SOURCES_MAX, host);
    args_array_end(args);
    args_array_start(args, ARGS_ELEMENT_TEXT);
    for (size_t i = 0; i < n; i++)
        add_blamed(args, saved[i].campaigns, PACE_CAMPAIGNS_MAX, "-");
    args_array_end(args);
    args_array_start(args, ARGS_ELEMENT_TEXT);
    for (size_t i = 0; i < n; i++)
        add_text(args, saved[i].campaign_why);
    args_array_end(args);
    args_array_start(args, ARGS_ELEMENT_TIME);
    for (size_t i = 0; i < n; i++)
        args_element_time(args, pace_ledger(sites[i])->retried_us);
    args_array_end(args);
}

/* 0, where there is a lane, is: no bound. */
static void add_bound(struct args *args, const struct pace_saved *saved,
                      double bound)
{
    if (saved->has_lane)
        args_element_bigint(args, (int64_t)(bound * 1000));
    else
        args_element_null(args);
}

static void add_time(struct args *args, int64_t mono_us)
{
    if (mono_us)
        args_element_time(args, wall_of(mono_us));
    else
        args_element_null(args);
}

/* Bounds and suspensions, or that they are gone. */
static void add_bounds(struct args *args, const struct pace_saved *saved,
                       size_t n)
{
    args_array_start(args, ARGS_ELEMENT_BIGINT);
    for (size_t i = 0; i < n; i++)
        add_bound(args, &saved[i], saved[i].rate);
    args_array_end(args);
    args_array_start(args, ARGS_ELEMENT_BIGINT);
    for (size_t i = 0; i < n; i++)
        add_bound(args, &saved[i], saved[i].lines);
    args_array_end(args);
    args_array_start(args, ARGS_ELEMENT_TIME);
    for (size_t i = 0; i < n; i++)
        add_time(args, saved[i].shut_until_us);
    args_array_end(args);
    args_array_start(args, ARGS_ELEMENT_TIME);
    for (size_t i = 0; i < n; i++)
        add_time(args, saved[i].suspended_until_us);
    args_array_end(args);
    args_array_start(args, ARGS_ELEMENT_TEXT);
    for (size_t i = 0; i < n; i++)
        add_text(args, saved[i].why);
    args_array_end(args);
}

static void add_names(struct args *args, struct pace_site *const *sites,
                      size_t n)
{
    char label[SITES_LABEL_MAX];

    args_array_start(args, ARGS_ELEMENT_TEXT);
    for (size_t i = 0; i < n; i++) {
        sites_label(sites[i], label);
        add_text(args, label);
    }
    args_array_end(args);
}

static bool is_bounded(const struct pace_saved *saved)
{
    bool blamed = false;

    for (size_t i = 0; i < PACE_SOURCES_MAX; i++)
        blamed |= saved->sources[i].until_us != 0;
    for (size_t i = 0; i < PACE_CAMPAIGNS_MAX; i++)
        blamed |= saved->campaigns[i].until_us != 0;
    return saved->rate > 0 || saved->lines > 0 || saved->shut_until_us ||
           blamed;
}

bool sites_learned_args(struct pace *pace, int worker, const char *host,
                        struct args *args)
{
    struct pace_site *sites[SITES_REPORT_MAX], *site;
    struct pace_saved saved[SITES_REPORT_MAX];
    int64_t now_us = sites_now_us();
    size_t n = 0, at = 0;

    while (n < SITES_REPORT_MAX && (site = pace_next(pace, &at))) {
        struct pace_ledger *l = pace_ledger(site);

        if (l->changes == l->changes_learned)
            continue;
        pace_save(site, now_us, &saved[n]);
        l->changes_learned = l->changes;
        if (!is_bounded(&saved[n]) && l->learned_us == 0)
            continue;
        l->learned_us = is_bounded(&saved[n]) ? now_us : 0;
        sites[n++] = site;
    }
    if (n == 0)
        return false;
    args_reset(args);
    add_names(args, sites, n);
    add_bounds(args, saved, n);
    add_blame(args, sites, saved, n, host);
    args_int(args, worker);
    return true;
}

/* ---- The store tells ---- */

/* As add_blamed writes it: the next one of a list. */
static bool next_blamed(const char **text, struct pace_blamed *out)
{
    long long wall_us;
    int used = 0;

    memset(out, 0, sizeof *out);
    if (sscanf(*text, "%47s %lld%n", out->name, &wall_us, &used) != 2)
        return false;
    out->until_us = mono_of(wall_us);
    *text += used;
    return true;
}

/* What another machine's address is blamed for does not concern us. */
static bool is_ours(const char *host, struct pace_blamed *source)
{
    struct sockaddr_storage at;
    socklen_t len;

    if (source->name[0] != '@')
        return egress_address(source->name, &at, &len) &&
               egress_here(&at, len) == 0;
    if (strcmp(source->name, host) != 0)
        return false;
    source->name[0] = '\0';
    return true;
}

static void read_sources(struct pace_saved *saved, const char *text,
                         const char *host)
{
    struct pace_blamed one;
    int64_t now_us = sites_now_us();
    size_t n = 0;

    while (n < PACE_SOURCES_MAX && next_blamed(&text, &one))
        if (one.until_us > now_us && is_ours(host, &one))
            saved->sources[n++] = one;
}

static void read_campaigns(struct pace_saved *saved, const char *text)
{
    size_t n = 0;

    while (n < PACE_CAMPAIGNS_MAX && next_blamed(&text, &saved->campaigns[n]))
        n++;
}

void sites_read_learned(const PGresult *rows, int row, const char *host,
                        struct pace_saved *out)
{
    *out = (struct pace_saved){
        .rate = (double)pg_bigint(rows, row, 1) / 1000,
        .lines = (double)pg_bigint(rows, row, 2) / 1000,
        .suspended_until_us = mono_of(pg_time(rows, row, 3)),
    };
    snprintf(out->why, sizeof out->why, "%s", PQgetvalue(rows, row, 4));
    read_sources(out, PQgetvalue(rows, row, 5), host);
    read_campaigns(out, PQgetvalue(rows, row, 6));
    snprintf(out->campaign_why, sizeof out->campaign_why, "%s",
             PQgetvalue(rows, row, 7));
}
