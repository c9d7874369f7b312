#include "suppress/set.h"
#include "base/bug.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "mail/domain.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

_Static_assert((int)SET_SECRET_BYTES >= (int)XXH3_SECRET_SIZE_MIN,
               "XXH3's secret");

/* Times are kept in minutes since 2020, rounded up: 28 bits of them are 510
 * years. Beside them is the reason. */
#define EPOCH_US INT64_C(1577836800000000)
#define MINUTE_US INT64_C(60000000)
enum {
    REASON_SHIFT = 28,
    FOR_EVER = (1 << REASON_SHIFT) - 1,
    SLOTS_LEAST = 1024,
};
_Static_assert(SUPPRESSIONS <= 16, "a reason has four bits");

struct set_slot {
    uint64_t hash; /* 0: free */
    uint32_t until;
    uint32_t unsubscribed;
};
_Static_assert(sizeof(struct set_slot) == 16, "the header promises it");

void set_init(struct set *s)
{
    *s = (struct set){0};
    if (getrandom(s->secret, sizeof s->secret, 0) != SET_SECRET_BYTES)
        BUG("no random bytes");
}

void set_fini(struct set *s)
{
    free(s->slots);
    s->slots = NULL;
    s->n = s->cap = 0;
}

/* An address may stand on the list in two spellings, one of them beyond ASCII,
 * each with its own entries: so they have a place each. */
static uint64_t hash_of(const struct set *s, int64_t project,
                        const char *address, size_t len, bool wide)
{
    char key[sizeof project + 1 + ADDRESS_MAX];
    size_t at = sizeof project + 1;

    memcpy(key, &project, sizeof project);
    key[sizeof project] = wide;
    at += domain_fold_spec(address, len, key + at);
    uint64_t hash =
        XXH3_64bits_withSecret(key, at, s->secret, sizeof s->secret);

    return hash ? hash : 1;
}

static uint32_t minutes(int64_t us)
{
    if (us <= EPOCH_US)
        return 0;
    if (us > EPOCH_US + (FOR_EVER - 1) * MINUTE_US)
        return FOR_EVER;
    return (uint32_t)((us - EPOCH_US + MINUTE_US - 1) / MINUTE_US);
}

/* Of the address's, or the free one where it belongs. */
static struct set_slot *slot_of(const struct set *s, uint64_t hash)
{
    size_t at = hash & (s->cap - 1);

    while (s->slots[at].hash && s->slots[at].hash != hash)
        at = (at + 1) & (s->cap - 1);
    return &s->slots[at];
}

/* Those that may be written to again are left behind. */
static void grow(struct set *s)
{
    struct set old = *s;
    size_t live = 0;

    for (size_t i = 0; i < old.cap; i++)
        live += old.slots[i].until || old.slots[i].unsubscribed;
    s->cap = old.cap ? old.cap : SLOTS_LEAST;
    while (live >= s->cap / 2)
        s->cap *= 2;
    s->slots = memory_new(s->cap, sizeof *s->slots);
    s->n = live;
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].until || old.slots[i].unsubscribed)
            *slot_of(s, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

void set_put(struct set *s, int64_t project, const char *address, size_t len,
             const struct set_state *state)
{
    bool wide = !utf8_is_ascii(address, len);
    uint64_t hash = hash_of(s, project, address, len, wide);
    uint32_t until = minutes(state->until_us);
    uint32_t unsubscribed = minutes(state->unsubscribed_until_us);

    s->wide |= wide;
    if (s->n >= s->cap / 4 * 3)
        grow(s);
    struct set_slot *slot = slot_of(s, hash);

    if (!slot->hash && !until && !unsubscribed)
        return;
    s->n += slot->hash == 0;
    *slot = (struct set_slot){
        .hash = hash,
        .until = until ? until | (uint32_t)state->reason << REASON_SHIFT : 0,
        .unsubscribed = unsubscribed,
    };
}

/* The store says to the second when an entry ends; here it may last for the
 * rest of that minute. */
static bool lasts(uint32_t until, int64_t now_us)
{
    until &= FOR_EVER;
    return until == FOR_EVER ||
           (until && EPOCH_US + until * MINUTE_US > now_us);
}

static bool spelling_has(const struct set *s, uint64_t hash, bool campaign,
                         int64_t now_us, enum suppression *reason)
{
    const struct set_slot *slot = slot_of(s, hash);

    if (lasts(slot->until, now_us))
        *reason = (enum suppression)(slot->until >> REASON_SHIFT);
    else if (campaign && lasts(slot->unsubscribed, now_us))
        *reason = SUPPRESSION_UNSUBSCRIBE;
    else
        return false;
    return true;
}

bool set_has(const struct set *s, int64_t project, const char *address,
             size_t len, bool campaign, int64_t now_us,
             enum suppression *reason)
{
    if (s->n == 0)
        return false;
    return spelling_has(s, hash_of(s, project, address, len, false), campaign,
                        now_us, reason) ||
           (s->wide && spelling_has(s, hash_of(s, project, address, len, true),
                                    campaign, now_us, reason));
}
