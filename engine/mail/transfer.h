/*
 * mail/transfer - which Content-Transfer-Encoding a text body gets (RFC 2045
 * 6), and the body in it.
 *
 * 7bit where nothing on the way can change it: ASCII without control
 * characters, lines of 998 at most, no white space at a line's end, no line
 * that begins with "From " or like one of our boundaries ("--=_"). 8bit if that
 * holds but for letters beyond ASCII, and the caller allows it. Else
 * quoted-printable, or base64 where that is much shorter.
 */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include "base/buf.h"
#include "base/enum.h"
#include <stdbool.h>

#define TRANSFER_TABLE(X)                                                      \
    X(TRANSFER_7BIT, "7bit")                                                   \
    X(TRANSFER_8BIT, "8bit")                                                   \
    X(TRANSFER_QUOTED_PRINTABLE, "quoted-printable")                           \
    X(TRANSFER_BASE64, "base64")
ENUM_DECLARE(transfer, TRANSFER_TABLE);

enum { TRANSFER_LINE_MAX = 998 }; /* RFC 5322 2.1.1 */

/* The best for this text, which is valid UTF-8. eight: it may be 8bit: the
 * server offers 8BITMIME (RFC 6152), and nobody signs the mail: a later server
 * that lacks it has to convert the body (RFC 6376 5.3). */
enum transfer transfer_best(const char *text, size_t len, bool eight);

/* The text in that encoding, dot-stuffed (RFC 5321 4.5.2), appended to out.
 * CRLF, LF and CR each end a line and become CRLF. What transfer_best chose
 * keeps to its limits. But for base64, the last line ends with CRLF only if
 * the text's does. */
void transfer_encode(struct buf *out, enum transfer transfer, const char *text,
                     size_t len);
#endif
