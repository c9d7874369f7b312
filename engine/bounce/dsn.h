/*
 * bounce/dsn - delivery status fields (RFC 3464), wherever they stand: in a
 * message/delivery-status part, or copied into text by a server that makes
 * no such part.
 *
 * Tolerant of what is seen in the wild: groups run together without a blank
 * line or with too many of them, fields in any order, missing types.
 */
#ifndef BOUNCE_DSN_H
#define BOUNCE_DSN_H

#include "bounce/report.h"
#include "bounce/scan.h"

/* Adds the recipients that the text's fields name, with action, status, code
 * and diagnostic. Returns how many groups of fields named one. Not more than
 * the report holds. */
size_t bounce_dsn_read(struct span text, struct bounce_report *report);
#endif
