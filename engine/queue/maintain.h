/*
 * queue/maintain - keeps the queue in order, on a connection of its own: takes
 * back expired leases, expires mail, ends campaigns, makes and drops
 * partitions. Every worker offers; the one that gets the lock does it.
 */
#ifndef QUEUE_MAINTAIN_H
#define QUEUE_MAINTAIN_H

#include "base/config.h"
#include <uv.h>

struct maintain;

/* config must live. Connects at once, works after maintain_start. */
struct maintain *maintain_new(uv_loop_t *loop, const struct config *config,
                              const char *conninfo);
void maintain_start(struct maintain *m);
void maintain_free(struct maintain *m);
#endif
