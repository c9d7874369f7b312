/*
 * queue/hand - the mails in hand: of the claimed batches those that wait to be
 * sent. Transactional ones in order of arrival, campaigns' by queue/fair.
 */
#ifndef QUEUE_HAND_H
#define QUEUE_HAND_H

#include "queue/fair.h"

enum { HAND_LOW_LEAST = 200 };

struct hand {
    struct fair fair;
    struct batch *urgent, **urgent_end;
    size_t urgent_waiting;
};

void hand_init(struct hand *h);

/* A batch with mails waiting; at the front if they were put back into it. A
 * batch without any is left alone. */
void hand_add(struct hand *h, struct batch *b, bool front);

/* The next mail of the class to send, or NULL; it is out then. */
struct mail *hand_next(struct hand *h, enum batch_class class,
                       struct batch **batch);
size_t hand_waiting(const struct hand *h, enum batch_class class);

/* Take out a campaign's batches, or with NULL all: a list by next. */
struct batch *hand_take(struct hand *h, const unsigned char *campaign);

/* The same for those whose lease went to another worker. */
struct batch *hand_take_stolen(struct hand *h);

/* How few mails in hand of a campaign are few: about a third of a second's
 * work at this rate of the worker. Enough to never run dry while a claim is
 * under way, little enough to leave other workers their share. */
size_t hand_low_mark(const struct hand *h, double per_second);
#endif
