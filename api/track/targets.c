#include "api/track/targets.h"
#include "base/map.h"
#include "base/memory.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct content {
    TAILQ_ENTRY(content) in_order;
    char *key;
    size_t bytes, n;
    char **urls; /* NULL: none that is constant */
};

struct targets {
    pthread_mutex_t lock;
    struct map by_key;
    TAILQ_HEAD(contents, content) order; /* the one asked for last is first */
    size_t contents_max, bytes_max;
    size_t n, bytes;
};

struct targets *targets_new(size_t contents_max, size_t bytes_max)
{
    struct targets *t = memory_new(1, sizeof *t);

    pthread_mutex_init(&t->lock, NULL);
    TAILQ_INIT(&t->order);
    t->contents_max = contents_max;
    t->bytes_max = bytes_max;
    return t;
}

static void content_free(struct content *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->urls[i]);
    free(c->urls);
    free(c->key);
    free(c);
}

static void drop(struct targets *t, struct content *c)
{
    map_remove(&t->by_key, c->key);
    TAILQ_REMOVE(&t->order, c, in_order);
    t->n--;
    t->bytes -= c->bytes;
    content_free(c);
}

void targets_free(struct targets *t)
{
    if (!t)
        return;
    while (!TAILQ_EMPTY(&t->order))
        drop(t, TAILQ_FIRST(&t->order));
    map_fini(&t->by_key);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool targets_find(struct targets *t, const char *key, size_t number, char **url)
{
    struct content *c;

    *url = NULL;
    pthread_mutex_lock(&t->lock);
    c = map_get(&t->by_key, key);
    if (c) {
        TAILQ_REMOVE(&t->order, c, in_order);
        TAILQ_INSERT_HEAD(&t->order, c, in_order);
        if (number < c->n && c->urls[number])
            *url = text_copy(c->urls[number]);
    }
    pthread_mutex_unlock(&t->lock);
    return c != NULL;
}

/* The key stands in the map, too. */
static size_t bytes_of(const char *key, const struct links *links)
{
    size_t bytes = sizeof(struct content) + 2 * (strlen(key) + 1) +
                   links->n * sizeof(char *);

    for (size_t i = 0; i < links->n; i++)
        bytes += links->all[i].url ? strlen(links->all[i].url) + 1 : 0;
    return bytes;
}

static struct content *content_new(const char *key, const struct links *links,
                                   size_t bytes)
{
    struct content *c = memory_new(1, sizeof *c);

    c->key = text_copy(key);
    c->bytes = bytes;
    c->n = links->n;
    c->urls = memory_new(links->n + 1, sizeof *c->urls);
    for (size_t i = 0; i < links->n; i++)
        c->urls[i] = links->all[i].url ? text_copy(links->all[i].url) : NULL;
    return c;
}

/* Two that asked for the same at once parse it twice: the first one stays. */
void targets_keep(struct targets *t, const char *key, const struct links *links)
{
    size_t bytes = bytes_of(key, links);
    struct content *c;

    if (bytes > t->bytes_max || t->contents_max == 0)
        return;
    c = content_new(key, links, bytes);
    pthread_mutex_lock(&t->lock);
    if (map_get(&t->by_key, key)) {
        content_free(c);
    } else {
        while (t->n == t->contents_max || t->bytes + bytes > t->bytes_max)
            drop(t, TAILQ_LAST(&t->order, contents));
        map_put(&t->by_key, key, c);
        TAILQ_INSERT_HEAD(&t->order, c, in_order);
        t->n++;
        t->bytes += bytes;
    }
    pthread_mutex_unlock(&t->lock);
}

void targets_count(struct targets *t, size_t *contents, size_t *bytes)
{
    pthread_mutex_lock(&t->lock);
    *contents = t->n;
    *bytes = t->bytes;
    pthread_mutex_unlock(&t->lock);
}
