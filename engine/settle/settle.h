/*
 * settle/settle - from the outcome of a mail to the store.
 *
 * Outcomes are written to the journal at the end of the loop turn in which
 * they arose (settle_write, before the sockets are flushed), and committed to
 * the store every settle_interval_ms: COPY into outcome, totals into tally,
 * finished batches, and re-sorted batches for what is deferred or handed back,
 * all in one transaction. If that fails in any way it is done again in a form
 * that counts nothing twice.
 */
#ifndef SETTLE_SETTLE_H
#define SETTLE_SETTLE_H

#include "base/config.h"
#include "queue/batch.h"
#include "settle/journal.h"
#include <uv.h>

struct settle;

struct settle_events {
    /* What a former process left in the journal is in the store. */
    void (*replayed)(void *owner);
    /* The store knows that the batch is over; the owner frees it. */
    void (*finished)(void *owner, struct batch *batch);
};

/* dir holds the journal. On failure nothing is to be freed. */
MUST_USE enum status settle_new(uv_loop_t *loop, const struct config *config,
                                const char *conninfo, const char *dir,
                                const struct settle_events *events, void *owner,
                                struct settle **out, struct error *err);

/* What was added is in the journal then. Batches that are not finished yet
 * stay their owner's. */
void settle_free(struct settle *s);

/* Commit what the journal holds; answers with `replayed`, in time. */
void settle_replay(struct settle *s, int worker);

/* Transactional mail is counted by its project and sender's domain (NULL: not
 * at all): its stream becomes outcome->campaign. */
void settle_add(struct settle *s, struct settled *outcome, int64_t project,
                const char *sender_domain);

/* A batch that is over: b->carry says what of it goes on. */
void settle_finish(struct settle *s, struct batch *b);

/* End of a loop turn: the journal. Then nothing that was confirmed can be
 * forgotten. An error is final: stop. */
MUST_USE enum status settle_write(struct settle *s, struct error *err);

/* Start a commit if one is due (or now, if asked) and none is under way. */
void settle_flush(struct settle *s, bool now);

/* Nothing is left to be committed. */
bool settle_is_clean(const struct settle *s);

/* Outcomes that are not committed yet, in bytes: a bound for the pipeline. */
size_t settle_backlog_bytes(const struct settle *s);
#endif
