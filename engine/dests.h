/*
 * dests - where claimed mail waits until a connection takes it: by destination.
 *
 * A batch comes in whole; its mails are split by where they go, and wait in the
 * hand of that destination, whose pool asks for them. Destinations come into
 * being with their first mail and go when they have been idle for a while.
 *
 * Part of the pipeline: the only thing beside it that sees queue, route and
 * pool at once. It knows no mail's bytes and settles nothing: for that it asks
 * its owner.
 */
#ifndef DESTS_H
#define DESTS_H

#include "base/config.h"
#include "metrics.h"
#include "queue/batch.h"
#include "smtp/conn.h"

struct dests;

/* Mail that no connection gets to see, and why. Texts are borrowed. */
struct dests_refusal {
    enum verdict verdict; /* DEFERRED or BOUNCED */
    enum reach reach;
    unsigned code; /* as an SMTP reply's; 0: none */
    const char *enhanced, *step, *why;
};

/* The outcome of a mail that is refused so. */
struct settled dests_outcome(const struct dests_refusal *refusal);

struct dests_events {
    /* May mail be sent at all? Asked before each. */
    bool (*may_send)(void *owner);
    /* The routes or the rules for TLS have changed: take back all that
     * waits. */
    void (*rerouted)(void *owner);
    /* A mail that is out: its bytes, or false: it was settled otherwise. */
    bool (*prepare)(void *owner, struct mail *mail, struct smtp_message *m);
    void (*settled)(void *owner, const struct smtp_result *result,
                    const char *peer, const char *source);
    /* A mail that is out can't be sent. `left` follows. */
    void (*refused)(void *owner, struct mail *mail,
                    const struct dests_refusal *refusal);
    /* Something was settled or handed back: is the batch over? Not told from
     * within dests_add: its caller asks itself. */
    void (*left)(void *owner, struct batch *b);
};

struct dests_state {
    unsigned connections, busy, failures;
    size_t waiting[2]; /* mails, by class */
};

/* On failure err names the setting; nothing is to be freed then. config must
 * live and may change. */
MUST_USE enum status dests_new(uv_loop_t *loop, struct smtp_net *net,
                               const struct config *config,
                               const char *conninfo,
                               const struct dests_events *events, void *owner,
                               struct dests **out, struct error *err);

/* After smtp_net_free. The batches stay their owner's. */
void dests_free(struct dests *d);

/* All its waiting mails, on their way. */
void dests_add(struct dests *d, struct batch *b);

/* One that came back untried. */
void dests_add_again(struct dests *d, struct mail *mail);

/* Take a campaign's mails out again, or with NULL all: what waits of it is
 * nowhere then but in its batch. */
void dests_take(struct dests *d, const unsigned char *campaign);

/* The same for batches that are gone (batch_is_gone). */
void dests_take_gone(struct dests *d);

/* Each turn of the loop, before the flush. */
void dests_turn(struct dests *d, int64_t now_ms);
void dests_drain(struct dests *d);

/* Nothing may be added until the routes are known. */
bool dests_are_known(const struct dests *d);

/* The round of rules for TLS (policies_round) that mail keeps to from here on,
 * as of the last turn. */
int64_t dests_tls_round(const struct dests *d);

/* Is the mail, which was added, on its way to its recipient's own server? */
bool dests_are_direct(const struct mail *mail);

/* A mail that is to be tried again: what the site that it was on its way to
 * wants between attempts; and of transactional mail which site that is, so that
 * it waits with the site's, is paused, retried and shown with it (a campaign's
 * batches are of a site from the start). It lives as the batch. */
struct carried dests_carried(const struct mail *mail);

/* One destination takes all mail: where a mail goes depends on nothing. */
bool dests_are_one(const struct dests *d);

/* What waits unsorted for slow sites is in the way of other mail: in a few
 * seconds it is handed on to batches of their own. */
void dests_press(struct dests *d);

/* Many batches are held: what can't go soon is handed back. */
void dests_relieve(struct dests *d);

/* May mail of the campaign for this site be claimed; and about how many a
 * second of it may this worker send (0: no limit of its own)? Where all mail
 * goes one way, that is asked instead of the site. */
bool dests_campaign_is_open(const struct dests *d,
                            const unsigned char campaign[UUID_BYTES],
                            const char *site, double *rate);

/* No mail is to be claimed: the one destination of all mail is down. */
bool dests_are_down(const struct dests *d);
/* May mail of this site be claimed; and about how many mails a second of it
 * this worker may send (0: no limit is known). */
bool dests_site_is_open(const struct dests *d, const char *site, int64_t now_ms,
                        double *rate);

/* The number of this worker, for its share of limits. */
void dests_worker(struct dests *d, int worker);

/* Limits and shaping, for whoever keeps them up to date. */
struct pace;
struct pace *dests_pace(struct dests *d);
struct dests_state dests_state(const struct dests *d);
void dests_measure(const struct dests *d, struct metrics *m);

/* The refusal as the outcome of its mail. */
struct settled dests_outcome(const struct dests_refusal *refusal);
#endif
