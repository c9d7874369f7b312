/*
 * sign/canon - the relaxed canonical forms of RFC 6376, 3.4.2 and 3.4.4.
 *
 * Appends to a buf; no I/O, no other allocation. Bytes are taken as the wire
 * has them: CRLF line ends and, for a body, dots doubled at the start of a
 * line if stuffed says so (RFC 5321, 4.5.2): a signature covers what the
 * receiver has after taking them out.
 */
#ifndef SIGN_CANON_H
#define SIGN_CANON_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

/* All of a body: runs of space and tab become one space, none stays at a
 * line's end, no empty lines at the end; a body that is not empty then ends
 * in CRLF. */
void canon_body(const char *body, size_t len, bool stuffed, struct buf *out);

/* One header field, with its line ends: name in lower case, a colon, the value
 * unfolded on one line, CRLF. */
void canon_header(const char *field, size_t len, struct buf *out);
#endif
