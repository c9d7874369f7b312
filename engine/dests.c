#include "dests.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "dest.h"
#include "outlet.h"
#include "pace/retry.h"
#include "queue/uuid.h"
#include "render/job.h"
#include "room.h"
#include "route/route.h"
#include "sites_report.h"
#include <stdlib.h>
#include <string.h>

enum {
    DESTS_TICK_MS = 50,
    DESTS_SOURCES_MAX = 256,
    DESTS_IDLE_MS = 60 * 1000, /* one that is not used is forgotten */
    DESTS_KEY_MAX = DOMAIN_KEY_MAX + 48 + RELAY_NAME_MAX + SOURCE_POOL_MAX,
};

struct dests {
    struct dest_world world;
    struct route *route;
    struct domains *domains;
    struct map all;    /* by key */
    struct map sites;  /* their names, which batches refer to */
    struct dest *one;  /* takes all mail, if it depends on nothing */
    int64_t tls_round; /* of the rules that what waits keeps to */
    int64_t tick_ms;
};

/* ---- Destinations come and go ---- */

static struct dest *dest_of_relay(struct dests *d, struct relay *relay,
                                  const struct source_pool *sources)
{
    char key[DESTS_KEY_MAX], label[SITES_LABEL_MAX];
    struct dest *t;

    snprintf(key, sizeof key, "relay %s%s%s", relay_name(relay),
             sources ? " from " : "", sources ? sources->name : "");
    t = map_get(&d->all, key);
    if (t)
        return t;
    snprintf(label, sizeof label, "%s%s", SITES_RELAY, relay_name(relay));
    t = dest_new(&d->world, key, label, relay, sources);
    map_put(&d->all, key, t);
    return t;
}

/* way: fallback is where its mail goes while no server is reached. keeps_tls:
 * for mail that requires TLS, whose hosts may be others. */
static struct dest *dest_of_domain(struct dests *d, const struct domain *domain,
                                   const struct route_way *way, bool keeps_tls)
{
    struct relay *fallback = way->fallback;
    char key[DESTS_KEY_MAX];
    struct dest *t;

    snprintf(key, sizeof key, "%s%s%s%s%s%s", domain->key,
             keeps_tls ? " for require_tls" : "", fallback ? " else " : "",
             fallback ? relay_name(fallback) : "", way->pool ? " from " : "",
             way->pool ? way->pool->name : "");
    t = map_get(&d->all, key);
    if (!t) {
        t = dest_new(&d->world, key, domain->site, NULL, way->pool);
        if (keeps_tls)
            dest_keeps_tls(t);
        if (fallback)
            t->fallback = dest_of_relay(d, fallback, way->pool);
        map_put(&d->all, key, t);
    }
    dest_hosts(t, domain);
    return t;
}

/* ---- Mail comes ---- */

static void refuse(struct dests *d, struct parcel *p,
                   const struct dests_refusal *refusal)
{
    struct mail *mail;

    while ((mail = parcel_next(p)))
        d->world.events.refused(d->world.owner, mail, refusal);
}

static void on_learned(void *owner, const char *domain, const char *site)
{
    struct dests *d = owner;

    sites_learn_domain(d->world.sites, domain, site);
}

/* Batches are sorted by domain before they are split. */
static const char *domain_of(const struct mail *mail)
{
    const char *at = strrchr(mail->recipient, '@');

    return at ? at + 1 : "";
}

static struct route_way way_of(struct dests *d, const struct parcel *p)
{
    const struct rule_question question = {
        .project = p->batch->project,
        .class = (int)p->batch->class,
        .sender = route_wants_sender(d->route)
                      ? job_sender_domain(p->batch, p->mails)
                      : NULL,
        .recipient = domain_of(p->mails),
    };

    return route_of(d->route, &question);
}

/* A parcel's domain is known. */
static void follow(struct dests *d, struct parcel *p,
                   const struct domain *domain, const struct route_way *way)
{
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
    p->sure_hosts = domain->sure_hosts;
    /* Where the hosts are not sure, none of them is any better. */
    dest_put(dest_of_domain(d, domain, way,
                            p->mails->tls == MAIL_TLS_REQUIRED &&
                                domain->sure_hosts),
             p);
}

/* It was looked up meanwhile. */
static void on_domain(void *owner, struct parcel *p,
                      const struct domain *domain)
{
    struct dests *d = owner;
    struct batch *b = p->batch;

    const struct route_way way = way_of(d, p);

    follow(d, p, domain, &way);
    d->world.events.left(d->world.owner, b);
}

static int by_domain(const void *a, const void *b)
{
    const struct mail *x = a, *y = b;
    int order = strcasecmp(domain_of(x), domain_of(y));

    return order ? order : (int)x->tls - (int)y->tls;
}

