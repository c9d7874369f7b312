#include "base/memory.h"
#include "base/bug.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memory_new(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);

    if (!p)
        BUG("out of memory");
    return p;
}

void *memory_resize(void *p, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        BUG("allocation overflows");
    size_t bytes = n * size;

    p = realloc(p, bytes > 0 ? bytes : 1);
    if (!p)
        BUG("out of memory");
    return p;
}

char *text_copy_n(const char *s, size_t len)
{
    char *copy = memory_new(len + 1, 1);

    memcpy(copy, s, len);
    return copy;
}

char *text_copy(const char *s)
{
    return s ? text_copy_n(s, strlen(s)) : NULL;
}

char *text_format(const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;

    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        BUG("out of memory");
    return text;
}
