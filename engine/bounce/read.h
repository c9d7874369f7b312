/*
 * bounce/read - one mail that came back, read: is it a bounce, a complaint, an
 * automatic reply, a notice of success, or something else; and what happened
 * to whom.
 *
 * Understands delivery reports (RFC 3464, RFC 6522), complaints (RFC 5965),
 * automatic replies (RFC 3834) and bounces in free text. The bytes are
 * hostile: time and memory are bounded (bounce/mail.h), nothing is trusted,
 * nothing is ever refused: what is not understood is BOUNCE_KIND_OTHER. No
 * I/O. One reader serves one thread; reused, it keeps its memory.
 */
#ifndef BOUNCE_READ_H
#define BOUNCE_READ_H

#include "bounce/mail.h"
#include "bounce/report.h"

struct bounce_reader {
    struct bounce_mail mail; /* {0} is ready for use */
};

void bounce_reader_fini(struct bounce_reader *r);

void bounce_read(struct bounce_reader *r, const char *bytes, size_t len,
                 struct bounce_report *report);
#endif
