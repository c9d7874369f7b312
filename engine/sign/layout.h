/*
 * sign/layout - which fields of a header are signed, and in what order (RFC
 * 6376, 5.4.2 and 8.15), worked out once for all mails whose headers name the
 * same fields: those of a campaign, and mostly those of all campaigns.
 *
 * No I/O; warm, it allocates nothing. Headers are as the wire has them.
 */
#ifndef SIGN_LAYOUT_H
#define SIGN_LAYOUT_H

#include "base/buf.h"
#include <stddef.h>
#include <stdint.h>

enum {
    LAYOUTS_MAX = 16, /* kept; the oldest goes first */
    LAYOUT_FIELDS_MAX = 512,
};

/* Compiled: what is the same in every mail with these names. */
struct layout {
    struct buf names; /* of all fields, in lower case, each with a colon */
    struct buf list;  /* the value of h=, folded to follow "\th=" */
    uint16_t signed_at[LAYOUT_FIELDS_MAX]; /* which fields, in that order */
    size_t n_signed;
};

struct layout_field {
    size_t at, len; /* with folded lines and line end */
};

/* All zero: empty. */
struct layouts {
    struct layout kept[LAYOUTS_MAX];
    size_t oldest;
    struct buf names; /* of the header at hand */
    struct layout_field fields[LAYOUT_FIELDS_MAX];
    size_t n_fields, head_len; /* without the empty line */
};

/* The layout of the header that wire begins with, which ends at an empty line
 * or with wire; sets fields, n_fields and head_len. NULL: it has more than
 * LAYOUT_FIELDS_MAX fields. Lives until the next call. */
const struct layout *layouts_find(struct layouts *l, const char *wire,
                                  size_t len);
void layouts_fini(struct layouts *l);
#endif
