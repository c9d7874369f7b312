#include "route/route.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "egress/warmup.h"
#include "engine/route/route.sql.h"
#include "loop/pg.h"
#include "mail/domain.h"
#include <stdlib.h>
#include <string.h>

enum {
    ROUTE_TICK_MS = 200,
    ROUTE_RETRY_MS = 1000, /* until the rules are known */
    ROUTE_REFRESH_MS = 60 * 1000,
    ROUTE_ASKED_MAX = 16, /* token endpoints at once */
};

struct route {
    struct relay_world world; /* theirs */
    const struct config *config;
    void (*changed)(void *owner);
    void *owner;
    struct pg *pg;
    uv_timer_t *tick; /* heap: outlives us until libuv lets go */
    bool known, wanted;
    bool torn; /* a rule names a relay that was not read */
    int64_t asked_ms;
    struct args args;

    struct route_way standard; /* what the setting says */
    struct relay *sandbox;     /* NULL if it can't be reached */
    char *ca_file;             /* the settings' own is gone once read again */
    struct map relays;         /* by name; they stay */
    struct sources sources;
    bool sources_changed; /* since the rules were taken */
    struct rule *rules, *fresh;
    size_t n, n_fresh;
};

static const struct pg_statement read_relays = {"route_relays",
                                                SQL_ROUTE_RELAYS};
static const struct pg_statement read_sources = {"route_sources",
                                                 SQL_ROUTE_SOURCES};
static const struct pg_statement read_rules = {"route_rules", SQL_ROUTE_RULES};
static const struct pg_statement begin = {"route_begin", SQL_ROUTE_BEGIN};
static const struct pg_statement commit = {"route_commit", SQL_ROUTE_COMMIT};
static const struct pg_statement rollback = {"route_rollback",
                                             SQL_ROUTE_ROLLBACK};
static const struct pg_statement listen_ = {"route_listen", SQL_ROUTE_LISTEN};

static bool has_rows(const PGresult *r)
{
    return r && PQresultStatus(r) == PGRES_TUPLES_OK;
}

/* ---- What the store says ---- */

static void complain(const char *relay, const char *field,
                     const struct error *err)
{
    char why[LOG_QUOTE_MAX];

    log_event(LOG_ERROR, "relay_unusable", "relay=%s field=%s why=%s", relay,
              field, log_quote(err->text, why));
}

/* Without what makes no sense, the login fails and mail waits. */
static struct oauth_settings oauth_at(const PGresult *rows, int row)
{
    static const struct oauth_settings none = {"", "", "", "", ""};
    const struct oauth_settings oauth = {
        .token_url = PQgetvalue(rows, row, 6),
        .client_id = PQgetvalue(rows, row, 7),
        .client_secret = PQgetvalue(rows, row, 8),
        .refresh_token = PQgetvalue(rows, row, 9),
        .scope = PQgetvalue(rows, row, 10),
    };
    const char *field;
    struct error err;

    if (!*oauth.token_url)
        return none;
    if (oauth_settings_check(&oauth, &field, &err) == STATUS_OK)
        return oauth;
    complain(PQgetvalue(rows, row, 0), field, &err);
    return none;
}

static struct relay *take_relay(struct route *r, const PGresult *rows, int row)
{
    const struct relay_access access = {
        .tls = PQgetvalue(rows, row, 2),
        .login = PQgetvalue(rows, row, 3),
        .username = PQgetvalue(rows, row, 4),
        .secret = PQgetvalue(rows, row, 5),
        .oauth = oauth_at(rows, row),
    };
    const char *name = PQgetvalue(rows, row, 0);
    struct relay *relay = map_get(&r->relays, name);
    struct error err;

    if (!relay) {
        relay = relay_new(&r->world, name);
        map_put(&r->relays, name, relay);
    }
    relay_access(relay, &access);
    if (relay_servers(relay, PQgetvalue(rows, row, 1), &err) != STATUS_OK)
        complain(name, "servers", &err);
    return relay;
}

/* Mail in hand may still point to one that is gone: it stays, but does nothing.
 */
static void retire_others(struct route *r, const struct map *named)
{
    size_t at = 0;

    for (struct relay *relay; (relay = map_next(&r->relays, &at));)
        if (!map_get(named, relay_name(relay)))
            relay_retire(relay);
}

