/*
 * room - what need not wait in this worker: mail that can't go soon goes back
 * to the store, so that others, or other mail, have their turn.
 *
 * Part of the pipeline, beside dest, whose mail it is.
 */
#ifndef ROOM_H
#define ROOM_H

#include "dest.h"

/* What might not go may now: limits are others, or the source, or the mail. */
void room_allow(struct dest *t);

/* The parcel's waiting mails are due in so long a time. */
void room_put_off(struct parcel *p, int64_t wait_ms);

/* Into a batch of its site, which nobody claims as long as that is shut, and
 * which another worker may claim that has a lane there. Where all mail goes one
 * way, batches are not told apart by it. */
void room_hand_on(struct dest *t, struct parcel *p);

/* Mail of a campaign that is suspended at the site, and not just for a moment,
 * is handed on: it is not claimed until that is over. False: the parcel may
 * wait here. */
bool room_suspended(struct dest *t, struct parcel *p);
/* The same for what waits here already. */
void room_clear_suspended(struct dest *t);

/* What waits for a site that is shut goes back to the store. */
void room_empty(struct dest *t);

/* What takes longer than two minutes is cut up, once, so that every worker that
 * has a share of the limit can have some of it: into batches of so many mails;
 * 0: it need not be. */
size_t room_piece(const struct dest *t, const struct parcel *p);
void room_cut_up(struct dest *t, struct parcel *p, size_t piece);

/* The worker holds many batches: transactional mail that can't go soon, by a
 * limit, makes room for others'. What waits for the limit of a project (sender,
 * ...) comes back about when it is its turn; what is too much for the site,
 * into batches of that, of which few are claimed at a time. */
void room_relieve(struct dest *t);
#endif
