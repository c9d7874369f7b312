/*
 * mail/tls_required - the header field TLS-Required (RFC 8689, 5): mail that
 * matters more than what its recipients' domains demand of TLS. Pure.
 */
#ifndef MAIL_TLS_REQUIRED_H
#define MAIL_TLS_REQUIRED_H

#include <stdbool.h>

/* Is it "TLS-Required: No"? Another value of the field means nothing. */
bool tls_required_is_no(const char *name, const char *value);
#endif
