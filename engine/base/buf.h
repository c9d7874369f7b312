/*
 * base/buf - bytes that grow. The bytes are always followed by a NUL, which
 * len does not count. The caller embeds the struct ({0} is an empty buffer)
 * and calls buf_fini. Growth never fails; who takes foreign bytes checks len
 * against a limit of its own first.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/enum.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
    char *data; /* NULL until the first byte */
    size_t len, cap;
};

void buf_fini(struct buf *b);

/* Forget the bytes, keep the memory. */
void buf_reset(struct buf *b);

/* Room for n more bytes (and a NUL) behind len; returns where they go. */
char *buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_add_text(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
PRINTF(2, 3) void buf_addf(struct buf *b, const char *fmt, ...);

/* Big-endian integers, as PostgreSQL's binary formats want them. */
void buf_add_u16(struct buf *b, uint16_t v);
void buf_add_u32(struct buf *b, uint32_t v);
void buf_add_u64(struct buf *b, uint64_t v);

/* Drop n bytes at the front (moves the rest). */
void buf_drop(struct buf *b, size_t n);
#endif
