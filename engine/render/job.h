/*
 * render/job - one mail on its way: its place in the queue, its bytes, and what
 * smtp needs to send it. Jobs are reused; warm, they allocate nothing.
 */
#ifndef RENDER_JOB_H
#define RENDER_JOB_H

#include "base/config.h"
#include "mail/outcome.h"
#include "queue/batch.h"
#include "render/content.h"
#include "smtp/session.h"

struct job {
    struct batch *batch;
    struct mail *mail;
    int64_t started_us;
    char from[ADDRESS_MAX];    /* envelope sender */
    char to[ADDRESS_MAX];      /* the recipient, where it has other letters */
    const char *sender_domain; /* of From:; its content's */
    const struct content_transfer *transfer; /* its content's */
    bool eight_bit;                          /* its bodies may be 8bit */
    struct buf bytes;
    struct job *next; /* spare ones */
};

struct jobs {
    struct job *spare;
    struct arena scratch;
    struct buf fields; /* of a campaign's mail, besides its content's */
};

/* What rendering depends on besides the mail; config may change. */
struct job_settings {
    const struct config *config;
    const unsigned char *secret; /* of the installation */
};

/* For a connection that takes 8bit bodies, or not. A mail that was made so in
 * vain once is not made so again. */
struct job *jobs_take(struct jobs *j, struct mail *mail, bool eight_bit);
void jobs_put(struct jobs *j, struct job *job);

/* Frees the spare ones. */
void jobs_fini(struct jobs *j);

/* Render the mail's content, which its batch has, into job->bytes, and the
 * envelope: the sender's own address, or, if return_path_domain is set, one
 * there that names the mail. With a public_url, links are tracked as the
 * content or the settings say, and campaigns can be unsubscribed from. */
MUST_USE enum status job_render(struct jobs *j, struct job *job,
                                const struct job_settings *settings,
                                struct error *err);

/* What its content asks for, of RFC 8689. */
enum mail_tls job_tls(struct batch *b, const struct mail *mail);

/* The domain of the mail's From:, or NULL if its content can't be had. */
const char *job_sender_domain(struct batch *b, const struct mail *mail);

/* What to send; the job is its tag, and owns the bytes. */
struct smtp_message job_message(struct job *job);

/* The answer to it as an outcome, without what only its batch knows. Texts
 * are borrowed. */
struct settled job_outcome(const struct job *job,
                           const struct smtp_result *result, const char *peer,
                           const char *source);
#endif
