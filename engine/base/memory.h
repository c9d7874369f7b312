/* base/memory - the allocator's errors end the process: leases and the
 * supervisor recover. What is limited is limited by a named _MAX instead. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include "base/enum.h"
#include <stddef.h>

/* Zeroed memory of n * size bytes, never NULL; the caller frees. */
void *memory_new(size_t n, size_t size);

/* Like realloc, never NULL. */
void *memory_resize(void *p, size_t n, size_t size);

/* Heap copies, the caller frees. text_copy(NULL) is NULL. */
char *text_copy(const char *s);
char *text_copy_n(const char *s, size_t len);
PRINTF(1, 2) char *text_format(const char *fmt, ...);
#endif
