/*
 * bounce/text - what a bounce says in sentences: whose mail did not arrive and
 * why, where no delivery status fields tell it.
 *
 * Addresses are graded by where they stand: alone or first in a line, behind
 * a label such as "Recipient:", in a line that says that something failed or
 * holds an SMTP reply. The best grade found wins, so that a postmaster who
 * may be asked, or the sender, is not taken for the recipient.
 */
#ifndef BOUNCE_TEXT_H
#define BOUNCE_TEXT_H

#include "bounce/report.h"
#include "bounce/scan.h"

/* The text up to where the returned message starts; what follows in *original
 * (empty if it is not in the text). */
struct span bounce_text_split(struct span human, struct span *original);

/* Adds the recipients that the text (without the returned message) names.
 * *vague (may be NULL) tells that they are only mentioned somewhere. */
size_t bounce_text_read(struct span text, struct bounce_report *report,
                        bool *vague);

/* Adds users that the text lists without a domain, as some sites do with
 * their own: domain is where the bounce came from. */
size_t bounce_text_read_locals(struct span text, struct span domain,
                               struct bounce_report *report);

/* What the text says about this address: the lines behind it, else lines that
 * name it beside a reply. Empty if nothing does. */
struct span bounce_text_about(struct span text, const char *address);
#endif