static void look_at_tls(struct batch *b)
{
    enum mail_tls all =
        b->class == BATCH_CAMPAIGN ? job_tls(b, b->mails) : MAIL_TLS_AS_EVER;

    for (size_t i = 0; i < b->n_mails; i++)
        b->mails[i].tls =
            b->class == BATCH_CAMPAIGN ? all : job_tls(b, &b->mails[i]);
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
    struct route_way way = way_of(d, p);

    if (way.kind == ROUTE_RELAY) {
        dest_put(dest_of_relay(d, way.relay, way.pool), p);
        return;
    }
    const struct domain *known = domains_find(
        d->domains, domain_of(p->mails), p->mails->tls == MAIL_TLS_SPARED, p);

    if (known)
        follow(d, p, known, &way);
}

void dests_add(struct dests *d, struct batch *b)
{
    if (b->n_waiting == 0)
        return;
    if (d->one) {
        dest_put(d->one, &b->whole);
        return;
    }
    look_at_tls(b);
    split_by_domain(b, b->class == BATCH_TRANSACTIONAL &&
                           (route_wants_sender(d->route) ||
                            pace_has_rules(d->world.pace, PACE_SENDER)));
    for (size_t i = 0; i < b->n_parcels; i++)
        send_on_its_way(d, &b->parcels[i]);
}

