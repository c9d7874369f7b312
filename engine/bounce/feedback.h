/*
 * bounce/feedback - complaints: Abuse Reporting Format (RFC 5965, RFC 6650,
 * RFC 6591) and what providers send in its place (Microsoft's JMRP returns
 * the message with the complainant's address in a header field, Apple Mail
 * sends an unsubscribe note).
 */
#ifndef BOUNCE_FEEDBACK_H
#define BOUNCE_FEEDBACK_H

#include "bounce/mail.h"
#include "bounce/report.h"

/* True if the mail is a complaint: then kind, feedback type and recipients
 * stand in the report. */
bool bounce_feedback_read(const struct bounce_mail *mail,
                          struct bounce_report *report);
#endif
