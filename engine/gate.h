/*
 * gate - what limits and shaping say about a destination's mail: the keys that
 * a mail counts for, whether it may go, and what its outcome means.
 *
 * Part of the pipeline, beside dests, which owns one per destination. Several
 * destinations may be of one site, whose limits they share.
 */
#ifndef GATE_H
#define GATE_H

#include "pace/site.h"
#include "queue/batch.h"
#include "smtp/session.h"

struct gate {
    struct pace *pace;
    struct pace_site *site;
    const char *source; /* the address that mail leaves from; "": the only one
                         */
    int64_t when_us; /* of what may not go now: the earliest time to ask again;
                        PACE_NEVER_US: nothing had to wait */
    bool worn;       /* some may go at once, over a newer connection */
};

/* What the mail counts for. sender: its domain, or NULL. The texts are the
 * gate's, the batch's and sender. */
struct pace_keys gate_keys(const struct gate *g, const struct batch *b,
                           const char *sender);

/* May a mail with these keys go? If not, when_us is lowered to when, or worn is
 * set. */
bool gate_may_send(struct gate *g, const struct pace_keys *keys,
                   int64_t now_us);

/* Mail must not even wait here; until when (PACE_NEVER_US: not known). */
bool gate_is_shut(const struct gate *g, int64_t now_us, int64_t *until_us);

/* Told of an outcome. A refusal that blames us and not the recipient is
 * deferred: *result is changed so. */
void gate_outcome(struct gate *g, const struct pace_keys *keys,
                  struct smtp_result *result, int64_t now_us);
#endif
