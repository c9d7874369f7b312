/*
 * mail/header - header fields as they are written (RFC 5322, RFC 2047).
 *
 * Each function appends one whole field, folded, with its CRLF. Lines keep to
 * 78 characters where the content lets them and never pass 998 (RFC 5322
 * 2.1.1). Values may be foreign: whatever they hold, a field stays one field.
 * Names are the caller's to check: header_name_check.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/buf.h"
#include "base/status.h"
#include "mail/address.h"
#include <stddef.h>
#include <stdint.h>

enum { HEADER_NAME_MAX = 76 };

/* A field name as we write them: a letter, then letters, digits and "-_.",
 * HEADER_NAME_MAX at most. The error tells what is wrong, without a prefix. */
MUST_USE enum status header_name_check(const char *name, struct error *err);

/* Unstructured text in UTF-8, written as it is if it is ASCII, as encoded
 * words if not. Control characters become spaces (CRLF one), white space at
 * the ends is dropped: value is changed in place. */
void header_text(struct buf *out, const char *name, char *value, size_t len);

/* Address list; the names quoted or encoded where they must be, domains in
 * A-labels where that leaves nothing beyond ASCII (RFC 6531 is not needed
 * then).
 */
void header_addresses(struct buf *out, const char *name,
                      const struct address *list, size_t n);

/* "Date: Mon, 23 Nov 2026 05:41:00 +0000": microseconds since 1970, UTC. */
void header_date(struct buf *out, int64_t wall_us);
#endif