static void on_relays(void *arg, const PGresult *rows)
{
    struct route *r = arg;
    struct map named = {0};

    if (!has_rows(rows))
        return;
    for (int row = 0; row < PQntuples(rows); row++)
        map_put(&named, PQgetvalue(rows, row, 0), take_relay(r, rows, row));
    retire_others(r, &named);
    map_fini(&named);
}

static enum rule_via via_of(const char *text)
{
    if (strcmp(text, "relay") == 0)
        return RULE_RELAY;
    return strcmp(text, "sandbox") == 0 ? RULE_SANDBOX : RULE_DIRECT;
}

/* What is named and was not read must not pass for "none". */
static struct relay *relay_named(struct route *r, const char *name)
{
    struct relay *relay = map_get(&r->relays, name);

    if (*name && !relay) {
        log_event(LOG_ERROR, "routes_torn", "relay=%s", name);
        r->torn = true;
    }
    return relay;
}

static struct rule rule_at(struct route *r, const PGresult *rows, int row)
{
    struct rule rule;

    memset(&rule, 0, sizeof rule); /* they are compared as bytes */
    rule.id = pg_bigint(rows, row, 8);
    rule.project = pg_bigint(rows, row, 0);
    rule.class = pg_int(rows, row, 1);
    rule.via = via_of(PQgetvalue(rows, row, 4));
    snprintf(rule.sender, sizeof rule.sender, "%s", PQgetvalue(rows, row, 2));
    snprintf(rule.recipient, sizeof rule.recipient, "%s",
             PQgetvalue(rows, row, 3));
    rule.relay = relay_named(r, PQgetvalue(rows, row, 5));
    rule.fallback = relay_named(r, PQgetvalue(rows, row, 6));
    rule.pool = sources_pool(&r->sources, PQgetvalue(rows, row, 7));
    r->torn |= rule.via == RULE_RELAY && !rule.relay;
    return rule;
}

static bool same_rules(const struct route *r)
{
    return r->n == r->n_fresh &&
           (r->n == 0 ||
            memcmp(r->rules, r->fresh, r->n * sizeof *r->rules) == 0);
}

static void on_sources(void *arg, const PGresult *rows)
{
    struct route *r = arg;

    if (has_rows(rows))
        r->sources_changed |= sources_take(&r->sources, rows);
}

static void take_fresh(struct route *r)
{
    bool same = r->known && same_rules(r) && !r->sources_changed;

    r->sources_changed = false;
    free(r->rules);
    r->rules = r->fresh;
    r->n = r->n_fresh;
    r->fresh = NULL;
    r->known = true;
    if (!same) {
        log_event(LOG_INFO, "routes", "rules=%zu", r->n);
        r->changed(r->owner);
    }
}

/* All of them are good, or the ones from before stay. */
static void on_rules(void *arg, const PGresult *rows)
{
    struct route *r = arg;
    char why[LOG_QUOTE_MAX];

    if (!has_rows(rows)) {
        log_event(LOG_WARN, "routes_unread", "why=%s",
                  log_quote(pg_why(rows), why));
        return;
    }
    r->torn = false;
    r->n_fresh = (size_t)PQntuples(rows);
    r->fresh = memory_new(r->n_fresh + 1, sizeof *r->fresh);
    for (int row = 0; row < PQntuples(rows); row++)
        r->fresh[row] = rule_at(r, rows, row);
    if (!r->torn) {
        take_fresh(r);
        return;
    }
    free(r->fresh);
    r->fresh = NULL;
}

static void on_commit(void *arg, const PGresult *result)
{
    struct route *r = arg;

    if (pg_command_is(result, "COMMIT") || !pg_is_up(r->pg))
        return;
    pg_send(r->pg, &rollback, NULL, NULL, NULL);
    pg_sync(r->pg);
}

/* As of one moment: a rule is never without the relay that it names. */
static void read_all(struct route *r)
{
    args_reset(&r->args);
    pg_send(r->pg, &begin, NULL, NULL, NULL);
    args_int(&r->args, RULES_MAX);
    pg_send(r->pg, &read_relays, &r->args, on_relays, r);
    pg_send(r->pg, &read_sources, &r->args, on_sources, r);
    pg_send(r->pg, &read_rules, &r->args, on_rules, r);
    pg_send(r->pg, &commit, NULL, on_commit, r);
    pg_sync(r->pg);
}

