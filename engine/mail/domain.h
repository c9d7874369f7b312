/*
 * mail/domain - the name of a domain that mail can come from, as people type
 * it; and addresses at it. No I/O.
 */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include "base/status.h"
#include "mail/address.h"

enum { DOMAIN_MAX = 254 }; /* with its NUL */

/* As DNS knows it: lower case, U-labels become A-labels (RFC 5891), no final
 * dot. Two labels at least, letters, digits and hyphens. The error says what
 * is wrong, without a prefix. */
MUST_USE enum status domain_ascii(const char *text, char out[DOMAIN_MAX],
                                  struct error *err);

/* An address that needs SMTPUTF8 (RFC 6531) for its domain's sake alone, with
 * A-labels there instead: into out, which is returned. Any other: spec. */
const char *domain_ascii_spec(const char *spec, char out[ADDRESS_MAX]);
/* The form in which addresses are compared, whatever their spelling: as
 * address_fold, and A-labels for U-labels, if the domain is one and it fits.
 * Returns its length. */
size_t domain_fold_spec(const char *spec, size_t len, char out[ADDRESS_MAX]);
#endif
