#include "api/ring.h"
#include "base/memory.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    ring_wake_fn *park, *wake;
    void *context;
    bool parked, ended, broken;
    size_t at, len; /* the bytes: at .. at + len, around the end */
    char bytes[RING_BYTES_MAX];
};

struct ring *ring_new(ring_wake_fn *park, ring_wake_fn *wake, void *context)
{
    struct ring *r = memory_new(1, sizeof *r);

    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->park = park;
    r->wake = wake;
    r->context = context;
    return r;
}

void ring_free(struct ring *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    free(r);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t put(struct ring *r, const char *bytes, size_t n)
{
    n = least(n, RING_BYTES_MAX - r->len);
    size_t from = (r->at + r->len) % RING_BYTES_MAX;
    size_t first = least(n, RING_BYTES_MAX - from);

    memcpy(r->bytes + from, bytes, first);
    memcpy(r->bytes, bytes + first, n - first);
    r->len += n;
    return n;
}

static size_t get(struct ring *r, char *bytes, size_t n)
{
    n = least(n, r->len);
    size_t first = least(n, RING_BYTES_MAX - r->at);

    memcpy(bytes, r->bytes + r->at, first);
    memcpy(bytes + first, r->bytes, n - first);
    r->at = (r->at + n) % RING_BYTES_MAX;
    r->len -= n;
    return n;
}

/* Something changed: let the other side, waiting or parked, look again. */
static void tell(struct ring *r)
{
    pthread_cond_broadcast(&r->changed);
    if (r->parked) {
        r->parked = false;
        r->wake(r->context);
    }
}

static void park(struct ring *r)
{
    r->parked = true;
    r->park(r->context);
}

size_t ring_try_write(struct ring *r, const void *bytes, size_t n)
{
    size_t done = n;

    pthread_mutex_lock(&r->lock);
    if (!r->broken) {
        done = put(r, bytes, n);
        if (done > 0)
            tell(r);
        else if (n > 0)
            park(r);
    }
    pthread_mutex_unlock(&r->lock);
    return done;
}

ssize_t ring_try_read(struct ring *r, void *bytes, size_t n)
{
    ssize_t done;

    pthread_mutex_lock(&r->lock);
    if (r->broken) {
        done = -1;
    } else if (r->len > 0) {
        done = (ssize_t)get(r, bytes, n);
        tell(r);
    } else if (r->ended) {
        done = 0;
    } else {
        done = RING_PARKED;
        park(r);
    }
    pthread_mutex_unlock(&r->lock);
    return done;
}

bool ring_write(struct ring *r, const void *bytes, size_t n)
{
    const char *p = bytes;

    pthread_mutex_lock(&r->lock);
    while (n > 0 && !r->broken) {
        size_t done = put(r, p, n);

        p += done, n -= done;
        if (done > 0)
            tell(r);
        else
            pthread_cond_wait(&r->changed, &r->lock);
    }
    bool whole = !r->broken;
    pthread_mutex_unlock(&r->lock);
    return whole;
}

ssize_t ring_read(struct ring *r, void *bytes, size_t n)
{
    ssize_t done = 0;

    pthread_mutex_lock(&r->lock);
    while (r->len == 0 && !r->ended && !r->broken)
        pthread_cond_wait(&r->changed, &r->lock);
    if (r->broken) {
        done = -1;
    } else if (r->len > 0) {
        done = (ssize_t)get(r, bytes, n);
        tell(r);
    }
    pthread_mutex_unlock(&r->lock);
    return done;
}

void ring_end(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    tell(r);
    pthread_mutex_unlock(&r->lock);
}

void ring_break(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->broken = true;
    tell(r);
    pthread_mutex_unlock(&r->lock);
}
