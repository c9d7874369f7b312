/*
 * api/committer - group commit of transactional mail. Requests queue here;
 * each of a few threads takes what has gathered while it was busy and writes
 * it in one transaction. A request is answered only after the commit, and one
 * that can't be written fails no other.
 */
#ifndef API_COMMITTER_H
#define API_COMMITTER_H

#include "api/idempotency.h"
#include "api/reply.h"
#include "base/config.h"
#include "queue/accept.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    /* A second one only makes the groups smaller: commits that NOTIFY are one
     * after the other anyway. Measured, it halves what is accepted. */
    COMMITTER_THREADS = 1,
    COMMITTER_QUEUED_MAX = 20 * 1000,
    COMMITTER_GROUP_MAX = 512, /* requests */
    COMMITTER_GROUP_EMAILS_MAX = 20 * 1000,
    COMMITTER_GROUP_BYTES_MAX = 64 * 1024 * 1024,
};

struct commit_job {
    struct commit_job *next; /* the committer's own */
    struct accept_email *emails;
    size_t n_emails;
    const struct idempotency_claim *claim; /* NULL: no key */
    struct reply *reply;
    /* Sets the reply, from the emails' ids. May be called again, with others.
     */
    void (*answer)(struct commit_job *job);
    /* The reply stands. The job is the caller's again. */
    void (*done)(struct commit_job *job);
};

struct committer;
struct committer *committer_new(const struct config *config);
/* What is queued is written first. */
void committer_free(struct committer *c);

/* False: too much is queued. */
bool committer_submit(struct committer *c, struct commit_job *job);
#endif
