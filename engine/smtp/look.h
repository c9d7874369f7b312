/*
 * smtp/look - questions about a session that change nothing in it. Part of
 * smtp/session.
 */
#ifndef SMTP_LOOK_H
#define SMTP_LOOK_H

#include "smtp/session.h"

/* Does the server offer it (SMTP_CAP_), for all that is known by now? */
bool smtp_look_offers(const struct smtp_session *s, unsigned cap);

/* Has the server, for all we know, seen the end of this mail's body? Its last
 * line is ".\r\n"; to be safe, the dot counts. Of a chunk it is the last byte
 * that counts. */
bool smtp_look_dot_taken(const struct smtp_session *s,
                         const struct smtp_mail *mail);

/* The mail's oldest unanswered step; if there is none, what is said next. */
enum smtp_step smtp_look_waits(const struct smtp_session *s,
                               const struct smtp_mail *mail);

/* It is settled, or to be said once more: what the server still answers of it
 * is not news. */
bool smtp_look_past(const struct smtp_session *s, const struct smtp_mail *mail);

/* Is what is answered now the end of a body, which the server has had whole? */
bool smtp_look_ends_body(const struct smtp_session *s);

/* Of a session that ends while it waits for this step. */
enum smtp_fault smtp_look_fault(enum smtp_step step);

/* "Unrecognized" (500) or "bad sequence" (503): about the conversation, not
 * about a mail (RFC 5321, 4.2.2), unless the enhanced status blames something
 * else than the protocol (RFC 3463, 3.6). */
bool smtp_look_confused(const struct smtp_reply *r);

/* After a refusal of the mail's MAIL or RCPT that may be about its parameters:
 * the extensions (SMTP_CAP_ bits) whose parameters were said with it and can be
 * left out: SIZE and DSN; or 8BITMIME alone, if the refusal blames the body or
 * nothing else is left to be blamed, and the mail can be made without. 0: none,
 * or the refusal is about something else. SMTPUTF8 and REQUIRETLS are said only
 * where the mail needs them. */
unsigned smtp_look_spare(const struct smtp_session *s,
                         const struct smtp_mail *mail, enum smtp_step at);
#endif
