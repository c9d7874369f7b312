/* queue/claimed - rows of the store as a batch and its mails: the columns that
 * the claims and the read_... statements of queue.sql give. */
#ifndef QUEUE_CLAIMED_H
#define QUEUE_CLAIMED_H

#include "queue/batch.h"
#include <libpq-fe.h>

/* A batch without its mails; the caller frees it. */
struct batch *claimed_batch(const PGresult *r, int row);

/* Add the mail of a row; or carry it on, or leave it out, where the outcome of
 * a worker that lost the batch says so. */
void claimed_mail(struct batch *b, const PGresult *r, int row);
#endif
