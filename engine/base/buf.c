#include "base/buf.h"
#include "base/bug.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdio.h>

enum { BUF_FIRST = 256 };

void buf_fini(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = 0;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (n > SIZE_MAX / 2 - b->len)
        BUG("buffer overflows");
    if (b->len + n + 1 > b->cap) {
        size_t cap = b->cap ? b->cap : BUF_FIRST;

        while (cap < b->len + n + 1)
            cap += cap / 2;
        b->data = memory_resize(b->data, cap, 1);
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    char *to = buf_reserve(b, n);

    if (n)
        memcpy(to, bytes, n);
    to[n] = 0;
    b->len += n;
}

void buf_add_text(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        BUG("bad format");
    char *to = buf_reserve(b, (size_t)n);
    va_start(ap, fmt);
    vsnprintf(to, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void buf_add_u16(struct buf *b, uint16_t v)
{
    const unsigned char be[2] = {(unsigned char)(v >> 8), (unsigned char)v};

    buf_add(b, be, sizeof be);
}

void buf_add_u32(struct buf *b, uint32_t v)
{
    buf_add_u16(b, (uint16_t)(v >> 16));
    buf_add_u16(b, (uint16_t)v);
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    buf_add_u32(b, (uint32_t)(v >> 32));
    buf_add_u32(b, (uint32_t)v);
}

void buf_drop(struct buf *b, size_t n)
{
    if (n > b->len)
        BUG("dropping more than there is");
    b->len -= n;
    if (b->data) {
        memmove(b->data, b->data + n, b->len);
        b->data[b->len] = 0;
    }
}
