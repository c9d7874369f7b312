/*
 * claims - what to claim next: the store's offers against what is in hand.
 *
 * Part of the pipeline, which says whether anything may be claimed at all. Few
 * mails of an offer in hand, and more are claimed; so a worker never runs dry,
 * and leaves others their share.
 */
#ifndef CLAIMS_H
#define CLAIMS_H

#include "queue/held.h"
#include "queue/offers.h"
#include "queue/queue.h"

struct claims {
    struct queue *queue;
    struct offers offers;
    bool by_site; /* sites are claimed for apart */
    bool list_wanted, urgent_wanted;
    bool claiming_urgent; /* asked, not answered */
    int64_t list_ms, relieved_ms;
    double rate;      /* mails a second that this worker settles, smoothed */
    uint64_t settled; /* the owner counts, up */
    uint64_t settled_before;
};

/* queue must live. */
void claims_init(struct claims *c, struct queue *queue);
void claims_fini(struct claims *c);

/* Mail goes to many destinations, so each site is claimed for by itself; or
 * does not. May change. */
void claims_by_site(struct claims *c, bool by_site);

/* Events of the queue (queue/queue.h). */
void claims_woken(struct claims *c, bool campaigns, bool transactional);
void claims_offered(struct claims *c, const struct queue_offer *offers,
                    size_t n);
void claims_answered(struct claims *c, void *asked, int n);

/* Event of sign/keys: those of a round were read; owner: struct claims. What
 * had to wait for them can be claimed. */
void claims_keys(void *owner, int64_t round);

/* A claimed batch, with its mails, is in hand. */
void claims_hold(struct claims *c, struct batch *b);

/* Every so many milliseconds: how fast is this worker? */
void claims_measure(struct claims *c, int every_ms);

/* Ask for what is wanted. */
struct dests;
void claims_turn(struct claims *c, const struct held *held, struct dests *dests,
                 int64_t now_ms);
#endif
