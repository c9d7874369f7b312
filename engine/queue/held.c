#include "queue/held.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/memory.h"
#include "queue/queue.h"

enum { HELD_FIRST = 64, HELD_MARGIN = 128 };

void held_fini(struct held *h)
{
    free(h->batches);
    *h = (struct held){0};
}

void held_add(struct held *h, struct batch *b)
{
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : HELD_FIRST;
        h->batches = memory_resize(h->batches, h->cap, sizeof(struct batch *));
    }
    b->held_at = h->n;
    h->batches[h->n++] = b;
}

void held_remove(struct held *h, struct batch *b)
{
    if (b->held_at >= h->n || h->batches[b->held_at] != b)
        BUG("a batch that is not held");
    h->batches[b->held_at] = h->batches[--h->n];
    h->batches[b->held_at]->held_at = b->held_at;
}

struct batch *held_find(const struct held *h, int64_t id)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->batches[i]->id == id)
            return h->batches[i];
    return NULL;
}

struct batch *held_get(const struct held *h, size_t i)
{
    return i < h->n ? h->batches[i] : NULL;
}

void held_mark_stolen(const struct held *h, const int64_t *ids, size_t n)
{
    for (size_t i = 0; i < h->n; i++) {
        struct batch *b = h->batches[i];

        if (b->finishing || b->stolen || queue_has(ids, n, b->id))
            continue;
        log_event(LOG_WARN, "lease_lost", "batch=%lld", (long long)b->id);
        b->stolen = true;
    }
}

bool held_mark_expired(const struct held *h, int64_t now_us)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n && n < HELD_EXPIRED_MAX; i++) {
        struct batch *b = h->batches[i];

        if (b->expires_us > now_us || b->n_waiting == 0 || b->finishing ||
            b->stolen || b->unread)
            continue;
        b->expired = true;
        n++;
    }
    return n > 0;
}

bool held_is_full(const struct held *h)
{
    return h->n + HELD_MARGIN > HELD_MAX;
}
