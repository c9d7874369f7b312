/* trial_mail - the mail of a trial: rendered and signed as others are. */
#ifndef TRIAL_MAIL_H
#define TRIAL_MAIL_H

#include "base/buf.h"
#include "sign/keys.h"

struct trial_mail {
    const char *from, *to; /* addr-specs */
    int64_t project;
    bool direct;          /* to the recipient's own server: is a key wanted? */
    const char *hostname; /* ours */
};

/* Appends it to out, as smtp wants it. Errors are those of render/message and
 * sign/keys. */
MUST_USE enum status trial_mail_write(const struct trial_mail *mail,
                                      struct keys *keys, struct buf *out,
                                      struct error *err);

/* How many signatures it has. */
size_t trial_mail_signatures(const struct buf *mail);
#endif
