#include "queue/hand.h"
#include "base/bug.h"

void hand_init(struct hand *h)
{
    *h = (struct hand){0};
    h->urgent_end = &h->urgent;
}

void hand_fini(struct hand *h)
{
    fair_fini(&h->fair);
}

void hand_add(struct hand *h, struct parcel *p, bool front)
{
    if (parcel_waiting(p) == 0)
        return;
    if (p->batch->class == BATCH_CAMPAIGN) {
        fair_add(&h->fair, p, front);
        return;
    }
    if (p->listed) {
        h->urgent_waiting += front;
        return;
    }
    p->listed = true;
    h->urgent_waiting += parcel_waiting(p);
    p->next = front ? h->urgent : NULL;
    if (front)
        h->urgent = p;
    else
        *h->urgent_end = p;
    if (!p->next)
        h->urgent_end = &p->next;
}

static struct mail *next_urgent(struct hand *h, fair_may *may, void *arg)
{
    struct parcel **at = &h->urgent, *p;
    size_t looked = 0;

    while (*at && may && !may(arg, *at) && ++looked < HAND_LOOK_MAX)
        at = &(*at)->next;
    p = looked < HAND_LOOK_MAX ? *at : NULL;
    h->clogged |= !p && *at;
    if (!p)
        return NULL;
    struct mail *mail = parcel_next(p);

    h->urgent_waiting--;
    if (parcel_waiting(p) == 0) {
        *at = p->next;
        if (!*at)
            h->urgent_end = at;
        p->next = NULL;
        p->listed = false;
    }
    return mail;
}

struct mail *hand_next(struct hand *h, enum batch_class class, fair_may *may,
                       void *arg)
{
    switch (class) {
    case BATCH_TRANSACTIONAL: return next_urgent(h, may, arg);
    case BATCH_CAMPAIGN: return fair_next(&h->fair, may, arg);
    }
    BUG("no such class");
}

bool hand_any(const struct hand *h, enum batch_class class, fair_may *may,
              void *arg)
{
    size_t looked = 0;

    if (class == BATCH_CAMPAIGN)
        return fair_any(&h->fair, may, arg);
    for (const struct parcel *p = h->urgent; p && looked++ < HAND_LOOK_MAX;
         p = p->next)
        if (may(arg, p))
            return true;
    return false;
}

size_t hand_waiting(const struct hand *h, enum batch_class class)
{
    return class == BATCH_TRANSACTIONAL ? h->urgent_waiting : h->fair.waiting;
}

struct parcel *hand_take_urgent(struct hand *h)
{
    struct parcel *taken = h->urgent;

    for (struct parcel *p = taken; p; p = p->next)
        p->listed = false;
    h->urgent = NULL;
    h->urgent_end = &h->urgent;
    h->urgent_waiting = 0;
    return taken;
}

struct parcel *hand_pick(struct hand *h, fair_may *wanted, void *arg)
{
    return fair_pick(&h->fair, wanted, arg);
}

struct parcel *hand_take(struct hand *h, const unsigned char *campaign)
{
    struct parcel *taken = fair_take(&h->fair, campaign);

    if (campaign)
        return taken;
    for (struct parcel *p = hand_take_urgent(h), *next; p; p = next) {
        next = p->next;
        p->next = taken;
        taken = p;
    }
    return taken;
}

static bool any_gone(const struct parcel *list)
{
    for (; list; list = list->next)
        if (batch_is_gone(list->batch))
            return true;
    return false;
}

static bool has_gone(const struct hand *h)
{
    for (size_t i = 0; i < h->fair.n; i++)
        if (any_gone(h->fair.lanes[i].first))
            return true;
    return any_gone(h->urgent);
}

/* Nothing changes its place or share where nothing was. */
struct parcel *hand_take_gone(struct hand *h)
{
    struct parcel *gone = NULL, *next;

    if (!has_gone(h))
        return NULL;
    for (struct parcel *p = hand_take(h, NULL); p; p = next) {
        next = p->next;
        p->next = NULL;
        if (!batch_is_gone(p->batch)) {
            hand_add(h, p, false);
            continue;
        }
        p->next = gone;
        gone = p;
    }
    return gone;
}
