/* queue/held - every batch that this worker has, to be found by id. */
#ifndef QUEUE_HELD_H
#define QUEUE_HELD_H

#include "queue/batch.h"

enum { HELD_MAX = 1024, HELD_EXPIRED_MAX = 32 };

struct held {
    struct batch **batches;
    size_t n, cap;
};

void held_fini(struct held *h);
void held_add(struct held *h, struct batch *b);
void held_remove(struct held *h, struct batch *b);

/* NULL if it is not held. */
struct batch *held_find(const struct held *h, int64_t id);

/* The i-th, in no order that lasts; NULL behind the last. */
struct batch *held_get(const struct held *h, size_t i);

/* ids[n] are those that the store says are ours (`kept`): the others, but for
 * what is being finished, went to other workers. Logs each. */
void held_mark_stolen(const struct held *h, const int64_t *ids, size_t n);

/* Marks those with mails that wait past their time, HELD_EXPIRED_MAX at most.
 * False: there are none. */
bool held_mark_expired(const struct held *h, int64_t now_us);

/* No more should be claimed: HELD_MAX, less what the claims may bring that are
 * under way at once. */
bool held_is_full(const struct held *h);
#endif
