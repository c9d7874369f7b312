/*
 * smtp/reply - one server reply, assembled from bytes split anywhere.
 *
 * No I/O, no allocation, no trust. The caller owns the parser; p->reply is
 * whole after READY and until the next start. A broken reply must end the
 * session: to resynchronise would credit an answer to the wrong recipient.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "base/enum.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    SMTP_REPLY_TEXT_MAX = 4096,   /* text and a NUL; the rest is dropped */
    SMTP_REPLY_BYTES_MAX = 65536, /* a longer reply is refused */
    SMTP_ENHANCED_MAX = 12,       /* "5.123.123" and a NUL */
};

#define SMTP_FED_TABLE(X)                                                      \
    X(SMTP_FED_MORE, "reply incomplete")                                       \
    X(SMTP_FED_READY, "reply complete")                                        \
    X(SMTP_FED_BAD_CODE, "reply code is not 200 to 599")                       \
    X(SMTP_FED_CODE_CHANGED, "reply code differs from line to line")           \
    X(SMTP_FED_BAD_LINE, "no space, hyphen or line end after code")            \
    X(SMTP_FED_TOO_LONG, "reply exceeds 64 KiB")
ENUM_DECLARE(smtp_fed, SMTP_FED_TABLE);

/* After READY the text is printable, valid UTF-8: what the server sent
 * otherwise is shown as '?'. After TOO_LONG so is its beginning. */
struct smtp_reply {
    unsigned code;                  /* 200 to 599 */
    size_t len;                     /* of text, without the NUL */
    char text[SMTP_REPLY_TEXT_MAX]; /* lines joined by '\n' */
};

struct smtp_reply_parser {
    struct smtp_reply reply;
    enum smtp_reply_at { AT_CODE, AT_SEPARATOR, AT_TEXT } at;
    unsigned code, digits; /* of the line being read */
    bool last;             /* this line ends the reply */
    bool beyond_ascii;     /* the text has bytes above 127 */
    size_t seen;           /* bytes of this reply so far */
};

/* Forget any reply and expect the first byte of the next one. */
void smtp_reply_start(struct smtp_reply_parser *p);

/* Take bytes until one reply is complete or all are used. What *used leaves
 * belongs to the next reply; after STARTTLS it is an injection to refuse.
 * After any end but MORE, call smtp_reply_start first. */
MUST_USE enum smtp_fed smtp_reply_feed(struct smtp_reply_parser *p,
                                       const char *bytes, size_t len,
                                       size_t *used);

/* Move the enhanced status code (RFC 3463, RFC 2034) from the front of each
 * line of a complete reply's text to out: "5.1.1 no such user" becomes
 * "no such user" and "5.1.1". out is "" and the text unchanged where there is
 * none, or where its class is not that of the reply code. */
void smtp_reply_take_enhanced(struct smtp_reply *r,
                              char out[SMTP_ENHANCED_MAX]);
#endif
