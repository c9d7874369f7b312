/*
 * api/metrics - what the API counts about itself, in Prometheus's text format.
 * Counters are atomic; any thread may add.
 */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "api/route.h"
#include "base/buf.h"
#include <stdint.h>

/* member, name, kind, meaning */
#define METRIC_TABLE(X)                                                        \
    X(METRIC_CONNECTIONS, "presort_api_connections", "gauge",                  \
      "open HTTP connections")                                                 \
    X(METRIC_BODY_BYTES, "presort_api_body_bytes", "gauge",                    \
      "memory held by request bodies")                                         \
    X(METRIC_GROUPS, "presort_api_groups_total", "counter",                    \
      "group commits of transactional mail")                                   \
    X(METRIC_GROUP_REQUESTS, "presort_api_group_requests_total", "counter",    \
      "requests that shared these commits")                                    \
    X(METRIC_GROUP_EMAILS, "presort_api_group_emails_total", "counter",        \
      "emails accepted by these commits")                                      \
    X(METRIC_GROUP_MICROSECONDS, "presort_api_group_microseconds_total",       \
      "counter", "time these commits took")                                    \
    X(METRIC_GROUP_FAILURES, "presort_api_group_failures_total", "counter",    \
      "group commits that failed")                                             \
    X(METRIC_POOL_THREADS, "presort_api_pool_threads", "gauge",                \
      "threads that talk to the database")                                     \
    X(METRIC_POOL_BUSY, "presort_api_pool_busy", "gauge", "of these, at work") \
    X(METRIC_POOL_QUEUED, "presort_api_pool_queued", "gauge",                  \
      "requests waiting for such a thread")

enum metric {
#define X_(member, name, kind, meaning) member,
    METRIC_TABLE(X_)
#undef X_
        METRICS
};

void metric_add(enum metric metric, int64_t n);
void metric_set(enum metric metric, int64_t n);
int64_t metric_get(enum metric metric);

/* One request answered; route NULL: no such path. */
void metric_request(const struct route *route, int status, int64_t took_us);

void metrics_write(struct buf *out);
#endif
