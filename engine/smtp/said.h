/*
 * smtp/said - what a session has said and its driver has not yet taken: command
 * text, with at most one message body somewhere in it. The body is not copied.
 *
 * Places in the stream are counted from its start, so that the session can
 * tell what the server may already know. No I/O, no allocation.
 */
#ifndef SMTP_SAID_H
#define SMTP_SAID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
    SMTP_SAID_MAX = 2048, /* bytes of text; four commands fit */
    SMTP_IOV_MAX = 3,
};

struct smtp_said {
    char text[SMTP_SAID_MAX];
    size_t len, at;    /* of text; what is before `at` was taken */
    size_t body_place; /* the body comes before this byte of text */
    const char *body;  /* NULL: none */
    size_t body_left;
    bool disowned;         /* its bytes are gone: others go in their place */
    uint64_t total, taken; /* of the whole stream */
};

void smtp_said_init(struct smtp_said *q);

void smtp_said_add(struct smtp_said *q, const char *text);

/* The bytes must live until they are taken or dropped. One body at a time. */
void smtp_said_add_body(struct smtp_said *q, const char *bytes, size_t len);

/* The bytes at the end of which the body ends are not to be used any more: if
 * it is one of theirs, what was not taken of it is made up by zeros. For a
 * chunk whose envelope was refused: as many bytes as were told have to follow,
 * and the server throws them away (RFC 3030, 2). */
void smtp_said_disown(struct smtp_said *q, const char *end);

/* Forget what was not taken: it will never be said. */
void smtp_said_drop(struct smtp_said *q);

/* The bytes to send, in order. Returns the number of pieces, none empty. */
int smtp_said_pending(const struct smtp_said *q,
                      struct iovec iov[SMTP_IOV_MAX]);

/* n of the pending bytes were handed over. */
void smtp_said_taken(struct smtp_said *q, size_t n);
#endif
