#include "dests.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "domains.h"
#include "pool/pool.h"
#include "queue/hand.h"
#include "route/route.h"
#include "route/secret.h"
#include <stdlib.h>
#include <string.h>

enum {
    DESTS_TICK_MS = 50,
    DESTS_IDLE_MS = 60 * 1000, /* one that is not used is forgotten */
    DESTS_KEY_MAX = DOMAIN_KEY_MAX + 16,
};

/* One destination: a relay, or the mail servers of a site. */
struct dest {
    struct dests *dests;
    char *key;
    struct relay *relay; /* NULL: mail servers found by MX */
    char *site;          /* "" for a relay */
    struct pool *pool;
    struct hand hand;
    struct dest *next_stirred;
    bool stirred;      /* it wants a turn, and is in that list */
    int64_t wake_ms;   /* and at the latest then */
    int64_t used_ms;   /* it had mail or connections */
    int64_t closed_ms; /* direct: no server answers, until then */
    char why[SMTP_WHY_MAX];
};

struct dests {
    const struct config *config;
    struct smtp_net *net;
    char hostname[SMTP_EHLO_NAME_MAX];
    struct dests_events events;
    void *owner;
    struct route *route;
    struct domains *domains;
    struct map all; /* by key */
    struct dest *stirred;
    struct dest *one; /* takes all mail, if it depends on nothing */
    int64_t now_ms, tick_ms;
    bool draining;
};

static void stir(struct dest *t)
{
    if (t->stirred)
        return;
    t->stirred = true;
    t->next_stirred = t->dests->stirred;
    t->dests->stirred = t;
}

/* ---- A destination's pool asks, and tells ---- */

static bool on_next(void *owner, enum batch_class class, struct smtp_message *m)
{
    struct dest *t = owner;
    struct dests *d = t->dests;
    struct mail *mail;

    while (d->events.may_send(d->owner) && (mail = hand_next(&t->hand, class)))
        if (d->events.prepare(d->owner, mail, m))
            return true;
    return false;
}

static size_t on_waiting(void *owner, enum batch_class class)
{
    const struct dest *t = owner;

    return hand_waiting(&t->hand, class);
}

static void on_settled(void *owner, const struct smtp_result *result,
                       const char *peer, const char *source)
{
    struct dest *t = owner;

    t->dests->events.settled(t->dests->owner, result, peer, source);
}

/* What waits for a relay waits on: there is no other way. Where mail goes to
 * its recipients' servers, others' mail wants the room: each of these mails
 * has been tried, and goes on by the retry schedule. */
static void on_unreachable(void *owner, const char *why, unsigned code)
{
    struct dest *t = owner;

    if (t->relay)
        return;
    t->closed_ms = pool_state(t->pool).down_until_ms;
    snprintf(t->why, sizeof t->why, "%s", why);
    for (int class = BATCH_TRANSACTIONAL; class <= BATCH_CAMPAIGN; class ++) {
        struct mail *mail;

        while ((mail = hand_next(&t->hand, (enum batch_class) class))) {
            struct batch *b = mail->parcel->batch;
            const struct dests_refusal refusal = {
                .verdict = VERDICT_DEFERRED,
                .reach = REACH_SITE,
                .code = code,
                .enhanced = code ? "" : "4.4.1",
                .step = "connect",
                .why = t->why,
            };

            t->dests->events.refused(t->dests->owner, mail, &refusal);
            t->dests->events.left(t->dests->owner, b);
        }
    }
}

static void on_stirred(void *owner)
{
    stir(owner);
}

/* ---- Destinations come and go ---- */

static struct dest *dest_new(struct dests *d, const char *key, const char *site)
{
    static const struct pool_events pool = {on_next, on_waiting, on_settled,
                                            on_unreachable, on_stirred};
    struct dest *t = memory_new(1, sizeof *t);

    t->dests = d;
    t->key = text_copy(key);
    t->site = text_copy(site);
    t->used_ms = d->now_ms;
    hand_init(&t->hand);
    t->pool = pool_new(d->net, d->config, d->hostname, &pool, t);
    map_put(&d->all, key, t);
    return t;
}

static void dest_free(struct dest *t)
{
    pool_free(t->pool);
    hand_fini(&t->hand);
    free(t->key);
    free(t->site);
    free(t);
}

