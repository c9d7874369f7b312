/*
 * outlet - from which of our addresses a destination's mail leaves, and how
 * many connections it may have from there.
 *
 * Part of the pipeline, beside dest.
 */
#ifndef OUTLET_H
#define OUTLET_H

#include "dest.h"

enum { OUTLET_LOOK_MS = 100 }; /* the choice is looked at again */

/* The first in the site's own order that it does not blame, and that may send
 * more today. Without one, mail waits. */
void outlet_choose(struct dest *t);

/* Limits are others. Connections that were opened before their source was
 * limited count for nothing: others come instead. */
void outlet_limits(struct dest *t);

/* Its mail has no address to leave from for more than a few seconds: it is put
 * off, at most for a minute, so that others' has the room. Where that is so for
 * good it stays, and is told (dest_is_stranded). */
void outlet_put_off(struct dest *t);

/* As who it asks for a connection. */
struct pace_asker outlet_asker(struct dest *t);

/* Where others wait for a connection to its site, or from its source, one of
 * its own ends: that is idle, or has been used for two seconds. */
void outlet_yield(struct dest *t);
#endif
