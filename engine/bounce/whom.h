/*
 * bounce/whom - whom a bounce speaks of, where no delivery status fields name
 * anybody: what the server put into its own header (X-Failed-Recipients), what
 * the text says, and last the recipients of the returned message.
 */
#ifndef BOUNCE_WHOM_H
#define BOUNCE_WHOM_H

#include "bounce/mail.h"
#include "bounce/report.h"

/* Adds them to the report. text is what is written for people, original what
 * of the returned message stands in that text. */
void bounce_whom(const struct bounce_mail *mail, struct span text,
                 struct span original, struct bounce_report *report);
#endif
