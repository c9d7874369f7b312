#include "base/map.h"
#include "base/memory.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { MAP_FIRST = 16 };

struct map_slot {
    char *key; /* NULL: free */
    void *value;
    uint64_t hash;
};

static uint64_t hash_of(const char *key)
{
    static uint64_t seed;

    if (seed == 0)
        arc4random_buf(&seed, sizeof seed);
    return XXH3_64bits_withSeed(key, strlen(key), seed);
}

void map_fini(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        free(m->slots[i].key);
    free(m->slots);
    *m = (struct map){0};
}

/* The key's slot, or the free one where it would go. */
static struct map_slot *slot_of(const struct map *m, const char *key,
                                uint64_t hash)
{
    for (size_t at = hash & (m->cap - 1);; at = (at + 1) & (m->cap - 1)) {
        struct map_slot *s = &m->slots[at];

        if (!s->key || (s->hash == hash && strcmp(s->key, key) == 0))
            return s;
    }
}

void *map_get(const struct map *m, const char *key)
{
    if (m->n == 0)
        return NULL;
    return slot_of(m, key, hash_of(key))->value;
}

static void grow(struct map *m)
{
    struct map old = *m;

    m->cap = old.cap ? old.cap * 2 : MAP_FIRST;
    m->slots = memory_new(m->cap, sizeof *m->slots);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key)
            *slot_of(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

void map_put(struct map *m, const char *key, void *value)
{
    uint64_t hash = hash_of(key);

    if (m->n * 2 >= m->cap)
        grow(m);
    struct map_slot *s = slot_of(m, key, hash);

    if (!s->key) {
        s->key = text_copy(key);
        s->hash = hash;
        m->n++;
    }
    s->value = value;
}

/* Linear probing without tombstones: what follows may have to move up. */
static void close_gap(struct map *m, size_t gap)
{
    size_t mask = m->cap - 1;

    for (size_t at = (gap + 1) & mask; m->slots[at].key; at = (at + 1) & mask) {
        size_t home = m->slots[at].hash & mask;

        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        m->slots[gap] = m->slots[at];
        m->slots[at] = (struct map_slot){0};
        gap = at;
    }
}

void *map_remove(struct map *m, const char *key)
{
    if (m->n == 0)
        return NULL;
    struct map_slot *s = slot_of(m, key, hash_of(key));
    void *value = s->value;

    if (!s->key)
        return NULL;
    free(s->key);
    *s = (struct map_slot){0};
    m->n--;
    close_gap(m, (size_t)(s - m->slots));
    return value;
}

void *map_next(const struct map *m, size_t *at)
{
    while (*at < m->cap) {
        const struct map_slot *s = &m->slots[(*at)++];

        if (s->key)
            return s->value;
    }
    return NULL;
}
