#include "dest.h"
#include "access.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "outlet.h"
#include "render/job.h"
#include "room.h"
#include "unreachable.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEST_ROOM_MS = 100,
    DEST_OPEN_AHEAD_US = 500000, /* of the time that a mail may go */
    DEST_LINE_MS =
        2000, /* a connection is used so long before another's turn */
    DEST_TOKEN_MS = 1000, /* mail is taken that long before a token is asked */
};

void dest_stir(struct dest *t)
{
    if (t->stirred)
        return;
    t->stirred = true;
    t->next_stirred = t->world->stirred;
    t->world->stirred = t;
}

/* ---- A destination's pool asks, and tells ---- */

static int64_t now_us(const struct dest_world *w)
{
    return w->now_ms * 1000;
}

struct pace_keys dest_keys(const struct dest *t, const struct mail *mail)
{
    struct dest_world *w = t->world;
    const char *sender = pace_has_rules(w->pace, PACE_SENDER)
                             ? job_sender_domain(mail->parcel->batch, mail)
                             : NULL;

    return gate_keys(&t->gate, mail->parcel->batch, sender);
}

static bool may_go(void *arg, const struct parcel *p)
{
    struct dest *t = arg;
    struct pace_keys keys = dest_keys(t, parcel_peek(p));

    keys.carried = t->carried;
    return gate_may_send(&t->gate, &keys, now_us(t->world));
}

int64_t dest_now_us(const struct dest *t)
{
    return now_us(t->world);
}

/* Whoever is kept from sending comes back when it is time. */
void dest_wake_at(struct dest *t, int64_t at_us)
{
    int64_t at_ms = at_us / 1000 + 1;

    if (at_us != PACE_NEVER_US && at_ms < t->wake_ms)
        t->wake_ms = at_ms;
}

static enum pool_next on_next(void *owner, enum batch_class class,
                              unsigned carried, struct smtp_message *m)
{
    struct dest *t = owner;
    struct dest_world *w = t->world;
    struct mail *mail;

    t->gate.when_us = PACE_NEVER_US;
    t->gate.worn = false;
    t->carried = carried;
    if (t->sourceless)
        return POOL_NOTHING;
    while (w->events.may_send(w->owner) &&
           (mail = hand_next(&t->hand, class, may_go, t))) {
        struct pace_keys keys = dest_keys(t, mail);

        keys.carried = carried;
        if (w->events.prepare(w->owner, mail, m)) {
            m->sure_host = t->relay || mail->parcel->sure_hosts;
            mail->counted = pace_spend(t->gate.site, &keys, now_us(w));
            return POOL_MAIL;
        }
    }
    if (hand_waiting(&t->hand, class) > 0)
        t->slow.limited_ms = w->now_ms;
    t->held_us[class] = hand_waiting(&t->hand, class) > 0 && !t->gate.worn
                            ? t->gate.when_us
                            : 0;
    dest_wake_at(t, t->gate.when_us);
    if (t->sources) /* another one may be allowed to */
        dest_wake_at(t, now_us(w) + OUTLET_LOOK_MS * 1000);
    return t->gate.worn ? POOL_WORN : POOL_NOTHING;
}

/* Would a new connection have a mail to take? *counts: it is one whose
 * connections are counted, or waits behind such. */
static bool may_begin(void *arg, const struct parcel *p)
{
    struct dest *t = arg;
    const struct pace_keys keys = dest_keys(t, parcel_peek(p));

    t->counts |= pace_counts_connections(t->world->pace, &keys);
    return gate_may_send(&t->gate, &keys, now_us(t->world));
}

/* For what may not go for a while no connection is opened, only to be idle and
 * closed. */
static size_t on_waiting(void *owner, enum batch_class class)
{
    struct dest *t = owner;
    size_t n = hand_waiting(&t->hand, class);

    if (t->held_us[class] > now_us(t->world) + DEST_OPEN_AHEAD_US) {
        dest_wake_at(t, t->held_us[class]);
        return 0;
    }
    if (n == 0 || (t->held_us[class] > 0 && !pace_counts_any(t->world->pace)))
        return n;
    t->counts = false;
    t->carried = 0;
    t->gate.when_us = PACE_NEVER_US;
    if (hand_any(&t->hand, class, may_begin, t))
        return t->counts ? 1 : n; /* one by one: each needs a permit */
    dest_wake_at(t, t->gate.when_us);
    return !t->counts &&
                   t->gate.when_us <= now_us(t->world) + DEST_OPEN_AHEAD_US
               ? n
               : 0;
}

/* The end of a connection that others see and blame. Where no pool is set it is
 * not told from others: there is nothing to change to. */
