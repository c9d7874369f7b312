/*
 * queue/hand - the mails that wait to be sent to one destination: transactional
 * ones in order of arrival, campaigns' by queue/fair. {0} is not empty: use
 * hand_init.
 */
#ifndef QUEUE_HAND_H
#define QUEUE_HAND_H

#include "queue/fair.h"

enum { HAND_LOOK_MAX = 256 };

struct hand {
    struct fair fair;
    struct parcel *urgent, **urgent_end;
    size_t urgent_waiting;
    bool clogged; /* HAND_LOOK_MAX may not go, and hide who may: the owner
                     should take some out, and set it back */
};

void hand_init(struct hand *h);
void hand_fini(struct hand *h);

/* A parcel with mails waiting; at the front if a mail was put back into it. A
 * parcel without any is left alone. */
void hand_add(struct hand *h, struct parcel *p, bool front);

/* The next mail of the class to send that may go (may NULL: all may), or NULL;
 * it is out then. Transactional mail keeps its order, but that who may not go
 * does not hold others up: the first HAND_LOOK_MAX parcels are asked. */
struct mail *hand_next(struct hand *h, enum batch_class class, fair_may *may,
                       void *arg);
/* Would there be one? */
bool hand_any(const struct hand *h, enum batch_class class, fair_may *may,
              void *arg);
size_t hand_waiting(const struct hand *h, enum batch_class class);

/* Take out all transactional parcels: a list by next, in their order. */
struct parcel *hand_take_urgent(struct hand *h);

/* Take out the campaigns' parcels that are asked for: a list by next. */
struct parcel *hand_pick(struct hand *h, fair_may *wanted, void *arg);

/* Take out a campaign's parcels, or with NULL all: a list by next. */
struct parcel *hand_take(struct hand *h, const unsigned char *campaign);

/* The same for those of batches that are gone: their lease went to another
 * worker, or it is too late for them. */
struct parcel *hand_take_gone(struct hand *h);
#endif
