/*
 * unreachable - what becomes of a destination's mail while none of its servers
 * takes it. Part of dest.
 */
#ifndef UNREACHABLE_H
#define UNREACHABLE_H

#include "dest.h"

/* All that waits there ends so, or goes on by the retry schedule: each of it
 * has been tried. */
void unreachable_refuse(struct dest *t, const struct dests_refusal *refusal);

/* From now on no server of t's does, until closed_ms: what waits goes to the
 * fall-back relay, is tried again later, or, if that is no use, bounces. */
void unreachable_now(struct dest *t, const struct pool_refusal *r);

/* No server of a relay does: what came only for want of its own servers is
 * tried there again, in time; what is the relay's waits on, as there is no
 * other way. */
void unreachable_relay(struct dest *t);

/* Mail comes meanwhile. Who calls asks whether its batch is over. */
void unreachable_put(struct dest *t, struct parcel *p);
#endif
