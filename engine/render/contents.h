/*
 * render/contents - the compiled contents of the campaigns under way. A
 * campaign's content is read from the store when its first batch wants it;
 * further batches share it. It is dropped when no batch uses it and others
 * need the room.
 */
#ifndef RENDER_CONTENTS_H
#define RENDER_CONTENTS_H

#include "queue/queue.h"
#include "render/content.h"

enum { CONTENTS_KEPT_MAX = 64 }; /* unused ones */

struct contents;

/* ready is called, at once or later, for each batch that wanted its content:
 * batch->content is set then, unless the store could not be asked. */
struct contents *contents_new(struct queue *queue,
                              void (*ready)(void *owner, struct batch *b),
                              void *owner);
void contents_free(struct contents *c);

void contents_want(struct contents *c, struct batch *b);
void contents_release(struct contents *c, struct batch *b);
#endif