static const char *blamed(const struct dest *t, const char *source)
{
    if (!t->sources)
        return "";
    return source[0] ? source : t->source;
}

static void on_settled(void *owner, const struct smtp_result *result,
                       const char *peer, const char *source)
{
    struct dest *t = owner;
    struct dest_world *w = t->world;
    struct smtp_result said = *result;
    struct mail *mail = ((const struct job *)result->tag)->mail;
    struct pace_keys keys = dest_keys(t, mail);

    pace_done(w->pace, &keys, mail->counted, now_us(w));
    mail->counted = 0;
    t->slow.settled += !result->untried;
    keys.of[PACE_SOURCE] = blamed(t, source);
    if (said.verdict != VERDICT_DELIVERED) {
        t->source_ms = 0; /* it may be blamed */
        dest_stir(t);     /* what waits may be suspended */
    }
    if (!result->untried)
        gate_outcome(&t->gate, &keys, &said, now_us(w));
    w->events.settled(w->owner, &said, peer, source);
}

static unsigned on_connections(void *owner)
{
    const struct dest *t = owner;
    unsigned most = pace_connections(t->gate.site);
    unsigned ours = (unsigned)t->world->config->site_connections_max;

    /* What a provider takes, or the operator says, may be more. */
    if (pace_limits(t->gate.site)->of[LIMIT_CONNECTIONS] > 0)
        return most;
    return most < ours ? most : ours;
}

static unsigned on_mails(void *owner)
{
    const struct dest *t = owner;

    return pace_mails_per_connection(t->gate.site, t->source);
}

static bool on_may_connect(void *owner, int64_t *when_ms)
{
    struct dest *t = owner;
    int64_t when_us;
    const struct pace_asker by = outlet_asker(t);
    bool may = pace_may_connect(t->gate.site, &by, now_us(t->world), &when_us);

    *when_ms = when_us == PACE_NEVER_US ? INT64_MAX : when_us / 1000 + 1;
    return may;
}

static unsigned on_opened(void *owner)
{
    struct dest *t = owner;

    const struct pace_asker by = outlet_asker(t);

    return pace_opened(t->gate.site, &by, now_us(t->world));
}

/* For the operator; "": it is none, or any more. */
static void note_fault(struct dest *t, const char *text)
{
    struct pace_ledger *ledger = pace_ledger(t->gate.site);

    snprintf(t->fault, sizeof t->fault, "%s", text);
    ledger->changes += ledger->fault != NULL || *text;
    ledger->fault = *text ? t->fault : NULL;
}

static void on_connected(void *owner)
{
    struct dest *t = owner;

    pace_connected(t->gate.site, now_us(t->world));
    note_fault(t, "");
    if (t->relay)
        relay_accepted(t->relay);
}

/* "AUTH: 535 5.7.8 no", or why there was none to be said. */
static void on_login_refused(void *owner, int64_t opened_ms,
                             const struct smtp_end *end)
{
    struct dest *t = owner;
    const char *said = end->code ? strchr(end->why, ' ') : NULL;
    char text[DEST_FAULT_MAX], at[CLOCK_RFC3339_MAX];

    clock_rfc3339(clock_wall_us(), at);
    snprintf(text, sizeof text, "%s%s, at %s",
             said ? "login refused:" : "no login: ", said ? said : end->why,
             at);
    note_fault(t, text);
    if (t->relay && end->code >= 500)
        relay_refused(t->relay, opened_ms);
}

static void on_line_closed(void *owner, unsigned ticket, const char *source,
                           enum pool_life life, unsigned code, const char *why)
{
    struct dest *t = owner;

    if (life == POOL_LIVED)
        pace_disconnected(t->gate.site);

    pace_source_closed(t->world->pace, ticket, now_us(t->world));
    t->source_ms = 0;
    pace_closed(t->gate.site, blamed(t, source), life == POOL_FAILED, code, why,
                now_us(t->world));
}

static void on_unreachable(void *owner, const struct pool_refusal *r)
{
    struct dest *t = owner;

    if (t->relay)
        unreachable_relay(t);
    else
        unreachable_now(t, r);
}

/* Which domain's mail a connection will carry is not known yet: it is counted
 * for all that send theirs here. */
static void on_tls(void *owner, const char *host, const char *source,
                   const char *peer, const struct smtp_tls_facts *facts)
{
    const struct dest *t = owner;

    if (facts->result == SMTP_TLS_HOST_MISMATCH)
        policies_misnamed(t->world->policies, t->policy, host);
    for (size_t i = 0; i < t->n_reports; i++)
        policy_count(t->world->policies, t->reports[i].domain,
                     t->reports[i].policy, host, source, peer, facts);
}

static void on_stirred(void *owner)
{
    dest_stir(owner);
}

