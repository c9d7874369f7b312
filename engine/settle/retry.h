/* settle/retry - when a deferred mail is tried again. Pure: chance is an
 * argument. */
#ifndef SETTLE_RETRY_H
#define SETTLE_RETRY_H

#include "base/config.h"
#include <stdbool.h>
#include <stdint.h>

/* Milliseconds to wait after attempt number tries (1, 2, ...) of transactional
 * mail, which somebody waits for, or of others: the first wait, doubled each
 * time up to the longest, of which a share is left to chance (random, any
 * value) so that queues do not march in step. Never less than half a second. */
int64_t retry_wait_ms(const struct config *config, bool transactional,
                      int tries, uint32_t random);
#endif
