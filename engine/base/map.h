/*
 * base/map - from texts to pointers: a hash table that grows.
 *
 * Keys are copied; what is stored is the caller's. Not for data whose hashes
 * strangers could choose to collide: the hash is keyed by a secret of the
 * process.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>

struct map_slot;

struct map {
    struct map_slot *slots; /* {0} is an empty map */
    size_t n, cap;
};

void map_fini(struct map *m);

/* NULL if there is none. */
void *map_get(const struct map *m, const char *key);

/* value must not be NULL; replaces what is there. */
void map_put(struct map *m, const char *key, void *value);

/* Returns what was there, or NULL. */
void *map_remove(struct map *m, const char *key);

/* Go through all, in no order that lasts: start with *at = 0; NULL at the end.
 * The map may not be changed meanwhile, but for removing what was just given:
 * then some other may be left out, or be given twice. */
void *map_next(const struct map *m, size_t *at);
#endif
