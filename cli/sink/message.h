/* sink/message - DATA and what follows up to the final dot. Part of
 * sink/talk. */
#ifndef SINK_MESSAGE_H
#define SINK_MESSAGE_H

#include "cli/sink/talk.h"

/* DATA was said, with recipients. */
void sink_message_start(struct sink_talk *talk, int64_t now_ms);

/* Returns how many bytes were taken: all but an unfinished dot line, or up to
 * and with the final dot, after which the state is another. */
size_t sink_message_feed(struct sink_talk *talk, const char *bytes, size_t n,
                         int64_t now_ms);
#endif
