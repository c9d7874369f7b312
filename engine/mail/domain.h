/*
 * mail/domain - the name of a domain that mail can come from, as people type
 * it. No I/O.
 */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include "base/status.h"

enum { DOMAIN_MAX = 254 }; /* with its NUL */

/* As DNS knows it: lower case, U-labels become A-labels (RFC 5891), no final
 * dot. Two labels at least, letters, digits and hyphens. The error says what
 * is wrong, without a prefix. */
MUST_USE enum status domain_ascii(const char *text, char out[DOMAIN_MAX],
                                  struct error *err);
#endif
