/* sink/message - DATA and what follows up to the final dot. Part of
 * sink/talk. */
#ifndef SINK_MESSAGE_H
#define SINK_MESSAGE_H

#include "cli/sink/talk.h"

/* DATA was said, with recipients. */
void sink_message_start(struct sink_talk *talk, int64_t now_ms);

enum { SINK_CHUNK_MAX = 1 << 30 };

/* BDAT was said: size bytes follow, whatever is thought of them. */
void sink_message_chunk(struct sink_talk *talk, size_t size, bool last,
                        int64_t now_ms);

/* Returns how many bytes were taken of the chunk. */
size_t sink_message_feed_chunk(struct sink_talk *talk, const char *bytes,
                               size_t n, int64_t now_ms);

/* Returns how many bytes were taken: all but an unfinished dot line, or up to
 * and with the final dot, after which the state is another. */
size_t sink_message_feed(struct sink_talk *talk, const char *bytes, size_t n,
                         int64_t now_ms);
#endif