static bool is_used(const struct dest *t)
{
    return t->stirred || hand_waiting(&t->hand, BATCH_TRANSACTIONAL) > 0 ||
           hand_waiting(&t->hand, BATCH_CAMPAIGN) > 0 ||
           pool_state(t->pool).connections > 0;
}

static unsigned mechs_of(const char *login)
{
    if (strcmp(login, "plain") == 0)
        return SMTP_MECH_PLAIN;
    if (strcmp(login, "login") == 0)
        return SMTP_MECH_LOGIN;
    if (strcmp(login, "scram-sha-256") == 0)
        return SMTP_MECH_SCRAM_SHA_256;
    if (strcmp(login, "xoauth2") == 0)
        return SMTP_MECH_XOAUTH2;
    return SMTP_MECH_SCRAM_SHA_256 | SMTP_MECH_PLAIN | SMTP_MECH_LOGIN;
}

static enum smtp_tls tls_of(const char *text)
{
    for (int level = SMTP_TLS_NONE; level <= SMTP_TLS_DANE; level++)
        if (strcmp(smtp_tls_text((enum smtp_tls)level), text) == 0)
            return (enum smtp_tls)level;
    return SMTP_TLS_VERIFIED; /* what we do not know must not be less */
}

/* A secret that can't be read leaves the login to fail, and mail waits. */
static void set_access(struct dest *t)
{
    struct relay_access how = relay_how(t->relay);
    char secret[ROUTE_SECRET_MAX] = "", why[LOG_QUOTE_MAX];
    struct error err;
    bool login = strcmp(how.login, "none") != 0;
    const struct smtp_login with = {mechs_of(how.login), how.username, secret,
                                    false};
    const struct pool_access access = {tls_of(how.tls), login ? &with : NULL};

    if (login && route_secret_read(how.secret, secret, &err) != STATUS_OK)
        log_event(LOG_ERROR, "relay_secret", "relay=%s why=%s",
                  relay_name(t->relay), log_quote(err.text, why));
    pool_access(t->pool, &access);
    explicit_bzero(secret, sizeof secret);
}

/* A relay's addresses, as the system knows them, and how it is spoken to. */
static void on_addresses(void *owner)
{
    struct dest *t = owner;
    struct relay_address found[POOL_HOSTS_MAX];
    struct pool_host hosts[POOL_HOSTS_MAX];
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
    set_access(t);
    pool_hosts(t->pool, hosts, n);
    stir(t);
}

static struct dest *dest_of_relay(struct dests *d, struct relay *relay)
{
    char key[DESTS_KEY_MAX];
    struct dest *t;

    snprintf(key, sizeof key, "relay %s", relay_name(relay));
    t = map_get(&d->all, key);
    if (t)
        return t;
    t = dest_new(d, key, "");
    t->relay = relay;
    relay_watch(relay, on_addresses, t);
    on_addresses(t);
    return t;
}

/* The hosts may be others than a minute ago. */
static struct dest *dest_of_domain(struct dests *d, const struct domain *domain)
{
    struct dest *t = map_get(&d->all, domain->key);
    struct pool_host hosts[POOL_HOSTS_MAX];

    if (!t)
        t = dest_new(d, domain->key, domain->site);
    for (size_t i = 0; i < domain->n_hosts; i++) {
        hosts[i] = (struct pool_host){
            .address = domain->hosts[i].address,
            .address_len = domain->hosts[i].len,
            .group = domain->hosts[i].group,
        };
        snprintf(hosts[i].name, sizeof hosts[i].name, "%s",
                 domain->hosts[i].name);
    }
    pool_hosts(t->pool, hosts, domain->n_hosts);
    return t;
}

/* ---- Mail comes ---- */

static void put(struct dest *t, struct parcel *p)
{
    p->place = t;
    hand_add(&t->hand, p, false);
    t->used_ms = t->dests->now_ms;
    stir(t);
}

static void refuse(struct dests *d, struct parcel *p,
                   const struct dests_refusal *refusal)
{
    struct mail *mail;

    while ((mail = parcel_next(p)))
        d->events.refused(d->owner, mail, refusal);
}

