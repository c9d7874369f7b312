/* inbound/command - command lines of inbound/talk. Part of it. */
#ifndef INBOUND_COMMAND_H
#define INBOUND_COMMAND_H

#include "inbound/talk.h"

/* line is changed. */
void talk_command(struct talk *talk, char *line);

/* A reply without its CRLF. One of 421 ends the talk. */
void talk_say(struct talk *talk, const char *reply);

/* The same for what the client did wrong; too much of it ends the talk. */
void talk_say_bad(struct talk *talk, const char *reply);

/* Forget the mail that was begun. */
void talk_reset(struct talk *talk);
#endif
