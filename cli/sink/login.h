/* sink/login - AUTH PLAIN, LOGIN and XOAUTH2 for the one user of --auth. Part
 * of sink/talk. */
#ifndef SINK_LOGIN_H
#define SINK_LOGIN_H

#include "cli/sink/talk.h"

/* "AUTH " and the rest. */
void sink_login_start(struct sink_talk *talk, char *rest);

/* The line that answers a 334. */
void sink_login_line(struct sink_talk *talk, const char *line);
#endif
