#include "pace/turn.h"
#include <stddef.h>

static bool is_fresh(const struct turn_waiter *w, int64_t now_us)
{
    return now_us < w->until_us;
}

static bool is_before(const struct turn_waiter *a, const struct turn_waiter *b)
{
    return a->urgent != b->urgent ? a->urgent : a->since_us < b->since_us;
}

static const struct turn_waiter *first(const struct turn *t, int64_t now_us)
{
    const struct turn_waiter *found = NULL;

    for (unsigned i = 0; i < t->n; i++)
        if (is_fresh(&t->waiters[i], now_us) &&
            (!found || is_before(&t->waiters[i], found)))
            found = &t->waiters[i];
    return found;
}

bool turn_is_ours(const struct turn *t, const void *who, bool urgent,
                  int64_t now_us)
{
    const struct turn_waiter *next = first(t, now_us);

    if (!next || next->who == who || (urgent && !next->urgent))
        return true;
    return urgent == next->urgent && now_us - next->since_us < TURN_PATIENCE_US;
}

bool turn_is_wanted(const struct turn *t, const void *who, int64_t now_us)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->waiters[i].who != who && is_fresh(&t->waiters[i], now_us))
            return true;
    return false;
}

/* Its place; else a free one, or that of who waits no more, or of the last.
 * NULL: all others come before. */
static struct turn_waiter *place(struct turn *t, const struct turn_waiter *mine,
                                 int64_t now_us)
{
    struct turn_waiter *last = NULL;

    for (unsigned i = 0; i < t->n; i++) {
        struct turn_waiter *w = &t->waiters[i];

        if (w->who == mine->who)
            return w;
    }
    if (t->n < TURN_MAX)
        return &t->waiters[t->n++];
    for (unsigned i = 0; i < t->n; i++) {
        struct turn_waiter *w = &t->waiters[i];

        if (!is_fresh(w, now_us))
            return w;
        if (!last || is_before(last, w))
            last = w;
    }
    return is_before(mine, last) ? last : NULL;
}

void turn_refused(struct turn *t, const void *who, bool urgent,
                  int64_t *since_us, int64_t when_us, int64_t now_us)
{
    if (*since_us == 0)
        *since_us = now_us;
    if (when_us < now_us || when_us == INT64_MAX)
        when_us = now_us;
    const struct turn_waiter mine = {who, urgent, *since_us,
                                     when_us + TURN_STALE_US};
    struct turn_waiter *at = place(t, &mine, now_us);

    if (!at)
        return;
    urgent |= at->who == who && at->urgent && is_fresh(at, now_us);
    *at = mine;
    at->urgent = urgent;
}

void turn_served(struct turn *t, const void *who, int64_t *since_us)
{
    *since_us = 0;
    for (unsigned i = 0; i < t->n; i++)
        if (t->waiters[i].who == who) {
            t->waiters[i] = t->waiters[--t->n];
            return;
        }
}
