#include "base/arena.h"
#include "base/memory.h"
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 16384 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

void arena_fini(struct arena *a)
{
    struct arena_block *next;

    for (struct arena_block *b = a->first; b; b = next) {
        next = b->next;
        free(b);
    }
    *a = (struct arena){.block_bytes = a->block_bytes};
}

void arena_reset(struct arena *a)
{
    for (struct arena_block *b = a->first; b; b = b->next)
        b->used = 0;
    a->current = a->first;
}

static struct arena_block *block_new(const struct arena *a, size_t n)
{
    size_t least = a->block_bytes > 0 ? a->block_bytes : ARENA_BLOCK;
    size_t size = n > least ? n : least;
    /* Not zeroed: nobody is promised that, and it would cost more than most
     * messages' use of it. */
    struct arena_block *b = memory_resize(NULL, 1, sizeof *b + size);

    b->next = NULL;
    b->used = 0;
    b->size = size;
    return b;
}

void *arena_take(struct arena *a, size_t n)
{
    const size_t align = alignof(max_align_t);
    struct arena_block *b = a->current;

    n = (n + align - 1) / align * align;
    while (b && b->size - b->used < n && b->next)
        b = b->next;
    if (!b || b->size - b->used < n) {
        struct arena_block *fresh = block_new(a, n);

        if (b)
            b->next = fresh;
        else
            a->first = fresh;
        b = fresh;
    }
    a->current = b;
    void *p = b->bytes + b->used;
    b->used += n;
    return p;
}

char *arena_copy(struct arena *a, const char *s, size_t len)
{
    char *copy = arena_take(a, len + 1);

    memcpy(copy, s, len);
    copy[len] = 0;
    return copy;
}