/* ---- How a relay is spoken to ---- */

/* While a relay has no token, mail that comes is put off; what came just before
 * the next question has its answer for a reason. */
static void look_at_token(struct dest *t)
{
    const struct dests_refusal refusal = {
        .verdict = VERDICT_DEFERRED,
        .reach = REACH_SITE,
        .enhanced = "4.7.0",
        .step = "login",
        .why = t->why,
    };
    int64_t again_ms;
    const char *fault = relay_fault(t->relay, &again_ms);

    t->tokenless = *fault != 0;
    if (!t->tokenless)
        return;
    t->closed_ms = again_ms - DEST_TOKEN_MS;
    snprintf(t->why, sizeof t->why, "relay %s: %s", relay_name(t->relay),
             fault);
    note_fault(t, t->why);
    unreachable_refuse(t, &refusal);
}

/* A relay's addresses, as the system knows them, and how it is spoken to. */
static void on_addresses(void *owner)
{
    struct dest *t = owner;
    struct relay_address found[POOL_HOSTS_MAX];
    struct pool_host hosts[POOL_HOSTS_MAX];
    struct access how;
    size_t n = relay_addresses(t->relay, found, POOL_HOSTS_MAX);

    for (size_t i = 0; i < n; i++) {
        hosts[i] =
            (struct pool_host){.address = found[i].address,
                               .address_len = found[i].len,
                               .weight = found[i].host->weight,
                               .implicit_tls = found[i].host->implicit_tls};
        snprintf(hosts[i].name, sizeof hosts[i].name, "%s",
                 found[i].host->at.host);
    }
    access_of(t->relay, &how);
    const struct pool_access access = {.tls = how.tls,
                                       .login = how.login ? &how.with : NULL};

    pool_access(t->pool, &access);
    access_wipe(&how);
    /* Nobody is bothered before there is something to log in with. */
    pool_hosts(t->pool, hosts, how.waiting ? 0 : n);
    if (relay_version(t->relay) != t->relay_version) {
        t->relay_version = relay_version(t->relay);
        note_fault(t, "");
        pool_renew(t->pool);
    }
    look_at_token(t);
    t->source_ms = 0;
    dest_stir(t);
}

/* ---- Coming and going ---- */

void dest_keeps_tls(struct dest *t)
{
    const struct pool_access access = {.tls = SMTP_TLS_OPPORTUNISTIC,
                                       .keeps_tls = true};

    pool_access(t->pool, &access);
}

struct dest *dest_new(struct dest_world *w, const char *key, const char *label,
                      struct relay *relay, const struct source_pool *sources)
{
    static const struct pool_events pool = {
        .next = on_next,
        .waiting = on_waiting,
        .settled = on_settled,
        .unreachable = on_unreachable,
        .connections = on_connections,
        .mails = on_mails,
        .may_connect = on_may_connect,
        .opened = on_opened,
        .connected = on_connected,
        .closed = on_line_closed,
        .login_refused = on_login_refused,
        .tls = on_tls,
        .stirred = on_stirred,
    };
    struct dest *t = memory_new(1, sizeof *t);

    t->world = w;
    t->key = text_copy(key);
    t->label = text_copy(label);
    t->site = relay ? NULL : t->label;
    t->relay = relay;
    t->gate = (struct gate){
        .pace = w->pace,
        .site = sites_site(w->sites, relay ? relay_name(relay) : label,
                           relay != NULL),
        .when_us = PACE_NEVER_US,
        .source = t->source,
    };
    t->sources = sources;
    pace_ledger(t->gate.site)->users++;
    t->used_ms = w->now_ms;
    hand_init(&t->hand);
    t->pool = pool_new(w->net, w->config, w->hostname, w->broken_tls, &pool, t);
    if (relay) {
        relay_watch(relay, on_addresses, t);
        on_addresses(t);
    }
    return t;
}

void dest_free(struct dest *t)
{
    note_fault(t, "");
    pool_free(t->pool);
    hand_fini(&t->hand);
    sites_release(t->world->sites, t->gate.site);
    policy_drop(t->policy);
    for (size_t i = 0; i < t->n_reports; i++)
        policy_drop(t->reports[i].policy);
    free(t->reports);
    free(t->label);
    free(t->key);
    free(t);
}

/* The newest policy is the one that counts. */
static void keep_report(struct dest *t, const struct domain *domain)
{
    size_t i = 0;

    if (!domain->policy->reported)
        return;
    while (i < t->n_reports && strcmp(t->reports[i].domain, domain->name) != 0)
        i++;
    if (i == DEST_REPORTS_MAX)
        return;
    if (!t->reports)
        t->reports = memory_new(DEST_REPORTS_MAX, sizeof *t->reports);
    if (i == t->n_reports)
        snprintf(t->reports[t->n_reports++].domain, DNS_NAME_MAX, "%s",
                 domain->name);
    policy_drop(t->reports[i].policy);
    t->reports[i].policy = policy_keep(domain->policy);
}

