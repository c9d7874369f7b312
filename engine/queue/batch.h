/*
 * queue/batch - a claimed batch in a worker's memory, and its mails.
 *
 * The owner of a batch is the worker's pipeline. Each mail is in exactly one
 * place: waiting (to be handed out), out (given to the pool), or settled. When
 * none is waiting or out, the batch is finished: what was deferred or is to be
 * handed back is carried by re-sorted batches.
 *
 * The mails of a batch that go the same way are a parcel. A batch is one parcel
 * until it is split, by the domains of its recipients, say; parcels are what
 * waits in lanes and is handed out.
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
enum {
    UUID_BYTES = 16,
    UUID_TEXT_MAX = 37,
    PROJECT_TEXT_MAX = 24,
    SITE_MAX = 256,
};

struct parcel;

/* RFC 8689: as the recipient's domain demands, all the way, or whatever it
 * demands. */
enum mail_tls { MAIL_TLS_AS_EVER, MAIL_TLS_REQUIRED, MAIL_TLS_SPARED };

struct mail {
    struct mailid id;
    struct parcel *parcel; /* the one that it is in */
    int32_t email;         /* content's seq in the same batch; -1: campaign's */
    unsigned counted;      /* while it is out: what for (pace_spend) */
    enum mail_tls tls;     /* the owner's: what its content asks for */
    bool seven_bit;        /* it was made with 8bit bodies once, in vain */
    const char *recipient; /* these two live in the batch's arena */
    const char *variables; /* JSON text, or NULL */
    size_t variables_len;
};

/* Seconds that a site wants between attempts; 0: as the settings say. */
struct carried_retry {
    int32_t first_s, most_s;
};

/* A mail that goes on in a re-sorted batch: of which site, and from when. */
struct carried {
    struct mailid id;
    const char *site; /* NULL: the batch's own; else it lives as the batch */
    int64_t due_us;   /* 0: as the kind says */
    size_t piece;     /* with so many others at most; 0: as many as there are */
    struct carried_retry retry;
};

struct carry {
    struct carried *mails;
    size_t n, cap;
};

enum batch_carry {
    BATCH_DEFERRED, /* due by the retry schedule, as carried_retry has it */
    BATCH_DOUBTED,  /* lost after the final dot, to be sent again */
    BATCH_RETURNED, /* not tried: handed back as they are */
    BATCH_CARRIES,
};

/* Mails of one batch that wait together, for the same destination. */
struct parcel {
    struct batch *batch;
    struct mail *mails;
    size_t n, at;        /* at: the first that waits */
    struct mail **again; /* handed back by the pool untried; go first */
    size_t n_again, cap_again;
    struct parcel *next; /* in a lane */
    bool fell_back;      /* to a relay, as no server of its own was reached */
    bool listed;         /* in a lane */
    bool sure_hosts; /* DNSSEC or MTA-STS say that its mail servers are so */
    void *place;     /* the owner's: where it waits */
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
    char campaign_text[UUID_TEXT_MAX]; /* "" if transactional */
    char project_text[PROJECT_TEXT_MAX];
    char site[SITE_MAX];
    int64_t due_us, expires_us, claimed_us;
    int tries, doubts; /* behind every mail of it */
    bool lost_before;  /* claimed before by a worker that went away */
    bool carried;      /* its mails were written in other batches */
    enum batch_order order;

    int weight; /* its campaign's share */
    struct mail *mails;
    size_t n_mails;
    struct parcel whole;    /* all of it, until it is split */
    struct parcel *parcels; /* &whole, or n_parcels of them */
    size_t n_parcels, parcel_at;
    size_t n_waiting, n_out;
    bool finishing; /* all settled, the store is being told */

    struct batch_email *emails; /* of transactional mails, by id */
    size_t n_emails;

    struct carry carry[BATCH_CARRIES];
    struct arena arena;

    void *content;      /* the engine's own: the campaign's */
    void *offer;        /* queue/offers' own: what it was claimed for */
    size_t *in_hand;    /* counts its waiting mails, with others'; or NULL */
    struct batch *next; /* in settle's list */
    bool touched;       /* something of it was sent or settled */
    bool stolen;        /* the lease went to another worker */
    bool expired;       /* what waits of it is about to be settled so */
    bool unread;        /* its content is being read, and hands it on then */
    size_t held_at;     /* place in the pipeline's table */
};

struct batch *batch_new(void);
void batch_free(struct batch *b);

/* Room for n mails; called once, when they were read; then one by one. parcel
 * is set here. */
void batch_reserve(struct batch *b, size_t n);
void batch_add(struct batch *b, const struct mail *mail);

/* Take the i-th mail of all out of a batch of which none was taken yet, nor is
 * it split. It is out; another one takes its place in the order. */
struct mail batch_pick(struct batch *b, size_t i);

/* Split it into n parcels: the i-th begins at the mail starts[i], the first at
 * 0, each with at least one. Once, and before any mail was taken. The order of
 * mails may be changed before (not after). */
void batch_split(struct batch *b, const size_t *starts, size_t n);

/* The next mail of a parcel, or of whichever has one; NULL: none waits. It is
 * out until settled or put back. */
struct mail *parcel_next(struct parcel *p);
struct mail *batch_next(struct batch *b);
void batch_put_back(struct mail *mail);
size_t parcel_waiting(const struct parcel *p);
/* What parcel_next would give; one waits. */
const struct mail *parcel_peek(const struct parcel *p);
size_t batch_waiting(const struct batch *b);

/* The content of a transactional mail, or NULL. */
struct batch_email *batch_email(const struct batch *b, const struct mail *m);

void batch_carry(struct batch *b, enum batch_carry kind,
                 const struct carried *mail);

/* Everything that waits is to be handed back. */
void batch_return_waiting(struct batch *b);

/* The same for one parcel: into a batch of that site (copied; NULL: its own),
 * due then (0: as it was). */
void parcel_return_waiting(struct parcel *p, const char *site, int64_t due_us);

/* The same, cut up into batches of so many mails at most. */
void parcel_return_pieces(struct parcel *p, const char *site, size_t piece);

/* Everything that waits is no business of ours any more. */
void batch_drop_waiting(struct batch *b);

/* Fills in what the outcome of its mail has from the batch and the clock. */
void batch_outcome(const struct batch *b, const struct mail *mail,
                   int64_t now_us, struct settled *s);

/* What waits of it is not to be sent by this worker any more. */
bool batch_is_gone(const struct batch *b);

/* Nothing waits and nothing is out. */
bool batch_is_over(const struct batch *b);
#endif
