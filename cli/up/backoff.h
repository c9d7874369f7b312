/* cli/up/backoff - how long to wait before a child that ended is started
 * again. Pure. */
#ifndef CLI_UP_BACKOFF_H
#define CLI_UP_BACKOFF_H

#include <stdint.h>

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MOST_MS = 10000,
    BACKOFF_FORGET_MS = 30000, /* a child alive so long is well again */
};

/* last_ms is what was waited before, 0 at first; alive_ms how long the child
 * then lived. Doubles from the first to the most. */
int64_t backoff_next(int64_t last_ms, int64_t alive_ms);
#endif