void dest_hosts(struct dest *t, const struct domain *domain)
{
    struct policy *before = t->policy;
    struct pool_host hosts[POOL_HOSTS_MAX];

    for (size_t i = 0; i < domain->n_hosts; i++) {
        hosts[i] = (struct pool_host){
            .address = domain->hosts[i].address,
            .address_len = domain->hosts[i].len,
            .group = domain->hosts[i].group,
            .tls = domain->hosts[i].tls,
        };
        snprintf(hosts[i].name, sizeof hosts[i].name, "%s",
                 domain->hosts[i].name);
    }
    t->policy = policy_keep(domain->policy);
    pool_hosts(t->pool, hosts, domain->n_hosts);
    t->source_ms = 0;
    policy_drop(before);
    keep_report(t, domain);
}

bool dest_is_used(const struct dest *t)
{
    return t->stirred || hand_waiting(&t->hand, BATCH_TRANSACTIONAL) > 0 ||
           hand_waiting(&t->hand, BATCH_CAMPAIGN) > 0 ||
           pool_state(t->pool).connections > 0;
}

/* ---- Mail comes ---- */

bool dest_is_stranded(const struct dest *t)
{
    return t->stranded && (hand_waiting(&t->hand, BATCH_TRANSACTIONAL) > 0 ||
                           hand_waiting(&t->hand, BATCH_CAMPAIGN) > 0);
}

/* A short pause is waited for here. */
bool dest_is_shut(const struct dest *t)
{
    int64_t until_us;

    return gate_is_shut(&t->gate, now_us(t->world), &until_us) &&
           (until_us == PACE_NEVER_US ||
            until_us - now_us(t->world) > DEST_WAIT_US);
}

bool dest_is_down(const struct dest *t)
{
    int64_t now_ms = t->world->now_ms;

    return (t->tokenless && now_ms < t->closed_ms) ||
           pool_is_down(t->pool, now_ms);
}

/* No server answered, or there is no token; it is too early to ask again. */
static bool is_closed(const struct dest *t)
{
    return t->world->now_ms < t->closed_ms && dest_is_down(t);
}

void dest_put(struct dest *t, struct parcel *p)
{
    int64_t now_ms = t->world->now_ms;
    size_t piece = room_piece(t, p);

    if (dest_is_shut(t)) {
        room_hand_on(t, p);
        return;
    }
    if (is_closed(t)) {
        unreachable_put(t, p);
        return;
    }
    if (room_suspended(t, p))
        return;
    if (piece > 0) {
        room_cut_up(t, p, piece);
        return;
    }
    if (slow_hands_on(t, p))
        return;
    p->place = t;
    hand_add(&t->hand, p, false);
    t->held_us[p->batch->class] = 0;
    t->used_ms = now_ms;
    dest_stir(t);
}

void dest_put_again(struct dest *t, struct mail *mail)
{
    if (is_closed(t) && t->by_fallback) {
        t = t->fallback;
        mail->parcel->fell_back = true;
    }
    batch_put_back(mail);
    mail->parcel->place = t;
    hand_add(&t->hand, mail->parcel, true);
    room_allow(t);
}

/* ---- Turns ---- */

void dest_turn(struct dest *t)
{
    int64_t now_ms = t->world->now_ms, until_us;

    t->used_ms = now_ms;
    t->wake_ms = INT64_MAX;
    if (t->hand.clogged && now_ms - t->room_ms >= DEST_ROOM_MS) {
        t->hand.clogged = false;
        t->room_ms = now_ms;
        room_relieve(t);
    }
    room_clear_suspended(t);
    pool_shed(t->pool);
    if (!t->sources) {
        t->sourceless_us =
            pace_source_until(t->gate.site, "", now_us(t->world));
        t->sourceless = t->sourceless_us > 0;
    } else if (now_ms >= t->source_ms) {
        outlet_choose(t);
    }
    if (dest_is_shut(t)) {
        room_empty(t);
    } else if (gate_is_shut(&t->gate, now_us(t->world), &until_us)) {
        dest_wake_at(t, until_us);
    } else if (t->sourceless) {
        outlet_put_off(t);
        dest_wake_at(t, now_us(t->world) + OUTLET_LOOK_MS * 1000);
    } else {
        int64_t wake_ms = pool_turn(t->pool, now_ms);

        if (wake_ms < t->wake_ms)
            t->wake_ms = wake_ms;
    }
}
