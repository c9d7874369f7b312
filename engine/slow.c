#include "slow.h"
#include "base/map.h"
#include "dest.h"
#include "queue/presort.h"
#include "room.h"
#include <string.h>

static const double NEARLY_NONE = 0.01;

enum {
    LEAST = 16,     /* mails: fewer are not worth a batch of their own */
    LONG = 5,       /* windows: but now they are */
    UNSURE_MAX = 5, /* windows: it may be another by now */
    LATE_MS = 1000, /* a window that is longer by that was slept through */
    AS_FAST_AS = 2, /* times what was thought: it is not slow any more */
};

static size_t waiting(const struct dest *t)
{
    return hand_waiting(&t->hand, BATCH_TRANSACTIONAL) +
           hand_waiting(&t->hand, BATCH_CAMPAIGN);
}

void slow_look(struct dest *t)
{
    if (waiting(t) == 0)
        t->slow.waited = false;
}

double slow_speed(const struct dest *t)
{
    return t->slow.windows > 0 ? t->slow.speed : -1;
}

/* Of other limits than the site's what waits says nothing about the site. */
static bool was_measured(const struct dest *t, int64_t took_ms)
{
    const int64_t now_ms = t->world->now_ms;

    return t->slow.waited && took_ms <= SLOW_WINDOW_MS + LATE_MS &&
           now_ms - t->slow.limited_ms > took_ms &&
           t->held_us[BATCH_TRANSACTIONAL] <= now_ms * 1000 &&
           t->held_us[BATCH_CAMPAIGN] <= now_ms * 1000;
}

static void measure(struct dest *t, int64_t took_ms)
{
    struct slow *s = &t->slow;
    double speed = (double)s->settled * 1000 / (double)took_ms;

    if (was_measured(t, took_ms)) {
        bool slow = (double)waiting(t) > speed * SLOW_AHEAD_S;

        s->windows = slow ? s->windows + 1 : 0;
        s->speed = speed;
        s->unsure = 0;
    } else if (++s->unsure > UNSURE_MAX ||
               speed > (s->speed + 1) * AS_FAST_AS) {
        s->windows = 0;
    }
    s->settled = 0;
    s->waited = waiting(t) > 0;
}

/* It came before its site was known. A batch of one domain keeps nobody from
 * mail of another, unless there are too many of them. Where all mail goes one
 * way, batches are not told apart. */
static bool is_unsorted(const struct dest *t, const struct parcel *p)
{
    const char *site = p->batch->site;

    if (t->world->one || p->batch->class != BATCH_CAMPAIGN)
        return false;
    return strcmp(site, PRESORT_SITE_OTHER) == 0 ||
           (t->world->crowded && strcmp(site, t->label) != 0);
}

static bool picks(void *arg, const struct parcel *p)
{
    return is_unsorted(arg, p);
}

static void hand_on(struct dest *t)
{
    struct parcel *next;

    for (struct parcel *p = hand_pick(&t->hand, picks, t); p; p = next) {
        struct batch *b = p->batch;

        next = p->next;
        p->next = NULL;
        room_hand_on(t, p);
        t->world->events.left(t->world->owner, b);
    }
}

/* So many mails are too much to wait. */
static bool is_much(const struct dest *t, size_t n)
{
    return n > LEAST && (double)n > t->slow.speed * SLOW_AHEAD_S;
}

static void judge(struct dest *t, int64_t took_ms, bool pressed)
{
    struct pace_ledger *ledger = pace_ledger(t->gate.site);

    measure(t, took_ms);
    if (t->slow.windows == 0)
        return;
    ledger->slow = true;
    ledger->speed += t->slow.speed;
    if (is_much(t, hand_waiting(&t->hand, BATCH_CAMPAIGN)) ||
        (pressed && t->slow.windows >= LONG))
        hand_on(t);
}

/* Several destinations may be of one site. */
void slow_judge_all(const struct map *all, struct dest_world *w)
{
    int64_t took_ms = w->now_ms - w->judged_ms;
    size_t at = 0;

    if (took_ms < SLOW_WINDOW_MS)
        return;
    w->judged_ms = w->now_ms;
    for (struct dest *t; (t = map_next(all, &at));) {
        pace_ledger(t->gate.site)->slow = false;
        pace_ledger(t->gate.site)->speed = 0;
    }
    at = 0;
    for (struct dest *t; (t = map_next(all, &at));)
        judge(t, took_ms, w->pressed);
    w->pressed = w->crowded = false;
}

double slow_rate(struct pace_site *s)
{
    double rate = pace_rate(s);
    const struct pace_ledger *ledger = pace_ledger(s);

    if (!ledger->slow || (rate > 0 && rate < ledger->speed))
        return rate;
    return ledger->speed > NEARLY_NONE ? ledger->speed : NEARLY_NONE;
}

/* By the site's limit; or as it was measured. */
bool slow_hands_on(struct dest *t, struct parcel *p)
{
    double rate = pace_rate(t->gate.site);
    size_t n = hand_waiting(&t->hand, BATCH_CAMPAIGN) + parcel_waiting(p);

    if (!is_unsorted(t, p))
        return false;
    if (!(rate > 0 && (double)n > rate * SLOW_AHEAD_S) &&
        !(t->slow.windows > 0 && (is_much(t, n) || t->slow.windows >= LONG)))
        return false;
    room_hand_on(t, p);
    return true;
}
