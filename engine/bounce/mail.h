/*
 * bounce/mail - a foreign message opened: the header fields and the parts
 * that bounces are read from.
 *
 * GMime parses. What it is given is bounded: BYTES_MAX of a message, parts
 * nested NESTED_MAX deep, PARTS_MAX of them, TEXT_MAX of each kind of text; a
 * message that nests deeper is read as flat text. Line ends may be LF, CRLF
 * or CR. Text is UTF-8 where its charset is known, else as it came.
 */
#ifndef BOUNCE_MAIL_H
#define BOUNCE_MAIL_H

#include "base/arena.h"
#include "base/buf.h"
#include "bounce/scan.h"

enum {
    BOUNCE_MAIL_BYTES_MAX = 1024 * 1024,
    BOUNCE_MAIL_TEXT_MAX = 64 * 1024,
    BOUNCE_MAIL_PARTS_MAX = 64,
    BOUNCE_MAIL_NESTED_MAX = 16,
    BOUNCE_MAIL_DASHES_MAX = 2048, /* lines that may be a boundary */
};

/* {0} is ready for use and reuse. */
struct bounce_mail {
    struct arena memory;
    struct span raw;     /* the message's bytes, line ends as LF */
    struct span headers; /* of raw: the message's own header */
    const char *from, *to, *subject, *type, *report_type; /* never NULL */
    struct buf human;    /* what is written for people */
    struct buf html;     /* the same, from HTML, tags removed */
    struct buf status;   /* message/delivery-status, all of them */
    struct buf feedback; /* message/feedback-report */
    struct buf original; /* the header of the message that came back */
    unsigned parts;
    bool receipt; /* RFC 8098: its fields look like a bounce's */
};

void bounce_mail_open(struct bounce_mail *m, const char *bytes, size_t len);
void bounce_mail_fini(struct bounce_mail *m);

/* Value of a field of the message's own header, as it came; "" if none. */
struct span bounce_mail_header(const struct bounce_mail *m, const char *name);

/* The header of the message that came back; empty if it is in no part. */
struct span bounce_mail_original(const struct bounce_mail *m);
#endif
