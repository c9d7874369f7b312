#include "cli/sink/seen.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { SLOTS_FIRST = 1024, KEY_TEXT_MAX = 512 };

void sink_seen_fini(struct sink_seen *seen)
{
    free(seen->slots);
    *seen = (struct sink_seen){0};
}

static struct sink_seen_slot *slot_of(const struct sink_seen *seen,
                                      uint64_t key)
{
    size_t at = (size_t)key & (seen->cap - 1);
    while (seen->slots[at].key != 0 && seen->slots[at].key != key)
        at = (at + 1) & (seen->cap - 1);
    return &seen->slots[at];
}

static void grow(struct sink_seen *seen)
{
    struct sink_seen old = *seen;
    seen->cap = old.cap ? old.cap * 2 : SLOTS_FIRST;
    seen->slots = memory_new(seen->cap, sizeof *seen->slots);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key != 0)
            *slot_of(seen, old.slots[i].key) = old.slots[i];
    free(old.slots);
}

int64_t *sink_seen_at(struct sink_seen *seen, uint64_t key)
{
    key = key ? key : 1;
    /* Never more than half full, so that probes stay short. */
    if (seen->n * 2 >= seen->cap && seen->cap < SINK_SEEN_MAX)
        grow(seen);
    struct sink_seen_slot *slot = slot_of(seen, key);
    if (slot->key == key)
        return &slot->value;
    if (seen->n * 2 >= seen->cap)
        return NULL;
    slot->key = key;
    seen->n++;
    return &slot->value;
}

uint64_t sink_seen_key(uint64_t seed, const char *address)
{
    char lower[KEY_TEXT_MAX];
    size_t n = 0;
    for (; address[n] && n < sizeof lower; n++) {
        char c = address[n];
        lower[n] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return XXH3_64bits_withSeed(lower, n, seed);
}
