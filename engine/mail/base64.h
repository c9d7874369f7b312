/*
 * mail/base64 - base64 (RFC 4648) as it comes in from clients and goes out in
 * mail. An attachment stays in base64 from one end to the other: it is checked
 * once and broken into lines once, and never decoded.
 */
#ifndef MAIL_BASE64_H
#define MAIL_BASE64_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

/* Only the alphabet of RFC 4648 4, whole groups, padded, without breaks. */
bool base64_is_canonical(const char *text, size_t len);

/* Appends it in that form: white space is dropped, the alphabet of URLs
 * translated, padding that was left away added. False if text is no base64;
 * out is then as before. */
bool base64_clean(struct buf *out, const char *text, size_t len);

/* Canonical base64 in lines of 76 (RFC 2045 6.8), CRLF between them. */
void base64_lines(struct buf *out, const char *text, size_t len);

/* How many bytes base64_lines writes. */
size_t base64_lines_size(size_t len);
#endif
