/* sink/command - the commands that stand alone on a line, and the replies.
 * Part of sink/talk, which reads the lines and the message. */
#ifndef SINK_COMMAND_H
#define SINK_COMMAND_H

#include "cli/sink/talk.h"

/* Obey one line, without its CRLF, followed by a NUL. */
void sink_command(struct sink_talk *talk, char *line, int64_t now_ms);

/* Put a reply into out; a 421 ends the talk. */
void sink_say(struct sink_talk *talk, const char *reply);

/* The transaction is over, whatever became of it. */
void sink_talk_reset(struct sink_talk *talk);
#endif
