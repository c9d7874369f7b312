#include "queue/fair.h"
#include "base/bug.h"
#include <string.h>

static bool is_idle(const struct lane *l)
{
    return !l->first && !l->claimable && !l->claiming;
}

/* Of the lanes at work; if none is, where the last pick was. */
static double lowest_pass(const struct fair *f)
{
    double lowest = f->pass;
    bool any = false;

    for (size_t i = 0; i < f->n; i++) {
        const struct lane *l = &f->lanes[i];

        if (is_idle(l) || (any && l->pass >= lowest))
            continue;
        lowest = l->pass;
        any = true;
    }
    return lowest;
}

static struct lane *find(struct fair *f,
                         const unsigned char campaign[UUID_BYTES])
{
    for (size_t i = 0; i < f->n; i++)
        if (memcmp(f->lanes[i].campaign, campaign, UUID_BYTES) == 0)
            return &f->lanes[i];
    return NULL;
}

/* An idle lane's place is free for another. */
static struct lane *place(struct fair *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (is_idle(&f->lanes[i]))
            return &f->lanes[i];
    return f->n < FAIR_LANES_MAX ? &f->lanes[f->n++] : NULL;
}

static struct lane *lane_of(struct fair *f,
                            const unsigned char campaign[UUID_BYTES])
{
    double pass = lowest_pass(f);
    struct lane *l = find(f, campaign);

    if (l) {
        if (is_idle(l))
            l->pass = pass;
        return l;
    }
    l = place(f);
    if (l) {
        *l = (struct lane){.weight = 1, .pass = pass, .ask = 1};
        memcpy(l->campaign, campaign, UUID_BYTES);
    }
    return l;
}

static size_t offers(const struct fair *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        n += f->lanes[i].claimable || f->lanes[i].claiming;
    return n;
}

void fair_offer(struct fair *f, const unsigned char campaign[UUID_BYTES],
                int weight)
{
    struct lane *l = find(f, campaign);

    /* The rest of the lanes are for batches that come without an offer. */
    if (!(l && l->claimable) && offers(f) >= FAIR_OFFERS_MAX)
        return;
    l = lane_of(f, campaign);
    if (!l)
        return;
    l->claimable = true;
    l->weight = weight > 0 ? weight : 1;
}

void fair_answered(struct fair *f, const unsigned char campaign[UUID_BYTES],
                   int n)
{
    struct lane *l = find(f, campaign);

    if (!l)
        return;
    l->claiming = false;
    if (n <= 0)
        l->claimable = false;
}

/* Small batches are claimed several at a time, as many as make FAIR_ASK_MAILS:
 * what is claimed beyond need is kept from other workers. */
static int next_ask(int ask, size_t mails)
{
    size_t most = mails > 0 ? FAIR_ASK_MAILS / mails : FAIR_ASK_MAX;

    if (most > FAIR_ASK_MAX)
        most = FAIR_ASK_MAX;
    if ((size_t)ask * 2 <= most)
        return ask * 2;
    return most > 0 ? (int)most : 1;
}

void fair_add(struct fair *f, struct batch *b, bool front)
{
    struct lane *l = lane_of(f, b->campaign);

    if (!l)
        BUG("a batch without a lane"); /* there are more than HELD_MAX */
    if (b->listed) {
        if (front)
            l->waiting++;
        return;
    }
    b->listed = true;
    l->waiting += batch_waiting(b);
    if (front) {
        b->next = l->first;
        l->first = b;
        l->last = l->last ? l->last : b;
        return;
    }
    l->ask = next_ask(l->ask, b->n_mails);
    b->next = NULL;
    if (l->last)
        l->last->next = b;
    else
        l->first = b;
    l->last = b;
}

struct lane *fair_claim(struct fair *f, size_t low)
{
    struct lane *best = NULL;
    unsigned claims = 0;

    for (size_t i = 0; i < f->n; i++) {
        struct lane *l = &f->lanes[i];

        claims += l->claiming;
        if (l->claimable && !l->claiming && l->waiting < low &&
            (!best || l->pass < best->pass))
            best = l;
    }
    if (!best || claims >= FAIR_CLAIMS_MAX)
        return NULL;
    best->claiming = true;
    return best;
}

static void leave(struct lane *l)
{
    struct batch *b = l->first;

    l->first = b->next;
    if (!l->first)
        l->last = NULL;
    b->next = NULL;
    b->listed = false;
}

struct mail *fair_next(struct fair *f, struct batch **batch)
{
    struct lane *best = NULL;

    for (size_t i = 0; i < f->n; i++) {
        struct lane *l = &f->lanes[i];

        if (l->first && (!best || l->pass < best->pass))
            best = l;
    }
    if (!best)
        return NULL;
    struct batch *b = best->first;
    struct mail *mail = batch_next(b);

    if (!mail)
        BUG("an empty batch in a lane");
    f->pass = best->pass;
    best->waiting--;
    best->pass += 1.0 / best->weight;
    if (batch_waiting(b) == 0)
        leave(best);
    *batch = b;
    return mail;
}

struct batch *fair_take(struct fair *f, const unsigned char *campaign)
{
    struct batch *taken = NULL;

    for (size_t i = 0; i < f->n; i++) {
        struct lane *l = &f->lanes[i];

        if (campaign && memcmp(l->campaign, campaign, UUID_BYTES) != 0)
            continue;
        while (l->first) {
            struct batch *b = l->first;

            leave(l);
            b->next = taken;
            taken = b;
        }
        l->waiting = 0;
    }
    return taken;
}

size_t fair_active(const struct fair *f)
{
    size_t active = 0;

    for (size_t i = 0; i < f->n; i++)
        active += !is_idle(&f->lanes[i]);
    return active ? active : 1;
}

size_t fair_waiting(const struct fair *f)
{
    size_t waiting = 0;

    for (size_t i = 0; i < f->n; i++)
        waiting += f->lanes[i].waiting;
    return waiting;
}