static void on_tick(uv_timer_t *timer)
{
    struct route *r = timer->data;
    int64_t now_ms = clock_mono_ms();
    int64_t pause_ms = r->known && !r->torn ? ROUTE_REFRESH_MS : ROUTE_RETRY_MS;

    if (!pg_is_idle(r->pg) || (!r->wanted && now_ms - r->asked_ms < pause_ms))
        return;
    r->wanted = false;
    r->asked_ms = now_ms;
    read_all(r);
}

static void on_up(struct pg *pg, void *owner)
{
    struct route *r = owner;

    r->wanted = true;
    pg_send(pg, &listen_, NULL, NULL, NULL);
    pg_sync(pg);
}

static void on_down(struct pg *pg, const char *why, void *owner)
{
    (void)pg, (void)why, (void)owner; /* loop/pg logs it and connects again */
}

static void on_notified(struct pg *pg, const char *channel, const char *payload,
                        void *owner)
{
    struct route *r = owner;

    (void)pg, (void)channel;
    r->wanted |= strcmp(payload, "routes") == 0;
}

/* ---- Asking ---- */

bool route_is_known(const struct route *r)
{
    return r->known;
}

static struct route_way way_of(const struct route *r, const struct rule *rule)
{
    struct route_way way = {
        .rule = rule->id, .kind = ROUTE_RELAY, .pool = rule->pool};

    switch (rule->via) {
    case RULE_DIRECT:
        way.kind = ROUTE_DIRECT;
        way.fallback = rule->fallback;
        break;
    case RULE_SANDBOX: way.relay = r->sandbox; break;
    case RULE_RELAY: way.relay = rule->relay; break;
    }
    return way;
}

/* As rules spell it: with A-labels (RFC 5891). */
static const char *ascii_domain(const char *domain, char out[DOMAIN_MAX])
{
    struct error err;

    if (utf8_is_ascii(domain, strlen(domain)) ||
        domain_ascii(domain, out, &err) != STATUS_OK)
        return domain;
    return out;
}

struct route_way route_of(const struct route *r,
                          const struct rule_question *question)
{
    struct rule_question asked = *question;
    char domain[DOMAIN_MAX];

    asked.recipient = ascii_domain(question->recipient, domain);
    const struct rule *rule = rule_find(r->rules, r->n, &asked);

    return rule ? way_of(r, rule) : r->standard;
}

bool route_named(const struct route *r, const char *via, struct route_way *way)
{
    bool direct = strcmp(via, "direct") == 0;

    *way = (struct route_way){.kind = direct ? ROUTE_DIRECT : ROUTE_RELAY};
    if (!direct)
        way->relay =
            strcmp(via, "sandbox") == 0 ? r->sandbox : map_get(&r->relays, via);
    return direct || way->relay;
}

static bool is_named(const struct relay *relay, const char *name)
{
    return relay && strcmp(relay_name(relay), name) == 0;
}

bool route_names(const struct route *r, const char *relay)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct route_way way = way_of(r, &r->rules[i]);

        if (is_named(way.relay, relay) || is_named(way.fallback, relay))
            return true;
    }
    return is_named(r->standard.relay, relay);
}

static bool asks_nothing(const struct rule *rule)
{
    return rule->project == 0 && rule->class < 0 && !rule->sender[0] &&
           !rule->recipient[0];
}

bool route_is_one(const struct route *r, struct route_way *way)
{
    *way = r->n > 0 ? way_of(r, &r->rules[0]) : r->standard;
    return r->n == 0 || asks_nothing(&r->rules[0]);
}

static size_t add_name(const char **names, size_t n, size_t max,
                       const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return n;
    if (n < max)
        names[n++] = name;
    return n;
}

size_t route_sources(const struct route *r, const char **names, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        const struct source_pool *pool = r->rules[i].pool;

        if (!pool)
            n = add_name(names, n, max, "");
        for (size_t k = 0; pool && k < pool->n; k++)
            n = add_name(names, n, max, pool->at[k].address);
    }
    return r->n > 0 ? n : add_name(names, n, max, "");
}

bool route_wants_sender(const struct route *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->rules[i].sender[0])
            return true;
    return false;
}

/* ---- Coming and going ---- */

static enum status relay_of_setting(struct route *r, const char *setting,
                                    const char *name, const char *servers,
                                    struct relay **out, struct error *err)
{
    struct error why;

