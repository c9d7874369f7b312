#include "queue/hand.h"
#include "base/bug.h"

void hand_init(struct hand *h)
{
    *h = (struct hand){0};
    h->urgent_end = &h->urgent;
}

void hand_add(struct hand *h, struct batch *b, bool front)
{
    if (batch_waiting(b) == 0)
        return;
    if (b->class == BATCH_CAMPAIGN) {
        fair_add(&h->fair, b, front);
        return;
    }
    if (b->listed) {
        h->urgent_waiting += front;
        return;
    }
    b->listed = true;
    h->urgent_waiting += batch_waiting(b);
    b->next = front ? h->urgent : NULL;
    if (front)
        h->urgent = b;
    else
        *h->urgent_end = b;
    if (!b->next)
        h->urgent_end = &b->next;
}

static struct mail *next_urgent(struct hand *h, struct batch **batch)
{
    struct batch *b = h->urgent;

    if (!b)
        return NULL;
    struct mail *mail = batch_next(b);

    *batch = b;
    h->urgent_waiting--;
    if (batch_waiting(b) == 0) {
        h->urgent = b->next;
        if (!h->urgent)
            h->urgent_end = &h->urgent;
        b->next = NULL;
        b->listed = false;
    }
    return mail;
}

struct mail *hand_next(struct hand *h, enum batch_class class,
                       struct batch **batch)
{
    switch (class) {
    case BATCH_TRANSACTIONAL: return next_urgent(h, batch);
    case BATCH_CAMPAIGN: return fair_next(&h->fair, batch);
    }
    BUG("no such class");
}

size_t hand_waiting(const struct hand *h, enum batch_class class)
{
    return class == BATCH_TRANSACTIONAL ? h->urgent_waiting
                                        : fair_waiting(&h->fair);
}

struct batch *hand_take(struct hand *h, const unsigned char *campaign)
{
    struct batch *taken = fair_take(&h->fair, campaign);

    if (campaign)
        return taken;
    while (h->urgent) {
        struct batch *b = h->urgent;

        h->urgent = b->next;
        b->next = taken;
        b->listed = false;
        taken = b;
    }
    h->urgent_end = &h->urgent;
    h->urgent_waiting = 0;
    return taken;
}

struct batch *hand_take_stolen(struct hand *h)
{
    struct batch *stolen = NULL, *next;

    for (struct batch *b = hand_take(h, NULL); b; b = next) {
        next = b->next;
        b->next = NULL;
        if (!b->stolen) {
            hand_add(h, b, false);
            continue;
        }
        b->next = stolen;
        stolen = b;
    }
    return stolen;
}

size_t hand_low_mark(const struct hand *h, double per_second)
{
    size_t low = (size_t)(per_second / 3 / (double)fair_active(&h->fair));

    return low > HAND_LOW_LEAST ? low : HAND_LOW_LEAST;
}
