#include "queue/array.h"
#include "base/bug.h"
#include "base/clock.h"
#include <string.h>

/* dimensions, flags, element type, length, lower bound: 4 bytes each; each
 * element has its length before it. How many there are is known at the end,
 * so they are counted in the place of the length meanwhile. */
enum { LENGTH_AT = 12, HEADER_BYTES = 20 };

static void store32(char *to, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(to, &v, sizeof v);
}

static uint32_t load32(const char *from)
{
    uint32_t v;

    memcpy(&v, from, sizeof v);
    return __builtin_bswap32(v);
}

void array_begin(struct buf *b, enum array_type element)
{
    buf_reset(b);
    buf_add_u32(b, 1);
    buf_add_u32(b, 0);
    buf_add_u32(b, (uint32_t)element);
    buf_add_u32(b, 0);
    buf_add_u32(b, 1);
}

static void count(struct buf *b)
{
    store32(b->data + LENGTH_AT, load32(b->data + LENGTH_AT) + 1);
}

/* An empty array has no dimensions. */
void array_end(struct buf *b)
{
    if (b->len > HEADER_BYTES)
        return;
    store32(b->data, 0);
    b->len = LENGTH_AT;
}

void array_int32(struct buf *b, int32_t v)
{
    buf_add_u32(b, 4);
    buf_add_u32(b, (uint32_t)v);
    count(b);
}

void array_int64(struct buf *b, int64_t v)
{
    buf_add_u32(b, 8);
    buf_add_u64(b, (uint64_t)v);
    count(b);
}

void array_bytes(struct buf *b, const void *bytes, size_t len)
{
    if (len > INT32_MAX)
        BUG("an element longer than PostgreSQL takes");
    buf_add_u32(b, (uint32_t)len);
    buf_add(b, bytes, len);
    count(b);
}

void array_time(struct buf *b, int64_t wall_us)
{
    array_int64(b, wall_us - CLOCK_PG_EPOCH_US);
}