    *out = relay_new(&r->world, name);
    if (relay_servers(*out, servers, &why) == STATUS_OK)
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "%s: %s", setting, why.text);
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* As the table `relay` has it for the others. */
static enum status set_access_of_setting(struct route *r, struct error *err)
{
    static const char *const tls[] = {"none", "opportunistic", "required",
                                      "verified", NULL};
    static const char *const logins[] = {
        "none", "auto", "plain", "login", "scram-sha-256", "xoauth2", NULL};
    const struct config *c = r->config;
    const struct relay_access access = {c->relay_tls,
                                        c->relay_login,
                                        c->relay_user,
                                        c->relay_secret,
                                        {"", "", "", "", ""}};
    bool login = strcmp(c->relay_login, "none") != 0;

    if (!is_one_of(c->relay_tls, tls))
        return fail(err, STATUS_INVALID,
                    "relay_tls: none, opportunistic, required or verified is "
                    "expected");
    if (!is_one_of(c->relay_login, logins))
        return fail(err, STATUS_INVALID,
                    "relay_login: none, auto, plain, login, scram-sha-256 or "
                    "xoauth2 is expected");
    if (login && !*c->relay_user)
        return fail(err, STATUS_INVALID, "relay_user: missing for relay_login");
    if (login && !*c->relay_secret)
        return fail(err, STATUS_INVALID,
                    "relay_secret: missing for relay_login");
    relay_access(r->standard.relay, &access);
    return STATUS_OK;
}

static enum status set_standard(struct route *r, struct error *err)
{
    const char *relay = r->config->relay;
    enum status status =
        relay_of_setting(r, "sandbox_listen", "sandbox",
                         r->config->sandbox_listen, &r->sandbox, err);

    r->standard.kind = ROUTE_RELAY;
    if (strcmp(relay, "direct") == 0)
        r->standard.kind = ROUTE_DIRECT;
    else if (strcmp(relay, "sandbox") == 0)
        r->standard.relay = r->sandbox;
    else if (status == STATUS_OK)
        status = relay_of_setting(r, "relay", "relay", relay,
                                  &r->standard.relay, err);
    if (status == STATUS_OK && r->standard.relay &&
        r->standard.relay != r->sandbox)
        status = set_access_of_setting(r, err);
    return status;
}

enum status route_new(uv_loop_t *loop, const struct config *config,
                      const char *conninfo, void (*changed)(void *owner),
                      void *owner, struct route **out, struct error *err)
{
    static const struct pg_events events = {on_up, on_down, on_notified};
    struct route *r = memory_new(1, sizeof *r);

    r->ca_file = text_copy(config->tls_ca_file);
    r->world =
        (struct relay_world){loop, web_new(loop, ROUTE_ASKED_MAX), r->ca_file};
    r->config = config;
    r->changed = changed;
    r->owner = owner;
    enum status status =
        warmup_is_valid(config->warmup_schedule)
            ? set_standard(r, err)
            : fail(err, STATUS_INVALID,
                   "warmup_schedule: numbers from 1 on are expected, separated "
                   "by commas");

    if (status != STATUS_OK) {
        relay_free(r->sandbox);
        if (r->standard.relay != r->sandbox)
            relay_free(r->standard.relay);
        web_free(r->world.web);
        free(r);
        return STATUS_INVALID;
    }
    r->pg = pg_new(loop, "routes", conninfo, &events, r);
    r->tick = memory_new(1, sizeof *r->tick);
    uv_timer_init(loop, r->tick);
    r->tick->data = r;
    uv_timer_start(r->tick, on_tick, 0, ROUTE_TICK_MS);
    *out = r;
    return STATUS_OK;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void route_free(struct route *r)
{
    size_t at = 0;

    if (!r)
        return;
    uv_timer_stop(r->tick);
    uv_close((uv_handle_t *)r->tick, free_handle);
    pg_free(r->pg);
    args_fini(&r->args);
    for (struct relay *relay; (relay = map_next(&r->relays, &at));)
        relay_free(relay);
    map_fini(&r->relays);
    sources_fini(&r->sources);
    if (r->standard.relay != r->sandbox)
        relay_free(r->standard.relay);
    relay_free(r->sandbox);
    web_free(r->world.web);
    free(r->ca_file);
    free(r->rules);
    free(r);
}