void dests_add_again(struct dests *d, struct mail *mail)
{
    (void)d;
    dest_put_again(mail->parcel->place, mail);
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

void dests_take_gone(struct dests *d)
{
    size_t at = 0;

    for (struct dest *t; (t = map_next(&d->all, &at));)
        unlist(hand_take_gone(&t->hand));
    domains_take_gone(d->domains);
}

/* ---- Turns ---- */

/* Every destination is looked at now and then: whether its time has come, or
 * whether it is of no more use. */
static void look_at_all(struct dests *d)
{
    size_t at = 0;

    for (struct dest *t; (t = map_next(&d->all, &at));) {
        slow_look(t);
        if (d->world.now_ms >= t->wake_ms)
            dest_stir(t);
        if (pool_state(t->pool).connections > 0)
            outlet_yield(t);
        if (t->relay || dest_is_used(t) ||
            d->world.now_ms - t->used_ms < DESTS_IDLE_MS)
            continue;
        map_remove(&d->all, t->key);
        dest_free(t);
    }
}

void dests_press(struct dests *d)
{
    d->world.pressed = true;
}

/* What waits may want more of TLS now: its owner takes it back. */
static void look_at_rules(struct dests *d)
{
    int64_t before = d->tls_round, now = policies_round(d->world.policies);

    d->tls_round = now;
    if (before >= 0 && now != before)
        d->world.events.rerouted(d->world.owner);
}

int64_t dests_tls_round(const struct dests *d)
{
    return d->tls_round;
}

void dests_turn(struct dests *d, int64_t now_ms)
{
    d->world.now_ms = now_ms;
    look_at_rules(d);
    if (now_ms - d->tick_ms >= DESTS_TICK_MS) {
        d->tick_ms = now_ms;
        look_at_all(d);
        slow_judge_all(&d->all, &d->world);
    }
    while (d->world.stirred) {
        struct dest *t = d->world.stirred;

        d->world.stirred = t->next_stirred;
        t->stirred = false;
        dest_turn(t);
    }
}

void dests_drain(struct dests *d)
{
    size_t at = 0;

    for (struct dest *t; (t = map_next(&d->all, &at));)
        pool_drain(t->pool);
}

bool dests_are_direct(const struct mail *mail)
{
    const struct dest *t = mail->parcel->place;

    return !t->relay;
}

struct carried dests_carried(const struct mail *mail)
{
    const struct dest *t = mail->parcel->place;
    struct batch *b = mail->parcel->batch;
    struct carried carried = {.id = mail->id};

    if (!t) /* it came to no destination */
        return carried;
    const struct limits *limits = pace_limits(t->gate.site);

    carried.retry = (struct carried_retry){
        .first_s = (int32_t)retry_own_s(limits, LIMIT_RETRY_FIRST),
        .most_s = (int32_t)retry_own_s(limits, LIMIT_RETRY_MOST),
    };
    if (t->site && b->class == BATCH_TRANSACTIONAL)
        carried.site = arena_copy(&b->arena, t->site, strlen(t->site));
    return carried;
}

bool dests_are_one(const struct dests *d)
{
    return d->one != NULL;
}

bool dests_are_down(const struct dests *d)
{
    return d->one && (dest_is_down(d->one) || dest_is_shut(d->one));
}

bool dests_site_is_open(const struct dests *d, const char *site, int64_t now_ms,
                        double *rate)
{
    const size_t prefix = strlen(SITES_RELAY);
    struct pace_site *s = sites_find(d->world.sites, site);
    int64_t until_us;

    /* Of a relay that no route names any more mail goes another way. */
    if (strncmp(site, SITES_RELAY, prefix) == 0 &&
        !route_names(d->route, site + prefix)) {
        *rate = 0;
        return true;
    }
    *rate = s ? slow_rate(s) : 0;
    if (s)
        return !pace_parked(s, now_ms * 1000, &until_us);
    return pace_foresee(d->world.pace, site, now_ms * 1000, rate) &&
           !sites_held(d->world.sites, site);
}

bool dests_campaign_is_open(const struct dests *d,
                            const unsigned char campaign[UUID_BYTES],
                            const char *site, double *rate)
{
    char text[UUID_TEXT_MAX];

    *rate = 0;
    uuid_text(campaign, text);
    if (sites_campaign_held(d->world.sites, d->one ? d->one->label : site,
                            text))
        return false;
    return pace_rule_rate(d->world.pace, PACE_CAMPAIGN, text, rate);
}

void dests_relieve(struct dests *d)
{
    size_t at = 0;

    d->world.pressed = d->world.crowded = true;

    for (struct dest *t; (t = map_next(&d->all, &at));)
        if (hand_waiting(&t->hand, BATCH_TRANSACTIONAL) > 0)
            room_relieve(t);
}

void dests_worker(struct dests *d, int worker)
{
    sites_start(d->world.sites, worker);
}

struct pace *dests_pace(struct dests *d)
{
    return d->world.pace;
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
    m->domains_known = domains_known(d->domains);
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

/* Mails that wait, by site. */
static void on_counted(void *owner)
{
    struct dests *d = owner;
    size_t at = 0;

    for (struct dest *t; (t = map_next(&d->all, &at));) {
        struct pace_ledger *ledger = pace_ledger(t->gate.site);

        ledger->waiting += hand_waiting(&t->hand, BATCH_TRANSACTIONAL) +
                           hand_waiting(&t->hand, BATCH_CAMPAIGN);
        ledger->stranded |= dest_is_stranded(t);
    }
}

/* The site, its address or some campaign is left alone. */
static bool is_suspended(const struct dest *t)
{
    int64_t now_us = sites_now_us(), until_us;
    size_t at = 0;

    return pace_parked(t->gate.site, now_us, &until_us) ||
           !pace_source_may(t->gate.site, t->source, now_us) ||
           pace_suspended_next(t->gate.site, &at, now_us, &until_us);
}

/* Limits, lanes, orders or suspensions are others now. */
static void on_sites(void *owner)
{
    struct dests *d = owner;
    size_t at = 0;

    for (struct dest *t; (t = map_next(&d->all, &at));) {
        outlet_limits(t);
        if (!is_suspended(t))
            continue;
        t->source_ms = 0;
        dest_stir(t);
    }
}

/* What waits may have to go another way now: its owner takes it back. */
static void on_routes(void *owner)
{
    struct dests *d = owner;
    struct route_way way;
    const char *names[DESTS_SOURCES_MAX];
    size_t n = route_sources(d->route, names, DESTS_SOURCES_MAX);

    pace_sources(d->world.pace, names, n);
    d->world.one = false; /* until it is known which */
    d->one = route_is_one(d->route, &way) && way.kind == ROUTE_RELAY
                 ? dest_of_relay(d, way.relay, way.pool)
                 : NULL;
    d->world.one = d->one != NULL;
    d->world.events.rerouted(d->world.owner);
}

bool dests_are_known(const struct dests *d)
{
    return sites_are_known(d->world.sites) && route_is_known(d->route) &&
           policies_are_known(d->world.policies);
}

static enum status trust(struct smtp_net *net, const char *ca_file,
                         struct error *err)
{
    struct error why;
    enum status status = smtp_net_trust(net, ca_file, &why);

    return status == STATUS_OK ? status
                               : fail(err, status, "tls_ca_file: %s", why.text);
}

enum status dests_new(uv_loop_t *loop, struct smtp_net *net,
                      const struct config *config, const char *conninfo,
                      const struct dests_events *events, void *owner,
                      struct dests **out, struct error *err)
{
    struct dests *d = memory_new(1, sizeof *d);
    enum status status;

    d->world.sites = sites_new(loop, config, conninfo, on_counted, on_sites, d);
    d->world.pace = sites_pace(d->world.sites);
    status = route_new(loop, config, conninfo, on_routes, d, &d->route, err);

    d->world.config = config;
    d->world.net = net;
    d->world.events = *events;
    d->world.owner = owner;
    d->world.now_ms = clock_mono_ms();
    config_hostname(config, d->world.hostname, sizeof d->world.hostname);
    if (status == STATUS_OK && *config->tls_ca_file)
        status = trust(net, config->tls_ca_file, err);
    if (status == STATUS_OK)
        status = domains_new(loop, config, conninfo, d->world.hostname,
                             on_domain, on_learned, d, &d->domains, err);
    if (status != STATUS_OK) {
        route_free(d->route);
        sites_free(d->world.sites);
        free(d);
        return status;
    }
    d->world.policies = domains_policies(d->domains);
    d->world.broken_tls = broken_tls_new();
    d->tls_round = policies_round(d->world.policies);
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
    broken_tls_free(d->world.broken_tls);
    sites_free(d->world.sites);
    domains_free(d->domains);
    route_free(d->route);
    free(d);
}
