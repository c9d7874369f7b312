/*
 * render/attach - a content's attachments as the parts that every mail carries
 * alike: checked, headed and encoded once, each with its place in the tree of
 * parts. Internal to render/.
 */
#ifndef RENDER_ATTACH_H
#define RENDER_ATTACH_H

#include "base/buf.h"
#include "base/status.h"
#include "render/message.h"

/* Behind all bodies; beside the HTML that shows it (RFC 2387); as one more
 * form of the bodies (an invitation: RFC 6047 2.4). */
enum attach_place { ATTACH_MIXED, ATTACH_RELATED, ATTACH_FORM, ATTACH_PLACES };

/* Parts without the boundary lines around them. */
struct attach_parts {
    struct buf *at;
    size_t n;
};

struct attachments {
    struct attach_parts in[ATTACH_PLACES];
    size_t bytes; /* of all parts */
};

/* Errors begin with "attachments[2]". On failure a needs attach_fini too. */
MUST_USE enum status attach_init(struct attachments *a,
                                 const struct message_source *source,
                                 struct error *err);
void attach_fini(struct attachments *a);
#endif
