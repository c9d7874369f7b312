/*
 * bounce/reply - SMTP replies quoted in text: "550 5.1.1 no such user" where
 * it stands in a diagnostic, a transcript or a sentence.
 *
 * Bytes in, numbers out; no allocation, nothing is trusted.
 */
#ifndef BOUNCE_REPLY_H
#define BOUNCE_REPLY_H

#include <stdbool.h>
#include <stddef.h>

enum { BOUNCE_STATUS_MAX = 12 }; /* "5.123.123" and a NUL */

struct bounce_reply {
    unsigned code;                  /* 400 to 599, or 0 */
    char status[BOUNCE_STATUS_MAX]; /* RFC 3463, or "" */
};

/* The first reply code that looks like one (at the start of a line, before a
 * status, after "said:"), else the first number that may be one; the first
 * enhanced status of class 4 or 5 that is no part of an IP address. */
void bounce_reply_find(const char *text, size_t len, struct bounce_reply *out);

/* Is status "" or x.0.0, which says no more than its class? */
bool bounce_status_says_little(const char *status);

/* The length of the enhanced status that text starts with, 0 if none. */
size_t bounce_status_length(const char *text, size_t len);
#endif
