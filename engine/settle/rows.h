/* settle/rows - journal records as rows for the store, and their totals by
 * campaign and site. No I/O. */
#ifndef SETTLE_ROWS_H
#define SETTLE_ROWS_H

#include "base/buf.h"
#include "loop/args.h"
#include "mail/outcome.h"
#include "queue/batch.h"

#define ROWS_COPY_SQL                                                          \
    "COPY outcome (batch, seq, attempt, at, verdict, final, reach, code, "     \
    "enhanced, step, reply, mx, source, worker, claimed_ms, waited_ms, "       \
    "took_ms, category) FROM STDIN (FORMAT binary)"

enum tally_count {
    TALLY_DELIVERED,
    TALLY_DEFERRED,
    TALLY_BOUNCED,
    TALLY_IN_DOUBT,
    TALLY_DOUBTED,
    TALLY_EXPIRED,
    TALLY_SUPPRESSED,
    TALLY_CANCELLED,
    TALLY_COUNTS,
};

struct tally_row {
    unsigned char campaign[UUID_BYTES];
    char site[SITE_MAX];
    int64_t count[TALLY_COUNTS];
};

struct tally {
    struct tally_row *rows;
    size_t n, cap, last;
    size_t failed; /* records that settle_failed is told of */
};

void tally_reset(struct tally *t);
void tally_fini(struct tally *t);

/* The parameters of tally_add (settle.sql); false if there is nothing. */
bool tally_args(const struct tally *t, int worker, struct args *a);

/* All records as a whole binary COPY into out (reset first); counts them. */
void rows_copy(const struct buf *records, int worker, struct buf *out,
               struct tally *tally);

/* All records as the parameters of settle_again (settle.sql). */
void rows_args(const struct buf *records, int worker, struct args *a);

/* Those that failed or expired as the parameters of settle_failed. */
void rows_failed_args(const struct buf *records, int worker, struct args *a);
#endif