/* Not before then. */
static void put_off(struct parcel *p, int64_t wait_ms)
{
    p->batch->touched = true; /* it can't just be released */
    parcel_return_waiting(p, NULL, clock_wall_us() + wait_ms * 1000);
}

/* A parcel's domain is known. */
static void follow(struct dests *d, struct parcel *p,
                   const struct domain *domain)
{
    struct dest *t;

    if (domain->verdict != VERDICT_DELIVERED) {
        const struct dests_refusal refusal = {
            .verdict = domain->verdict,
            .reach = REACH_SITE,
            .code = domain->code,
            .enhanced = domain->enhanced,
            .step = "DNS",
            .why = domain->why,
        };

        refuse(d, p, &refusal);
        return;
    }
    t = dest_of_domain(d, domain);
    if (d->now_ms < t->closed_ms && pool_is_down(t->pool, d->now_ms))
        put_off(p, t->closed_ms - d->now_ms);
    else
        put(t, p);
}

/* It was looked up meanwhile. */
static void on_domain(void *owner, struct parcel *p,
                      const struct domain *domain)
{
    struct dests *d = owner;
    struct batch *b = p->batch;

    follow(d, p, domain);
    d->events.left(d->owner, b);
}

/* Batches are sorted by domain before they are split. */
static const char *domain_of(const struct mail *mail)
{
    const char *at = strrchr(mail->recipient, '@');

    return at ? at + 1 : "";
}

static int by_domain(const void *a, const void *b)
{
    return strcasecmp(domain_of(a), domain_of(b));
}

/* each: every mail apart, as their senders may be of several domains. */
static void split_by_domain(struct batch *b, bool each)
{
    size_t *starts = memory_new(b->n_mails, sizeof *starts);
    size_t n = 0;

    qsort(b->mails, b->n_mails, sizeof *b->mails, by_domain);
    for (size_t i = 0; i < b->n_mails; i++)
        if (i == 0 || each || by_domain(&b->mails[i - 1], &b->mails[i]) != 0)
            starts[n++] = i;
    batch_split(b, starts, n);
    free(starts);
}

static void send_on_its_way(struct dests *d, struct parcel *p)
{
    const char *domain = domain_of(p->mails);
    const struct rule_question question = {
        .project = p->batch->project,
        .class = p->batch->class,
        .sender = route_wants_sender(d->route)
                      ? d->events.sender(d->owner, p->mails)
                      : NULL,
        .recipient = domain,
    };
    struct route_way way = route_of(d->route, &question);

    if (way.kind == ROUTE_RELAY) {
        put(dest_of_relay(d, way.relay), p);
        return;
    }
    const struct domain *known = domains_find(d->domains, domain, p);

    if (known)
        follow(d, p, known);
}

void dests_add(struct dests *d, struct batch *b)
{
    if (b->n_waiting == 0)
        return;
    if (d->one) {
        put(d->one, &b->whole);
        return;
    }
    split_by_domain(b, b->class == BATCH_TRANSACTIONAL &&
                           route_wants_sender(d->route));
    for (size_t i = 0; i < b->n_parcels; i++)
        send_on_its_way(d, &b->parcels[i]);
}

void dests_add_again(struct dests *d, struct mail *mail)
{
    struct dest *t = mail->parcel->place;

    (void)d;
    batch_put_back(mail);
    hand_add(&t->hand, mail->parcel, true);
    stir(t);
}

/* ---- Mail goes without being sent ---- */

static void unlist(struct parcel *list)
{
    struct parcel *next;

    for (struct parcel *p = list; p; p = next) {
        next = p->next;
        p->next = NULL;
    }
}

void dests_take(struct dests *d, const unsigned char *campaign)
{
    size_t at = 0;

    for (struct dest *t; (t = map_next(&d->all, &at));)
        unlist(hand_take(&t->hand, campaign));
    domains_take(d->domains, campaign);
}

void dests_take_stolen(struct dests *d)
{
    size_t at = 0;

    for (struct dest *t; (t = map_next(&d->all, &at));)
        unlist(hand_take_stolen(&t->hand));
    domains_take_stolen(d->domains);
}

/* ---- Turns ---- */

static void take_turn(struct dest *t)
{
    int64_t now_ms = t->dests->now_ms;

    t->used_ms = now_ms;
    t->wake_ms = pool_turn(t->pool, now_ms);
}

