/*
 * cli/up/child - the kinds of children and what is known of each.
 */
#ifndef CLI_UP_CHILD_H
#define CLI_UP_CHILD_H

#include "base/enum.h"
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* kind, name, signal that ends it in order, signal after the limit.
 * They are ended in this order; each kind waits for the one before. */
#define CHILD_TABLE(X)                                                         \
    X(CHILD_PREPARE, "prepare", SIGTERM, SIGKILL)                              \
    X(CHILD_ENGINE, "engine", SIGTERM, SIGKILL)                                \
    X(CHILD_INBOUND, "inbound", SIGTERM, SIGKILL)                              \
    X(CHILD_API, "api", SIGTERM, SIGKILL)                                      \
    X(CHILD_SINK, "sink", SIGTERM, SIGKILL)                                    \
    X(CHILD_POSTGRES, "postgres", SIGINT, SIGQUIT)

enum child_kind {
#define X_(kind, name, stop, kill) kind,
    CHILD_TABLE(X_)
#undef X_
        CHILD_KINDS
};

enum { CHILD_NAME_MAX = 24 };

struct child {
    enum child_kind kind;
    unsigned slot; /* of an engine */
    char name[CHILD_NAME_MAX];
    pid_t pid;          /* 0: it does not run */
    int64_t due_ms;     /* when it is to be started; CHILD_NEVER */
    int64_t started_ms; /* of the monotonic clock */
    int64_t backoff_ms;
};

#define CHILD_NEVER INT64_MAX
#endif
