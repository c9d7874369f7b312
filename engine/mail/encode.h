/*
 * mail/encode - bytes as mail may carry them: quoted-printable bodies
 * (RFC 2045 6.7), base64, encoded words (RFC 2047).
 *
 * Everything appends to a buf and never fails; whatever the input, no bare CR
 * or LF and no line of more than 76 characters comes out.
 */
#ifndef MAIL_ENCODE_H
#define MAIL_ENCODE_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    ENCODE_LINE_MAX = 76, /* RFC 2045 6.7 (5), RFC 2047 2 */
    ENCODE_WORD_MAX = 75, /* RFC 2047 2 */
    ENCODE_WORD_MIN = 24, /* room for a frame and any one character */
};

/* A text body, quoted-printable and dot-stuffed (RFC 5321 4.5.2; the extra
 * dot is not counted in the line's length). CRLF, LF and CR each end a line
 * and become CRLF. The last line ends with CRLF only if the text's does. */
void encode_quoted_printable(struct buf *out, const char *text, size_t len);

/* Without line breaks. */
void encode_base64(struct buf *out, const void *bytes, size_t len);

/* UTF-8 text as encoded words, in a line that has col characters already;
 * CRLF and a space go between words (and before the first if it has no room
 * left), so that each holds whole characters and keeps the limits above. Fit
 * for unstructured fields and for phrases. */
void encode_words(struct buf *out, const char *text, size_t len, size_t col);
#endif
