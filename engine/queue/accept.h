/*
 * queue/accept - writes transactional mail into the queue: what many requests
 * bring, in one transaction.
 *
 * accept_plan puts mails into batches and so names them, before anything is
 * written; accept_send writes them as three statements into an open pipeline,
 * so that the caller can add rows of its own (idempotency keys) to the same
 * transaction. Neither waits for the server. Content is taken as it is: who
 * calls has validated it.
 *
 * Mails that are due now share a batch with others of their project. A
 * scheduled email has a batch of its own, so that cancelling or moving it is
 * one UPDATE of one row.
 */
#ifndef QUEUE_ACCEPT_H
#define QUEUE_ACCEPT_H

#include "base/buf.h"
#include "base/mailid.h"
#include "base/status.h"
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ACCEPT_RECIPIENTS_MAX = 50 }; /* of one email: to, cc and bcc */

struct accept_email {
    int64_t project;
    const char *content; /* JSON */
    size_t content_len;
    const char *const *recipients; /* addr-specs, no two alike */
    size_t n_recipients;
    int64_t due_us;   /* 0: now */
    struct mailid id; /* of its first mail; accept_plan fills it */
};

struct accept_batch {
    int64_t id, project, due_us;
    int32_t size;
    bool shared; /* mails that are due now may join */
};

/* Memory that is used again and again; {0} is empty. */
struct accept {
    struct accept_batch *batches;
    size_t n_batches, batches_cap;
    struct buf params[5];
};

struct accept_limits {
    int32_t batch_mails;
    int64_t expire_us;
};

void accept_fini(struct accept *a);

/* Between two groups: gives back what only an unusually large one needed, and
 * tells whether it did. */
enum { ACCEPT_KEPT_MAX = 4 * 1024 * 1024 };
bool accept_trim(struct accept *a);

/* Numbers of the sequence batch_number, taken ahead; used in their order, so
 * that of two batches of one millisecond the later has the higher id. */
struct accept_numbers {
    int64_t *list;
    size_t used, n, cap;
};
void accept_numbers_fini(struct accept_numbers *numbers);
/* Blocks: one query if fewer than n are left. */
MUST_USE enum status accept_numbers_fill(struct accept_numbers *numbers,
                                         PGconn *pg, size_t n,
                                         struct error *err);

/* Names all emails, now. Takes at most one number per email. Pure. */
void accept_plan(struct accept *a, struct accept_email *const *emails, size_t n,
                 const struct accept_limits *limits, int64_t now_us,
                 struct accept_numbers *numbers);

/* Once for each new connection. Blocks. */
MUST_USE enum status accept_prepare(PGconn *pg, struct error *err);

/* What was planned, into the pipeline; ACCEPT_RESULTS results will follow.
 * False: the connection is broken. */
enum { ACCEPT_RESULTS = 3 };
MUST_USE bool accept_send(struct accept *a, PGconn *pg,
                          struct accept_email *const *emails, size_t n,
                          const struct accept_limits *limits, int64_t now_us);
#endif
