#include "render/html_tree.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* All that gumbo holds, so that it can be dropped from anywhere: at a limit
 * there is no way to make gumbo return, and its own clean-up recurses as deep
 * as the tree is. */
struct block {
    _Alignas(max_align_t) struct block *previous;
    struct block *next;
    size_t size; /* of the bytes behind this */
};

struct heap {
    struct block blocks; /* head of the ring */
    size_t held;
    uint64_t calls;
    int64_t until_ns;
    jmp_buf limit;
};

enum { CALLS_PER_LOOK = 64 };

static int64_t spent_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void *take(void *arg, size_t size)
{
    struct heap *h = arg;

    if (size > HTML_TREE_MEMORY_MAX - h->held ||
        (++h->calls % CALLS_PER_LOOK == 0 && spent_ns() > h->until_ns))
        longjmp(h->limit, 1);
    struct block *b = memory_new(1, sizeof *b + size);

    b->size = size;
    b->next = h->blocks.next;
    b->previous = &h->blocks;
    b->next->previous = b;
    h->blocks.next = b;
    h->held += size;
    return b + 1;
}

static void give(void *arg, void *bytes)
{
    struct heap *h = arg;

    if (!bytes)
        return;
    struct block *b = (struct block *)bytes - 1;

    b->previous->next = b->next;
    b->next->previous = b->previous;
    h->held -= b->size;
    free(b);
}

static void give_all(struct heap *h)
{
    struct block *next;

    for (struct block *b = h->blocks.next; b != &h->blocks; b = next) {
        next = b->next;
        free(b);
    }
}

/* A late <frameset> makes gumbo drop the body, by recursion. */
static bool has_frameset(const char *html, size_t len)
{
    const char *end = html + len;

    for (const char *p = html; (p = memchr(p, '<', (size_t)(end - p))); p++)
        if (end - p > 8 && strncasecmp(p + 1, "frameset", 8) == 0)
            return true;
    return false;
}

/* Apart from its caller, so that no local changes between setjmp and longjmp.
 */
static bool parse(struct heap *h, const GumboOptions *options, const char *html,
                  size_t len, void (*use)(void *arg, const GumboNode *document),
                  void *arg)
{
    if (setjmp(h->limit) != 0)
        return false;
    use(arg, gumbo_parse_with_options(options, html, len)->document);
    return true;
}

bool html_tree_parse(const char *html, size_t len,
                     void (*use)(void *arg, const GumboNode *document),
                     void *arg)
{
    struct heap heap = {.until_ns =
                            spent_ns() + HTML_TREE_MS_MAX * INT64_C(1000000)};
    GumboOptions options = kGumboDefaultOptions;

    if (len > HTML_TREE_SOURCE_MAX || has_frameset(html, len))
        return false;
    heap.blocks.next = heap.blocks.previous = &heap.blocks;
    options.allocator = take;
    options.deallocator = give;
    options.userdata = &heap;
    options.max_errors = 0;
    bool ok = parse(&heap, &options, html, len, use, arg);

    give_all(&heap);
    return ok;
}
