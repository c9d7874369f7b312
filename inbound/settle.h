/*
 * inbound/settle - judged messages as the arguments of inbound_settle(), which
 * commits a group of them at once (migrations). No I/O.
 */
#ifndef INBOUND_SETTLE_H
#define INBOUND_SETTLE_H

#include "base/buf.h"
#include "inbound/notice.h"
#include "loop/args.h"

enum {
    SETTLE_GROUP_MAX = 1000,            /* messages in one commit */
    SETTLE_KEPT_MAX = 16 * 1024 * 1024, /* bytes that are kept, of a group */
};

enum { SETTLE_SOURCE_MAX = 64 };

struct settled {
    struct notice notice;
    char source[SETTLE_SOURCE_MAX]; /* smtp, api or a mailbox's name */
    struct buf raw;                 /* what is to be kept of it; else empty */
    bool has_post;
    unsigned char post[16]; /* its row of inbound_post */
};

/* Reads a message into *s, which {0} was once; keeps its memory. */
void settled_read(struct settled *s, struct notice_reader *reader,
                  const char *bytes, size_t len, const char *source);

/* All the arguments of the statement inbound_settle. */
void settle_args(struct args *args, const struct settled *const *all, size_t n);
#endif
