/*
 * settle/stream - what transactional mail is counted by: its project and its
 * sender's domain. Where a campaign's totals stand under the campaign's id,
 * these stand under that of the stream, which follows from the two. No I/O.
 */
#ifndef SETTLE_STREAM_H
#define SETTLE_STREAM_H

#include "base/map.h"
#include "loop/args.h"
#include "mail/outcome.h"
#include <stdint.h>

enum { STREAMS_KNOWN_MAX = 10000 }; /* then all are told of anew */

/* {0} is ready for use. */
struct streams {
    struct map all; /* by "project domain" */
    size_t untold;
};
void streams_fini(struct streams *s);

/* The id, a UUID of version 8 (RFC 9562, 5.8), which no campaign's is. domain
 * is compared without case. */
void streams_id(struct streams *s, int64_t project, const char *domain,
                unsigned char id[OUTCOME_CAMPAIGN_BYTES]);

/* The parameters of stream_add (settle.sql), of those that the store was not
 * told of; false if there are none. */
bool streams_args(const struct streams *s, struct args *a);

/* The store knows those that streams_args gave last; none came meanwhile, or it
 * is told of them again. */
void streams_told(struct streams *s);
#endif