/* Every destination is looked at now and then: whether its time has come, or
 * whether it is of no more use. */
static void look_at_all(struct dests *d)
{
    size_t at = 0;

    for (struct dest *t; (t = map_next(&d->all, &at));) {
        if (d->now_ms >= t->wake_ms)
            stir(t);
        if (t->relay || is_used(t) || d->now_ms - t->used_ms < DESTS_IDLE_MS)
            continue;
        map_remove(&d->all, t->key);
        dest_free(t);
    }
}

void dests_turn(struct dests *d, int64_t now_ms)
{
    d->now_ms = now_ms;
    if (now_ms - d->tick_ms >= DESTS_TICK_MS) {
        d->tick_ms = now_ms;
        look_at_all(d);
    }
    while (d->stirred) {
        struct dest *t = d->stirred;

        d->stirred = t->next_stirred;
        t->stirred = false;
        take_turn(t);
    }
}

void dests_drain(struct dests *d)
{
    size_t at = 0;

    d->draining = true;
    for (struct dest *t; (t = map_next(&d->all, &at));)
        pool_drain(t->pool);
}

bool dests_are_one(const struct dests *d)
{
    return d->one != NULL;
}

bool dests_are_down(const struct dests *d, int64_t now_ms)
{
    return d->one && pool_is_down(d->one->pool, now_ms);
}

struct dests_state dests_state(const struct dests *d)
{
    struct dests_state state = {0};
    size_t at = 0;

    for (struct dest *t; (t = map_next(&d->all, &at));) {
        struct pool_state pool = pool_state(t->pool);

        state.connections += pool.connections;
        state.busy += pool.busy;
        state.failures += pool.failures;
        for (int class = BATCH_TRANSACTIONAL; class <= BATCH_CAMPAIGN; class ++)
            state.waiting[class] +=
                hand_waiting(&t->hand, (enum batch_class) class);
    }
    return state;
}

void dests_measure(const struct dests *d, struct metrics *m)
{
    struct dests_state now = dests_state(d);

    m->waiting_mails = now.waiting[0] + now.waiting[1];
    m->connections = now.connections;
    m->connections_busy = now.busy;
    m->connect_failures = now.failures;
}

struct settled dests_outcome(const struct dests_refusal *refusal)
{
    return (struct settled){
        .verdict = refusal->verdict,
        .has_reach = true,
        .reach = refusal->reach,
        .code = refusal->code,
        .enhanced = refusal->enhanced,
        .step = refusal->step,
        .reply = refusal->why,
    };
}

/* ---- Coming and going ---- */

/* What waits may have to go another way now: its owner takes it back. */
static void on_routes(void *owner)
{
    struct dests *d = owner;
    struct route_way way;

    d->one = route_is_one(d->route, &way) && way.kind == ROUTE_RELAY
                 ? dest_of_relay(d, way.relay)
                 : NULL;
    d->events.rerouted(d->owner);
}

bool dests_are_known(const struct dests *d)
{
    return route_is_known(d->route);
}

enum status dests_new(uv_loop_t *loop, struct smtp_net *net,
                      const struct config *config, const char *conninfo,
                      const struct dests_events *events, void *owner,
                      struct dests **out, struct error *err)
{
    struct dests *d = memory_new(1, sizeof *d);
    enum status status =
        route_new(loop, config, conninfo, on_routes, d, &d->route, err);

    d->config = config;
    d->net = net;
    d->events = *events;
    d->owner = owner;
    d->now_ms = clock_mono_ms();
    config_hostname(config, d->hostname, sizeof d->hostname);
    if (status == STATUS_OK)
        status = domains_new(loop, config, d->hostname, on_domain, d,
                             &d->domains, err);
    if (status != STATUS_OK) {
        route_free(d->route);
        free(d);
        return status;
    }
    *out = d;
    return STATUS_OK;
}

void dests_free(struct dests *d)
{
    size_t at = 0;

    if (!d)
        return;
    for (struct dest *t; (t = map_next(&d->all, &at));)
        dest_free(t);
    map_fini(&d->all);
    domains_free(d->domains);
    route_free(d->route);
    free(d);
}
