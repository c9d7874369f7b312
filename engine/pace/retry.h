/* pace/retry - when a deferred mail is tried again: as the settings say, or as
 * its site's limits do (retry_first, retry_most). Pure: chance is an argument.
 */
#ifndef PACE_RETRY_H
#define PACE_RETRY_H

#include "base/config.h"
#include "pace/limits.h"
#include <stdbool.h>
#include <stdint.h>

/* Seconds: the first wait, doubled each time up to the longest. */
struct retry {
    int64_t first_s, most_s;
};

/* first_s, most_s: the site's own; 0: the settings'. Where only one of the two
 * is the site's, it counts if they contradict. Transactional mail, which
 * somebody waits for, never waits longer than its settings say. */
struct retry retry_schedule(const struct config *config, int64_t first_s,
                            int64_t most_s, bool transactional);

/* The site's own wait of that name; 0: it has none. */
int64_t retry_own_s(const struct limits *limits, enum limit which);

/* That of mail that is not transactional, by a site's limits as limits_text
 * writes them. */
struct retry retry_by_text(const struct config *config, const char *limits);

/* Milliseconds to wait after attempt number tries (1, 2, ...). Up to
 * jitter_percent of it is added by chance (random, any value) so that queues do
 * not march in step: nothing is taken off, as who greylists counts from the
 * first attempt, often five minutes. Never less than half a second. */
int64_t retry_wait_ms(const struct retry *retry, int64_t jitter_percent,
                      int tries, uint32_t random);
#endif
