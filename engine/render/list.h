/*
 * render/list - the header fields that make a campaign's mail bulk mail in good
 * standing: List-Unsubscribe with its one-click form (RFC 2369, RFC 8058),
 * List-Id (RFC 2919), Feedback-ID (as Gmail and Yahoo read it). What the author
 * gave is not given again.
 */
#ifndef RENDER_LIST_H
#define RENDER_LIST_H

#include "base/buf.h"
#include "queue/batch.h"
#include "render/message.h"

struct list_of {
    const struct message *message;
    const char *sender_domain;
    const unsigned char *campaign; /* UUID_BYTES */
    int64_t project;
    const char *unsubscribe_url; /* "" for none */
};

/* Appends the fields, each ending in CRLF. */
void list_fields(struct buf *out, const struct list_of *of);
#endif
