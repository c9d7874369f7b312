/*
 * queue/batch - a claimed batch in a worker's memory, and its mails.
 *
 * The owner of a batch is the worker's pipeline. Each mail is in exactly one
 * place: waiting (to be handed out), out (given to the pool), or settled. When
 * none is waiting or out, the batch is finished: what was deferred or is to be
 * handed back is carried by re-sorted batches.
 */
#ifndef QUEUE_BATCH_H
#define QUEUE_BATCH_H

#include "base/arena.h"
#include "base/mailid.h"
#include "mail/outcome.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum batch_class { BATCH_TRANSACTIONAL = 0, BATCH_CAMPAIGN = 1 };
enum { UUID_BYTES = 16, SITE_MAX = 256 };

struct mail {
    struct mailid id;
    int32_t email;         /* content's seq in the same batch; -1: campaign's */
    const char *recipient; /* these two live in the batch's arena */
    const char *variables; /* JSON text, or NULL */
    size_t variables_len;
};

/* Mails that go into one re-sorted batch. */
struct carry {
    struct mailid *mails;
    size_t n, cap;
};

enum batch_carry {
    BATCH_DEFERRED, /* due by the retry schedule */
    BATCH_DOUBTED,  /* lost after the final dot, to be sent again */
    BATCH_RETURNED, /* not tried: handed back as they are */
    BATCH_CARRIES,
};

/* A transactional mail's content, JSON as it was accepted. */
struct batch_email {
    struct mailid id; /* of its first mail */
    const char *json;
    size_t len;
    void *message; /* compiled at first use; the engine's own */
};

/* What the campaign's state asks to be done with its batches. */
enum batch_order { BATCH_SEND, BATCH_HOLD, BATCH_CANCEL };

struct batch {
    int64_t id;
    int64_t project;
    unsigned char campaign[UUID_BYTES]; /* zero if transactional */
    enum batch_class class;
    char site[SITE_MAX];
    int64_t due_us, expires_us, claimed_us;
    int tries, doubts; /* behind every mail of it */
    bool lost_before;  /* claimed before by a worker that went away */
    bool carried;      /* its mails were written in other batches */
    enum batch_order order;

    struct mail *mails;
    size_t n_mails, at;  /* at: the first that waits */
    struct mail **again; /* handed back by the pool untried; go first */
    size_t n_again, cap_again;
    size_t n_out;
    bool finishing; /* all settled, the store is being told */

    struct batch_email *emails; /* of transactional mails, by id */
    size_t n_emails;

    struct carry carry[BATCH_CARRIES];
    struct arena arena;

    void *content;      /* the engine's own: the campaign's */
    struct batch *next; /* in a lane, later in settle's list */
    bool listed;        /* in a lane */
    bool touched;       /* something of it was sent or settled */
    bool stolen;        /* the lease went to another worker */
    size_t held_at;     /* place in the pipeline's table */
};

struct batch *batch_new(void);
void batch_free(struct batch *b);

/* Room for n mails; called once, when they were read. */
void batch_reserve(struct batch *b, size_t n);

/* The next mail to send, or NULL. It is out until settled or put back. */
struct mail *batch_next(struct batch *b);
void batch_put_back(struct batch *b, struct mail *mail);
size_t batch_waiting(const struct batch *b);

/* The content of a transactional mail, or NULL. */
struct batch_email *batch_email(const struct batch *b, const struct mail *m);

void batch_carry(struct batch *b, enum batch_carry kind, struct mailid id);

/* Everything that waits is to be handed back. */
void batch_return_waiting(struct batch *b);

/* Everything that waits is no business of ours any more. */
void batch_drop_waiting(struct batch *b);

/* Nothing waits and nothing is out. */
bool batch_is_over(const struct batch *b);
#endif
