/*
 * smtp/say - the commands of a session as text, with the parameters that the
 * server's offer allows. Part of smtp/session.
 */
#ifndef SMTP_SAY_H
#define SMTP_SAY_H

#include "smtp/session.h"

/* Says the step's command for the mail s->mail, if it is a step of a mail. */
void smtp_say(struct smtp_session *s, enum smtp_step step);

/* Was a dot put before a dot (RFC 5321, 4.5.2)? */
bool smtp_say_has_stuffing(const char *bytes, size_t len);
#endif
