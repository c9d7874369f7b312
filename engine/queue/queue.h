/*
 * queue/queue - the worker's side of the batch queue: claim, read, keep, hand
 * back. One connection, never blocking; what comes back comes as events.
 * Outcomes go by settle/settle, on a connection of their own.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/config.h"
#include "queue/batch.h"
#include <libpq-fe.h>
#include <uv.h>

struct queue;

/* What the store has to claim: of a campaign (zero if transactional), for a
 * site ("" for all sites). */
struct queue_offer {
    enum batch_class class;
    unsigned char campaign[UUID_BYTES];
    const char *site;
    int weight;
};

enum { QUEUE_OFFERS_MAX = 1000, QUEUE_SLOT_MAX = 512 };

struct queue_events {
    /* The worker has its number; the journal may be replayed, then
     * queue_start is to be called. Once a process. */
    void (*registered)(void *owner, int worker,
                       const unsigned char secret[MAILID_SECRET_BYTES]);
    /* A batch and its mails; now the owner's. */
    void (*claimed)(void *owner, struct batch *batch);
    /* A claim was answered; n batches follow, or followed, as `claimed`.
     * asked is what the claim was given. n < 0: the claim failed. */
    void (*answered)(void *owner, void *asked, int n);
    /* The answer to queue_list: what there is to claim now, or a part of it. */
    void (*offers)(void *owner, const struct queue_offer *offers, size_t n);
    /* There may be something to claim: of campaigns, of transactional mail. */
    void (*woken)(void *owner, bool campaigns, bool transactional);
    /* A campaign was paused, cancelled or resumed. */
    void (*control)(void *owner, const unsigned char campaign[UUID_BYTES]);
    /* Ids of the batches that this worker still holds, ascending, less those
     * that are being read; sent_ms is
     * when it asked: the lease counts from there. */
    void (*kept)(void *owner, const int64_t *ids, size_t n, int64_t sent_ms);
};

/* slot names this worker's place: the same after a restart. Starts to
 * connect. events, texts and secrets are copied; config must live. */
struct queue *queue_new(uv_loop_t *loop, const struct config *config,
                        const char *conninfo, const char *slot,
                        const struct queue_events *events, void *owner);
void queue_free(struct queue *q);

/* Hand back what a former process of this slot held, and listen. */
void queue_start(struct queue *q);

bool queue_is_up(const struct queue *q);
int queue_worker(const struct queue *q);

/* Each is answered by an event; without a connection they do nothing. */

/* The rounds of DKIM keys and of rules for TLS that this worker knows
 * (install.dkim_round and tls_round; 0 at the start): while there is a later
 * one, nothing is claimed. */
void queue_dkim_round(struct queue *q, int64_t round);
void queue_tls_round(struct queue *q, int64_t round);

/* Claim so many batches of the offer: of its campaign, or transactional ones;
 * of its site, or of all where that is "". The offer is not kept. */
void queue_claim(struct queue *q, const struct queue_offer *offer, int batches,
                 void *asked);

/* By site, or campaigns alone. By site a long list comes piece by piece, one
 * at each call. */
void queue_list(struct queue *q, bool by_site);
void queue_heartbeat(struct queue *q);

/* Is id among the ids of `kept`? */
bool queue_has(const int64_t *ids, size_t n, int64_t id);

/* Give a batch back of which nothing was sent; by id. */
void queue_release(struct queue *q, int64_t batch);

/* The same, within `kept`, for one that the owner does not have. Not if
 * batches were given back since the heartbeat was sent: this may be one of
 * them, and claimed again meanwhile. Then the next heartbeat tells. */
void queue_release_unknown(struct queue *q, int64_t batch);

/* Mark the campaign sent if nothing of it is left open. */
void queue_finish_campaign(struct queue *q,
                           const unsigned char campaign[UUID_BYTES]);

/* A campaign's content: sender, reply_to[], subject, html, body_text,
 * headers and so on, in one row (read_campaign in queue.sql). NULL or an error
 * result if it can't be had now. */
typedef void queue_content_done(void *arg, const PGresult *row);
void queue_read_campaign(struct queue *q,
                         const unsigned char campaign[UUID_BYTES],
                         queue_content_done *done, void *arg);

/* This worker leaves, and holds nothing any more; done is called when the
 * store knows, or can't. */
void queue_stop(struct queue *q, void (*done)(void *owner));
#endif
