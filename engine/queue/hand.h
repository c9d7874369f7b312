/*
 * queue/hand - the mails that wait to be sent to one destination: transactional
 * ones in order of arrival, campaigns' by queue/fair. {0} is not empty: use
 * hand_init.
 */
#ifndef QUEUE_HAND_H
#define QUEUE_HAND_H

#include "queue/fair.h"

struct hand {
    struct fair fair;
    struct parcel *urgent, **urgent_end;
    size_t urgent_waiting;
};

void hand_init(struct hand *h);
void hand_fini(struct hand *h);

/* A parcel with mails waiting; at the front if a mail was put back into it. A
 * parcel without any is left alone. */
void hand_add(struct hand *h, struct parcel *p, bool front);

/* The next mail of the class to send that may go (may NULL: all may), or NULL;
 * it is out then. Transactional mail keeps its order: where the first may not,
 * none does. */
struct mail *hand_next(struct hand *h, enum batch_class class, fair_may *may,
                       void *arg);
size_t hand_waiting(const struct hand *h, enum batch_class class);

/* Take out a campaign's parcels, or with NULL all: a list by next. */
struct parcel *hand_take(struct hand *h, const unsigned char *campaign);

/* The same for those of batches whose lease went to another worker. */
struct parcel *hand_take_stolen(struct hand *h);
#endif
