/*
 * egress/fault - what is wrong with something that was asked for, and which
 * field of it: `tls` is --tls on the command line, and a member of that name
 * in a request's body. No I/O. What a field holds never stands in the text
 * where it might be a secret.
 */
#ifndef EGRESS_FAULT_H
#define EGRESS_FAULT_H

#include "base/status.h"
#include <stdbool.h>

struct egress_fault {
    const char *field; /* static text */
    bool missing;      /* it is wanted and was not given */
    struct error error;
};

/* Both fill *fault and return false, so that a check can end with them. */
PRINTF(3, 4)
bool egress_wrong(struct egress_fault *fault, const char *field,
                  const char *fmt, ...);
bool egress_missing(struct egress_fault *fault, const char *field);

/* "main", "out-1.example": a relay's or a pool's name, as the tables have
 * them. */
enum { EGRESS_NAME_MAX = 63 };
bool egress_is_name(const char *text);
#endif
