#include "room.h"
#include "base/clock.h"
#include "queue/uuid.h"
#include <string.h>

enum {
    LATER_US = 300 * 1000000, /* limits may change: look again */
    SOONEST_US = 1000000,
    KEPT_LEAST = 16, /* mails */
    KEPT_MOST = HAND_LOOK_MAX / 2,
    KEPT_SECONDS = 2,
    PIECE_SECONDS = 60,
};

void room_allow(struct dest *t)
{
    memset(t->held_us, 0, sizeof t->held_us);
    dest_stir(t);
}

void room_put_off(struct parcel *p, int64_t wait_ms)
{
    p->batch->touched = true; /* it can't just be released */
    parcel_return_waiting(p, NULL, clock_wall_us() + wait_ms * 1000);
}

void room_hand_on(struct dest *t, struct parcel *p)
{
    const char *label = t->world->one ? NULL : t->label;

    p->batch->touched |= label && strcmp(p->batch->site, label) != 0;
    parcel_return_waiting(p, label, 0);
}

bool room_suspended(struct dest *t, struct parcel *p)
{
    const int64_t now = t->world->now_ms * 1000;

    if (pace_suspended_until(t->gate.site, p->batch->campaign_text, now) <=
        now + DEST_WAIT_US)
        return false;
    room_hand_on(t, p);
    return true;
}

void room_clear_suspended(struct dest *t)
{
    const int64_t now = t->world->now_ms * 1000;
    const char *campaign;
    unsigned char id[UUID_BYTES];
    int64_t until_us;
    size_t at = 0;
    struct parcel *next;

    while (
        (campaign = pace_suspended_next(t->gate.site, &at, now, &until_us))) {
        if (until_us <= now + DEST_WAIT_US || !uuid_parse(campaign, id))
            continue;
        for (struct parcel *p = hand_take(&t->hand, id); p; p = next) {
            struct batch *b = p->batch;

            next = p->next;
            p->next = NULL;
            room_hand_on(t, p);
            t->world->events.left(t->world->owner, b);
        }
    }
}

void room_empty(struct dest *t)
{
    struct dest_world *w = t->world;
    struct parcel *next;

    for (struct parcel *p = hand_take(&t->hand, NULL); p; p = next) {
        struct batch *b = p->batch;

        next = p->next;
        p->next = NULL;
        room_hand_on(t, p);
        w->events.left(w->owner, b);
    }
}

/* What came before a batch was sorted by this site counts with what is here. */
static size_t waits(const struct dest *t, const struct parcel *p)
{
    size_t n = parcel_waiting(p);

    if (t->world->one || strcmp(p->batch->site, t->label) == 0)
        return n;
    return n + hand_waiting(&t->hand, p->batch->class);
}

/* Of the site's limits, or of the campaign's if these are less: about how many
 * mails a second this worker may send (0: no limit), and how many workers have
 * a share. */
static double rate_of(const struct dest *t, const struct batch *b,
                      unsigned *workers)
{
    double rate = pace_rate(t->gate.site), own = 0;

    *workers = pace_share(t->gate.site).n;
    if (b->class == BATCH_CAMPAIGN)
        (void)pace_rule_rate(t->world->pace, PACE_CAMPAIGN, b->campaign_text,
                             &own);
    if (own <= 0 || (rate > 0 && rate <= own))
        return rate;
    *workers = pace_workers(t->world->pace);
    return own;
}

size_t room_piece(const struct dest *t, const struct parcel *p)
{
    unsigned workers;
    double rate = rate_of(t, p->batch, &workers);
    size_t minute = (size_t)(rate * PIECE_SECONDS) + 1, piece;

    if (rate <= 0 || workers < 2 || p->batch->carried ||
        waits(t, p) <= 2 * minute)
        return 0;
    piece = (parcel_waiting(p) + workers - 1) / workers;
    return piece > minute ? piece : minute;
}

void room_cut_up(struct dest *t, struct parcel *p, size_t piece)
{
    p->batch->touched = true;
    parcel_return_pieces(p, t->world->one ? NULL : t->label, piece);
}

/* How many mails of a site it takes in a few seconds, by its limit, or as it
 * was measured; the rest need not wait here. SIZE_MAX: as many as there are. */
static size_t soon(const struct dest *t)
{
    double rate = pace_rate(t->gate.site), speed = slow_speed(t);

    if (rate <= 0 && speed < 0)
        return SIZE_MAX;
    if (rate <= 0 || (speed >= 0 && speed < rate))
        rate = speed;
    return (size_t)(rate * DEST_WAIT_US / 1e6) + 1;
}

/* What of a limit other than the site's need not wait here: beyond that of some
 * seconds. */
static bool is_beyond(const struct dest *t, const struct pace_keys *keys,
                      size_t kept)
{
    size_t keep = KEPT_LEAST;
    double soon_n = pace_rules_rate(t->world->pace, keys) * KEPT_SECONDS;

    if (pace_rules_allow(t->world->pace, keys, t->world->now_ms * 1000))
        return false;
    keep += soon_n < KEPT_MOST ? (size_t)soon_n : KEPT_MOST;
    return kept >= keep;
}

void room_relieve(struct dest *t)
{
    const size_t most = t->world->one ? SIZE_MAX : soon(t);
    const int64_t now = t->world->now_ms * 1000;
    struct parcel *next;

    for (struct parcel *p = hand_take_urgent(&t->hand); p; p = next) {
        struct batch *b = p->batch;
        const struct pace_keys keys = dest_keys(t, parcel_peek(p));
        size_t n = parcel_waiting(p), kept = t->hand.urgent_waiting;

        next = p->next;
        p->next = NULL;
        if (is_beyond(t, &keys, kept)) {
            int64_t wait_us = pace_rules_later(t->world->pace, &keys, kept, n,
                                               LATER_US, now) -
                              now;

            room_put_off(p,
                         (wait_us > SOONEST_US ? wait_us : SOONEST_US) / 1000);
        } else if (kept >= most) {
            room_hand_on(t, p);
        } else {
            hand_add(&t->hand, p, false);
        }
        t->world->events.left(t->world->owner, b);
    }
}
