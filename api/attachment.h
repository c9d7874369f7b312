/*
 * api/attachment - the `attachments` of an email: from the many forms in which
 * SDKs send them to the one that the engine reads.
 *
 * Content is base64, an array of bytes, or {"type":"Buffer","data":[...]}, as
 * old Node SDKs have it; or it is fetched from the URL `path` before
 * (attachment_fetch). The rest does no I/O.
 */
#ifndef API_ATTACHMENT_H
#define API_ATTACHMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "render/message.h"
#include <jansson.h>

struct attachment_list {
    struct message_attachment at[MESSAGE_ATTACHMENTS_MAX];
    size_t n;
};

struct fetch;

/* Does any of them (or of the attachments of the emails in a list) have a path?
 */
bool attachment_has_path(const json_t *body);

/* Fetches those that have one: `content` takes the place of `path`, and what
 * was not given, `filename` and `content_type`, comes from the URL and its
 * server. Blocks. Errors name the item. */
MUST_USE enum status attachment_fetch(json_t *email, struct fetch *fetch,
                                      struct error *err);

/* Texts belong to the JSON or to the arena. value may be NULL. What the names
 * and types hold is message_compile's to judge. Errors name the item. */
MUST_USE enum status attachment_read(json_t *value, struct arena *arena,
                                     struct attachment_list *out,
                                     struct error *err);

/* The list as JSON, as render/content reads it. */
void attachment_write(const struct attachment_list *list, struct buf *out);
#endif
