/*
 * queue/array - one-dimensional arrays without nulls in PostgreSQL's binary
 * format, as parameters for unnest(): many rows in one statement. Built in a
 * buf, element by element. No I/O. The format: array_recv() in PostgreSQL's
 * utils/adt/arrayfuncs.c; libpq's manual does not say it.
 */
#ifndef QUEUE_ARRAY_H
#define QUEUE_ARRAY_H

#include "base/buf.h"
#include <stddef.h>
#include <stdint.h>

/* The element's type, by its fixed OID (pg_type.dat). */
enum array_type {
    ARRAY_BYTEA = 17,
    ARRAY_INT8 = 20,
    ARRAY_INT4 = 23,
    ARRAY_TEXT = 25,
    ARRAY_JSON = 114,
    ARRAY_TIMESTAMPTZ = 1184,
};

/* Forgets what b held. */
void array_begin(struct buf *b, enum array_type element);
/* After the last element. */
void array_end(struct buf *b);

void array_int32(struct buf *b, int32_t v);
void array_int64(struct buf *b, int64_t v);
/* bytea, text (valid UTF-8, no NUL) and json. */
void array_bytes(struct buf *b, const void *bytes, size_t len);
/* Microseconds since 1970. */
void array_time(struct buf *b, int64_t wall_us);
#endif
