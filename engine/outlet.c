#include "outlet.h"
#include "base/log.h"
#include "egress/warmup.h"
#include "room.h"
#include <string.h>

enum {
    OUTLET_TURN_MS = 2000,
    OUTLET_LATER_MS = 60 * 1000,
};

static const struct source *find_source(const struct dest *t, int64_t *when_us)
{
    const struct source *order[SOURCES_MAX];
    size_t n = source_order(t->sources, pace_name(t->gate.site), order);
    int64_t now = dest_now_us(t);

    *when_us = PACE_NEVER_US;
    for (size_t i = 0; i < n; i++) {
        const struct source *s = order[i];
        int64_t at_us = pace_source_until(t->gate.site, s->address, now);

        if (!pool_reaches(t->pool, s->at.ss_family) ||
            !pace_warm(
                t->gate.site, s->address,
                warmup_per_day(t->world->config->warmup_schedule, s->warm_day),
                now))
            continue;
        if (!at_us && pace_warm_may(t->gate.site, s->address, now, &at_us))
            return s;
        if (at_us < *when_us)
            *when_us = at_us;
    }
    return NULL;
}

void outlet_choose(struct dest *t)
{
    int64_t when_us;
    const struct source *s = find_source(t, &when_us);

    t->source_ms = t->world->now_ms + OUTLET_LOOK_MS;
    t->sourceless = !s;
    t->sourceless_us = when_us;
    t->stranded = !s && when_us == PACE_NEVER_US;
    if (!s) {
        dest_wake_at(t, when_us);
        return;
    }
    if (strcmp(t->source, s->address) != 0)
        room_allow(t);
    if (strcmp(t->source, s->address) != 0 && t->source[0])
        log_event(LOG_INFO, "source_changed", "site=%s from=%s to=%s",
                  pace_name(t->gate.site), t->source, s->address);
    memcpy(t->source, s->address, sizeof t->source);
    t->ticket = pace_source_ticket(t->world->pace, t->source);
    pool_source(t->pool, (const struct sockaddr *)&s->at, s->at_len, s->ehlo);
}

struct pace_asker outlet_asker(struct dest *t)
{
    return (struct pace_asker){
        .who = t,
        .waits_us = &t->waits_us,
        .source = t->source,
        .urgent = hand_waiting(&t->hand, BATCH_TRANSACTIONAL) > 0,
    };
}

static void put_off(struct dest *t, struct parcel *list, int64_t wait_ms)
{
    struct parcel *next;

    for (struct parcel *p = list; p; p = next) {
        struct batch *b = p->batch;

        next = p->next;
        p->next = NULL;
        room_put_off(p, wait_ms);
        t->world->events.left(t->world->owner, b);
    }
}

void outlet_put_off(struct dest *t)
{
    int64_t wait_ms = OUTLET_LATER_MS;

    if (t->stranded)
        return;
    if (t->sourceless_us - dest_now_us(t) < OUTLET_LATER_MS * INT64_C(1000))
        wait_ms = (t->sourceless_us - dest_now_us(t)) / 1000;
    if (wait_ms * 1000 > DEST_WAIT_US)
        put_off(t, hand_take(&t->hand, NULL), wait_ms);
}

void outlet_limits(struct dest *t)
{
    unsigned ticket = pace_source_ticket(t->world->pace, t->source);

    if (ticket && ticket != t->ticket)
        pool_renew(t->pool);
    t->ticket = ticket;
    room_allow(t);
}

void outlet_yield(struct dest *t)
{
    const struct pace_asker by = outlet_asker(t);

    switch (pace_yields(t->gate.site, &by, dest_now_us(t))) {
    case PACE_KEEP: break;
    case PACE_YIELD_SOON:
        pool_yield(t->pool, OUTLET_TURN_MS, t->world->now_ms);
        break;
    case PACE_YIELD_NOW: pool_yield(t->pool, 0, t->world->now_ms); break;
    }
}
