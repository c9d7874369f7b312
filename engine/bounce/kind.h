/*
 * bounce/kind - what sort of mail about mail this is, where no part of it
 * says so in a standard form.
 */
#ifndef BOUNCE_KIND_H
#define BOUNCE_KIND_H

#include "bounce/mail.h"
#include "bounce/report.h"

/* text: what is written for people, without the returned message. */
enum bounce_kind bounce_kind_of(const struct bounce_mail *mail,
                                struct span text);

/* Does the text say that the mail is only late? */
bool bounce_kind_is_delay(const struct bounce_mail *mail, struct span text);
#endif
