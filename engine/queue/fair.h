/*
 * queue/fair - who is next: campaigns share by weight, not by age.
 *
 * A lane per campaign holds the claimed batches that have mails waiting.
 * Stride scheduling: each mail moves its lane's pass by 1/weight, and the lane
 * with the lowest pass is next, for sending as for claiming. A lane that
 * starts, or comes back after idling, starts at the lowest pass of the others:
 * it gets its share at once, and no more. No I/O, no clock.
 */
#ifndef QUEUE_FAIR_H
#define QUEUE_FAIR_H

#include "queue/batch.h"

enum {
    FAIR_OFFERS_MAX = 1000, /* campaigns with something to claim */
    FAIR_LANES_MAX = FAIR_OFFERS_MAX + 2048, /* and those with mail in hand */
    FAIR_CLAIMS_MAX = 4,  /* asked at once: what they bring has to fit */
    FAIR_ASK_MAX = 16,    /* batches in one claim */
    FAIR_ASK_MAILS = 250, /* and about so many mails */
};

struct lane {
    unsigned char campaign[UUID_BYTES];
    int weight;
    double pass;
    size_t waiting; /* mails in hand */
    bool claimable; /* the store has more */
    bool claiming;  /* asked, not answered */
    int ask;        /* batches to claim at a time; more if they are small */
    struct batch *first, *last;
};

struct fair {
    struct lane lanes[FAIR_LANES_MAX];
    size_t n;
    double pass; /* of the last pick */
};

/* The campaign has something to claim. Ignored when there are too many. */
void fair_offer(struct fair *f, const unsigned char campaign[UUID_BYTES],
                int weight);

/* The answer to a claim: n batches, or a failure (n < 0). */
void fair_answered(struct fair *f, const unsigned char campaign[UUID_BYTES],
                   int n);

/* A batch with mails waiting goes into its campaign's lane; at the front if
 * mails were put back into it. Does nothing if it is in the lane already. */
void fair_add(struct fair *f, struct batch *b, bool front);

/* The lane to claim for: lowest pass among those that are claimable, not
 * claiming, and have fewer than low mails in hand. NULL if none, or if
 * FAIR_CLAIMS_MAX are asked already. */
struct lane *fair_claim(struct fair *f, size_t low);

/* The next mail to send by fairness, with its batch; NULL if none waits. A
 * batch whose last mail is taken leaves its lane. */
struct mail *fair_next(struct fair *f, struct batch **batch);

/* Take the campaign's batches out of their lane (paused, cancelled): a list
 * by next. With NULL those of all campaigns. */
struct batch *fair_take(struct fair *f, const unsigned char *campaign);

/* Lanes that have mails in hand or to claim; at least 1. */
size_t fair_active(const struct fair *f);
size_t fair_waiting(const struct fair *f);
#endif
