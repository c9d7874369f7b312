/*
 * transcript - a conversation as people read it: what was said, "> ", what was
 * heard, "< ", and what else is to be known, "* "; line by line as it comes.
 *
 * What others sent can neither forge a line nor steer a terminal. Of a login
 * nothing is shown but that it took place, and how it ended: what a server says
 * in it would help to guess the password. A server that gives the password
 * back, as it is or in base64, is not shown from that word of the line on; in a
 * login a part of it will do, or any long word of base64, and of what refusals
 * say then nothing more is shown.
 */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include "base/buf.h"
#include "base/status.h"
#include "smtp/echo.h"
#include "smtp/wire.h"
#include <stdio.h>

/* All zero but `to`, which is borrowed: a new one. */
struct transcript {
    FILE *to;
    struct buf line; /* of whoever speaks */
    char who;        /* '>' or '<' */
    bool login;      /* is under way */
    int64_t heard;   /* bytes, of which only so many are shown */
    bool betrayed;   /* a refusal of this login gave back what was said */
    char secret[SMTP_ECHO_MOST]; /* as much as is looked for */
    size_t secret_len;           /* 0: none */
};

enum {
    TRANSCRIPT_LINE_MAX = 998,      /* longer ones are cut (RFC 5322, 2.1.1) */
    TRANSCRIPT_HEARD_MAX = 1 << 16, /* bytes of a server's that are shown */
};

/* As smtp_tap tells it; owner is the transcript. */
void transcript_tap(void *owner, enum smtp_tap_event event, const char *bytes,
                    size_t len);

/* This is never to be shown, whoever says it, and when; "": there is none. It
 * replaces the one before. Copied in part; fini wipes it. */
void transcript_hide(struct transcript *t, const char *secret);

/* A line of our own, behind what was said so far. */
PRINTF(2, 3) void transcript_note(struct transcript *t, const char *fmt, ...);

void transcript_fini(struct transcript *t);
#endif
