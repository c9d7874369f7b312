#include "queue/fair.h"
#include "base/bug.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { FAIR_FIRST = 4 };

void fair_fini(struct fair *f)
{
    free(f->lanes);
    *f = (struct fair){0};
}

/* Of the lanes at work; if none is, where the last pick was. */
static double lowest_pass(const struct fair *f)
{
    double lowest = f->pass;
    bool any = false;

    for (size_t i = 0; i < f->n; i++) {
        const struct lane *l = &f->lanes[i];

        if (!l->first || (any && l->pass >= lowest))
            continue;
        lowest = l->pass;
        any = true;
    }
    return lowest;
}

/* The campaign's, or one that idles, or a new one. */
static struct lane *place(struct fair *f,
                          const unsigned char campaign[UUID_BYTES])
{
    struct lane *idle = NULL;

    for (size_t i = 0; i < f->n; i++) {
        struct lane *l = &f->lanes[i];

        if (memcmp(l->campaign, campaign, UUID_BYTES) == 0)
            return l;
        if (!l->first)
            idle = l;
    }
    if (idle)
        return idle;
    if (f->n == f->cap) {
        f->cap = f->cap ? f->cap * 2 : FAIR_FIRST;
        f->lanes = memory_resize(f->lanes, f->cap, sizeof *f->lanes);
    }
    f->lanes[f->n] = (struct lane){0};
    return &f->lanes[f->n++];
}

static struct lane *lane_of(struct fair *f, const struct batch *b)
{
    double pass = lowest_pass(f);
    struct lane *l = place(f, b->campaign);

    if (!l->first) {
        *l = (struct lane){.pass = pass};
        memcpy(l->campaign, b->campaign, UUID_BYTES);
    }
    l->weight = b->weight > 0 ? b->weight : 1;
    return l;
}

static void count(struct fair *f, struct lane *l, size_t n)
{
    l->waiting += n;
    f->waiting += n;
}

void fair_add(struct fair *f, struct parcel *p, bool front)
{
    struct lane *l = lane_of(f, p->batch);

    if (p->listed) {
        if (front)
            count(f, l, 1);
        return;
    }
    p->listed = true;
    count(f, l, parcel_waiting(p));
    p->next = front ? l->first : NULL;
    if (front)
        l->first = p;
    else if (l->last)
        l->last->next = p;
    else
        l->first = p;
    if (!p->next)
        l->last = p;
}

static void leave(struct lane *l)
{
    struct parcel *p = l->first;

    l->first = p->next;
    if (!l->first)
        l->last = NULL;
    p->next = NULL;
    p->listed = false;
}

struct mail *fair_next(struct fair *f, fair_may *may, void *arg)
{
    struct lane *best = NULL;

    for (size_t i = 0; i < f->n; i++) {
        struct lane *l = &f->lanes[i];

        if (l->first && (!best || l->pass < best->pass) &&
            (!may || may(arg, l->first)))
            best = l;
    }
    if (!best)
        return NULL;
    struct parcel *p = best->first;
    struct mail *mail = parcel_next(p);

    if (!mail)
        BUG("an empty parcel in a lane");
    f->pass = best->pass;
    best->waiting--;
    f->waiting--;
    best->pass += 1.0 / best->weight;
    if (parcel_waiting(p) == 0)
        leave(best);
    return mail;
}

bool fair_any(const struct fair *f, fair_may *may, void *arg)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->lanes[i].first && may(arg, f->lanes[i].first))
            return true;
    return false;
}

struct parcel *fair_take(struct fair *f, const unsigned char *campaign)
{
    struct parcel *taken = NULL;

    for (size_t i = 0; i < f->n; i++) {
        struct lane *l = &f->lanes[i];

        if (campaign && memcmp(l->campaign, campaign, UUID_BYTES) != 0)
            continue;
        while (l->first) {
            struct parcel *p = l->first;

            leave(l);
            p->next = taken;
            taken = p;
        }
        f->waiting -= l->waiting;
        l->waiting = 0;
    }
    return taken;
}

/* Out of one lane, in front of those that were taken already. */
static struct parcel *pick(struct fair *f, struct lane *l, fair_may *wanted,
                           void *arg, struct parcel *taken)
{
    struct parcel **at = &l->first, *p;

    l->last = NULL;
    while ((p = *at)) {
        if (!wanted(arg, p)) {
            l->last = p;
            at = &p->next;
            continue;
        }
        *at = p->next;
        l->waiting -= parcel_waiting(p);
        f->waiting -= parcel_waiting(p);
        p->listed = false;
        p->next = taken;
        taken = p;
    }
    return taken;
}

struct parcel *fair_pick(struct fair *f, fair_may *wanted, void *arg)
{
    struct parcel *taken = NULL;

    for (size_t i = 0; i < f->n; i++)
        taken = pick(f, &f->lanes[i], wanted, arg, taken);
    return taken;
}
