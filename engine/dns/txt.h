/*
 * dns/txt - the text of a TXT record: its strings together (RFC 7208, 3.3; the
 * same for DKIM, DMARC, MTA-STS and TLS-RPT). No I/O.
 */
#ifndef DNS_TXT_H
#define DNS_TXT_H

#include "dns/dns.h"

/* As printable ASCII, "?" for anything else, cut at max (with its NUL).
 * Returns its length. */
size_t dns_txt(const struct dns_data *data, char *out, size_t max);
#endif
