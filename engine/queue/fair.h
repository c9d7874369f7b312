/*
 * queue/fair - whose mail is sent next to a destination: campaigns share by
 * weight, not by age.
 *
 * A lane per campaign holds the parcels that have mails waiting. Stride
 * scheduling: each mail moves its lane's pass by 1/weight, and the lane with
 * the lowest pass is next. A lane that starts, or comes back after idling,
 * starts at the lowest pass of the others: it gets its share at once, and no
 * more. No I/O, no clock. One for each destination; {0} is empty.
 */
#ifndef QUEUE_FAIR_H
#define QUEUE_FAIR_H

#include "queue/batch.h"

struct lane {
    unsigned char campaign[UUID_BYTES];
    int weight;
    double pass;
    size_t waiting; /* mails */
    struct parcel *first, *last;
};

struct fair {
    struct lane *lanes;
    size_t n, cap;
    size_t waiting; /* mails, in all lanes */
    double pass;    /* of the last pick */
};

void fair_fini(struct fair *f);

/* A parcel with mails waiting goes into its campaign's lane; at the front if a
 * mail was put back into it. In the lane already, it only counts that one. */
void fair_add(struct fair *f, struct parcel *p, bool front);

/* May a mail of this parcel go now? */
typedef bool fair_may(void *arg, const struct parcel *p);

/* The next mail to send by fairness, of those lanes whose first parcel may (all
 * if may is NULL); NULL if there is none. A parcel whose last mail is taken
 * leaves its lane. */
struct mail *fair_next(struct fair *f, fair_may *may, void *arg);

/* Would there be one? */
bool fair_any(const struct fair *f, fair_may *may, void *arg);

/* Take the parcels that are wanted out of their lanes: a list by next. The rest
 * keep their places and shares. */
struct parcel *fair_pick(struct fair *f, fair_may *wanted, void *arg);

/* Take the campaign's parcels out of their lane (paused, cancelled): a list
 * by next. With NULL those of all campaigns. */
struct parcel *fair_take(struct fair *f, const unsigned char *campaign);
#endif
