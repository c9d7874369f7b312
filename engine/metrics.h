/*
 * metrics - what a worker counts, and its page for Prometheus.
 *
 * The loop's thread writes the numbers; a thread of the HTTP server reads
 * them. Each is one word, so a page may be a moment old but never torn.
 */
#ifndef METRICS_H
#define METRICS_H

#include "base/status.h"
#include "mail/outcome.h"
#include <stdint.h>

enum { METRICS_BUCKETS = 12 };

struct histogram {
    uint64_t bucket[METRICS_BUCKETS + 1]; /* not cumulative; the last: more */
    uint64_t count, sum_ms;
};

/* kind, name, help */
#define METRICS_TABLE(X)                                                       \
    X(counter, batches_claimed, "Batches claimed from the queue")              \
    X(counter, batches_finished, "Batches finished")                           \
    X(gauge, held_batches, "Batches that this worker holds")                   \
    X(gauge, waiting_mails, "Mails in hand that wait to be sent")              \
    X(gauge, domains_known, "Recipient domains that are kept")                 \
    X(gauge, connections, "Open SMTP connections")                             \
    X(gauge, connections_busy, "SMTP connections with a mail under way")       \
    X(gauge, connect_failures, "Failures to connect, in a row")                \
    X(gauge, journal_bytes, "Outcomes not committed yet, in bytes")            \
    X(gauge, database_up, "1 if the database is connected")

struct metrics {
    uint64_t outcomes[VERDICTS];
    struct histogram delivery_ms;
#define X_(kind, name, help) uint64_t name;
    METRICS_TABLE(X_)
#undef X_
};

void metrics_observe_ms(struct histogram *h, int64_t ms);

/* Serves GET /metrics on host:port plus offset in a thread of its own.
 * metrics must live until metrics_stop. */
struct metrics_server;
MUST_USE enum status metrics_serve(const struct metrics *metrics, int worker,
                                   const char *listen, int offset,
                                   struct metrics_server **out,
                                   struct error *err);
void metrics_stop(struct metrics_server *s);
#endif
