/*
 * queue/copy - rows in PostgreSQL's binary COPY format, and the binary values
 * that they share with query parameters.
 *
 * Takes values, appends bytes to a buf that the caller sends with PQputCopyData
 * (or as a parameter) and resets. Each row says its number of columns first
 * and must then get exactly so many fields: nothing counts them here, the
 * server refuses a row that is wrong. No I/O, no text encoding: texts are to
 * be valid UTF-8 without NUL, or the server refuses the whole COPY.
 * The format: PostgreSQL manual, "COPY", "Binary Format".
 */
#ifndef QUEUE_COPY_H
#define QUEUE_COPY_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COPY_UUID_BYTES = 16 };

struct copy_uuid {
    unsigned char bytes[COPY_UUID_BYTES];
};

/* Once before the first row, and once behind the last. */
void copy_header(struct buf *b);
void copy_trailer(struct buf *b);

void copy_row(struct buf *b, int16_t columns);

/* One field each. Text fields are also how char types, json and members of an
 * enum type (by label) are sent; a NULL text is SQL's null. */
void copy_null(struct buf *b);
void copy_int16(struct buf *b, int16_t v);
void copy_int32(struct buf *b, int32_t v);
void copy_int64(struct buf *b, int64_t v);
void copy_bool(struct buf *b, bool v);
void copy_text(struct buf *b, const char *s);
void copy_bytes(struct buf *b, const void *bytes, size_t len);
void copy_uuid(struct buf *b, const struct copy_uuid *v);
/* Microseconds since 1970, as clock_wall_us gives them; INT64_MAX: infinity. */
void copy_timestamptz(struct buf *b, int64_t wall_us);
/* One-dimensional arrays without nulls: integer[], bigint[]. */
void copy_int32s(struct buf *b, const int32_t *v, size_t n);
void copy_int64s(struct buf *b, const int64_t *v, size_t n);

/* The same arrays, uuid[] and text[], as the value of a binary parameter
 * (without the length that stands before a field). */
void copy_value_int32s(struct buf *b, const int32_t *v, size_t n);
void copy_value_int64s(struct buf *b, const int64_t *v, size_t n);
void copy_value_uuids(struct buf *b, const struct copy_uuid *v, size_t n);
void copy_value_texts(struct buf *b, const char *const *v, size_t n);
#endif
