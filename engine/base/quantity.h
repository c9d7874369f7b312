/*
 * base/quantity - numbers with a unit, as settings and options spell them.
 * Whole numbers only, no sign, no spaces. No I/O, allocates nothing.
 */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include "base/status.h"
#include <stdint.h>

/* What a bare number counts, and so what *out is in. */
enum quantity_kind {
    QUANTITY_COUNT,        /* 10 */
    QUANTITY_BYTES,        /* 64k 10m 1g, of 1024 */
    QUANTITY_SECONDS,      /* 30s 5m 4h 3d; 1500ms is refused, 2000ms is not */
    QUANTITY_MILLISECONDS, /* the same */
};

/* STATUS_INVALID: no such quantity, or one that no int64_t holds. */
MUST_USE enum status quantity_parse(enum quantity_kind kind, const char *text,
                                    int64_t *out, struct error *err);
#endif
