/*
 * base/arena - memory with the life of one message: taken piece by piece,
 * given back all at once. Warm, it takes nothing from the heap.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first, *current; /* {0} is an empty arena */
    size_t block_bytes; /* what the heap is asked for at least; 0: 16,384 */
};

void arena_fini(struct arena *a);

/* Everything taken so far is invalid; the blocks stay for reuse. */
void arena_reset(struct arena *a);

/* n bytes, aligned for any type, not zeroed, never NULL. */
void *arena_take(struct arena *a, size_t n);

char *arena_copy(struct arena *a, const char *s, size_t len);
#endif
