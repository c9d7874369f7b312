/*
 * queue/offers - what the store has to claim, and whose turn it is.
 *
 * An offer is a campaign's mail for a site, or for all sites ("") where one
 * destination takes everything; or transactional mail for a site, which goes
 * before any campaign. The one that has had the least for its weight is
 * claimed for next, by the same stride scheduling as queue/fair: so of what
 * comes into the worker, too, each campaign has its share. No I/O, no clock.
 */
#ifndef QUEUE_OFFERS_H
#define QUEUE_OFFERS_H

#include "queue/batch.h"

enum {
    OFFERS_MAX = 1000,     /* that have something to claim, and no batch here */
    OFFERS_CLAIMS_MAX = 4, /* asked at once: what they bring has to fit */
    OFFERS_ASK_MAX = 16,   /* batches in one claim */
    OFFERS_ASK_MAILS = 250, /* and about so many mails */
};

/* What the worker has of one campaign, at whatever sites. */
struct offers_campaign {
    size_t offers;      /* that are of it, idle ones too */
    size_t batches;     /* held */
    size_t soon;        /* mails in hand that may go soon: the owner's count */
    int64_t counted_ms; /* when; the owner's. 0: not since a batch came */
};

struct offer {
    enum batch_class class;
    unsigned char campaign[UUID_BYTES]; /* zero if transactional */
    char *site;                         /* "": any */
    int weight;
    double pass;
    size_t in_hand;             /* mails that wait in the worker */
    size_t batches;             /* of it that the worker holds */
    bool claimable;             /* the store has more */
    bool claiming;              /* asked, not answered */
    size_t asked;               /* about so many mails */
    bool unwanted;              /* so said the owner when last asked */
    struct offers_campaign *of; /* all offers of the campaign; or NULL */
    int ask;      /* batches to claim at a time; more if they are small */
    size_t mails; /* in the last batch of it; 0: none was seen */
};

struct offers {
    struct offer **all; /* their addresses last as long as they are not idle */
    size_t n, cap;
    size_t claims; /* under way */
    size_t ousted; /* the last one that made room was here */
    double pass;   /* of the last mail sent */
};

void offers_fini(struct offers *o);

/* The store has something of it. When there are too many, it takes the place of
 * one that nobody wants now, which comes again when the store is asked again;
 * or, where all are wanted, is ignored. */
void offers_come(struct offers *o, enum batch_class class,
                 const unsigned char campaign[UUID_BYTES], const char *site,
                 int weight);

/* The answer to a claim: n batches, or a failure (n < 0). */
void offers_answered(struct offers *o, struct offer *offer, int n);

/* A batch was claimed: it counts for the offer of its campaign and that site.
 * Its mails count as in hand from now on, until taken. */
void offers_hold(struct offers *o, struct batch *b, const char *site);

/* A mail of the batch was given to a connection. */
void offers_sent(struct offers *o, const struct batch *b);

/* The batch is no longer held. */
void offers_let_go(struct batch *b);

/* How many more mails of an offer are wanted; 0: none. */
typedef size_t offers_wants(void *arg, const struct offer *offer);

/* The offer to claim for now: of those that are claimable and not being
 * claimed, and wanted, transactional ones first, then the lowest pass. NULL if
 * none, or if OFFERS_CLAIMS_MAX are asked already. *batches: so many, as far as
 * can be told; at least 1. */
struct offer *offers_claim(struct offers *o, offers_wants *wants, void *arg,
                           int *batches);

/* Campaigns at work: offers of them with mail in hand or to claim; at least
 * 1. */
size_t offers_active(const struct offers *o);
#endif
