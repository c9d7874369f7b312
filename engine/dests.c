#include "dests.h"
#include "base/memory.h"
#include "pool/pool.h"
#include "queue/hand.h"
#include "route/route.h"
#include <stdlib.h>
#include <string.h>

struct dest {
    struct dests *dests;
    struct pool *pool;
    struct hand hand;
    bool stirred;    /* it wants a turn */
    int64_t wake_ms; /* and at the latest then */
};

struct dests {
    const struct config *config;
    struct dests_events events;
    void *owner;
    struct route *route;
    struct dest one;
};

/* ---- A destination's pool asks ---- */

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

static void on_unreachable(void *owner, const char *why, unsigned code)
{
    (void)owner, (void)why, (void)code; /* a relay's mail waits for it */
}

static void on_stirred(void *owner)
{
    struct dest *t = owner;

    t->stirred = true;
}

/* ---- Mail comes and goes ---- */

void dests_add(struct dests *d, struct batch *b)
{
    for (size_t i = 0; i < b->n_parcels; i++) {
        b->parcels[i].place = &d->one;
        hand_add(&d->one.hand, &b->parcels[i], false);
    }
    d->one.stirred = true;
}

void dests_add_again(struct dests *d, struct mail *mail)
{
    struct dest *t = mail->parcel->place;

    (void)d;
    batch_put_back(mail);
    hand_add(&t->hand, mail->parcel, true);
    t->stirred = true;
}

void dests_take(struct dests *d, const unsigned char *campaign)
{
    struct parcel *next;

    for (struct parcel *p = hand_take(&d->one.hand, campaign); p; p = next) {
        next = p->next;
        p->next = NULL;
    }
}

void dests_take_stolen(struct dests *d)
{
    struct parcel *next;

    for (struct parcel *p = hand_take_stolen(&d->one.hand); p; p = next) {
        next = p->next;
        p->next = NULL;
    }
}

/* ---- Turns ---- */

static void on_addresses(void *owner)
{
    struct dest *t = owner;
    struct route_way way;
    struct relay_address found[POOL_HOSTS_MAX];
    struct pool_host hosts[POOL_HOSTS_MAX];

    if (!route_is_one(t->dests->route, &way))
        return;
    size_t n = relay_addresses(way.relay, found, POOL_HOSTS_MAX);

    for (size_t i = 0; i < n; i++)
        hosts[i] = (struct pool_host){.address = found[i].address,
                                      .address_len = found[i].len,
                                      .weight = found[i].host->weight};
    pool_hosts(t->pool, hosts, n);
    t->stirred = true;
}

void dests_turn(struct dests *d, int64_t now_ms)
{
    struct dest *t = &d->one;

    if (!t->stirred && now_ms < t->wake_ms)
        return;
    t->stirred = false;
    t->wake_ms = pool_turn(t->pool, now_ms);
}

void dests_drain(struct dests *d)
{
    pool_drain(d->one.pool);
}

bool dests_are_down(const struct dests *d, int64_t now_ms)
{
    return pool_is_down(d->one.pool, now_ms);
}

struct dests_state dests_state(const struct dests *d)
{
    struct pool_state pool = pool_state(d->one.pool);

    return (struct dests_state){
        .connections = pool.connections,
        .busy = pool.busy,
        .failures = pool.failures,
        .waiting = {hand_waiting(&d->one.hand, BATCH_TRANSACTIONAL),
                    hand_waiting(&d->one.hand, BATCH_CAMPAIGN)},
    };
}

/* ---- Coming and going ---- */

enum status dests_new(uv_loop_t *loop, struct smtp_net *net,
                      const struct config *config, const char *hostname,
                      const struct dests_events *events, void *owner,
                      struct dests **out, struct error *err)
{
    static const struct pool_events pool = {on_next, on_waiting, on_settled,
                                            on_unreachable, on_stirred};
    struct dests *d = memory_new(1, sizeof *d);
    enum status status = route_new(loop, config, &d->route, err);
    struct route_way way;

    if (status != STATUS_OK) {
        free(d);
        return status;
    }
    d->config = config;
    d->events = *events;
    d->owner = owner;
    d->one.dests = d;
    hand_init(&d->one.hand);
    d->one.pool = pool_new(net, config, hostname, &pool, &d->one);
    if (route_is_one(d->route, &way))
        relay_watch(way.relay, on_addresses, &d->one);
    *out = d;
    return STATUS_OK;
}

void dests_free(struct dests *d)
{
    if (!d)
        return;
    pool_free(d->one.pool);
    hand_fini(&d->one.hand);
    route_free(d->route);
    free(d);
}
