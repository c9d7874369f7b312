/*
 * mail/address - mail addresses as people and programs write them.
 *
 * RFC 5322 3.4 mailbox (`"Jo Doe" <jo@example.com>`, `jo@example.com`) and
 * RFC 5321 4.1.2 Mailbox; 254 bytes in all (4.5.3.1.3), of which the local part
 * may have more than the 64 that a server must take (4.5.3.1.1): those of X.400
 * gateways (RFC 2156) do.
 * UTF-8 is accepted in the local part and the domain (RFC 6531) if it is
 * valid. Never contains CR, LF, NUL or other control characters. No
 * allocation.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/status.h"
#include <stddef.h>

enum {
    ADDRESS_MAX = 255,      /* addr-spec and a NUL (RFC 5321 4.5.3.1.3) */
    ADDRESS_NAME_MAX = 256, /* display name and a NUL */
};

struct address {
    char name[ADDRESS_NAME_MAX]; /* unquoted display name, "" if none */
    char spec[ADDRESS_MAX];      /* local@domain, as written */
    size_t spec_len;
    const char *domain; /* into spec, behind the last @ */
};

/* Parse one mailbox, all of text. The error says what is wrong and where
 * ("character 7: ..."), without a prefix: the caller names the field. */
MUST_USE enum status address_parse(const char *text, size_t len,
                                   struct address *out, struct error *err);

/* The same for a bare addr-spec: no display name, no angle brackets. */
MUST_USE enum status address_parse_spec(const char *text, size_t len,
                                        struct address *out, struct error *err);

/* ASCII letters of text to lower case into out, which has ADDRESS_MAX bytes:
 * the form in which addresses and domains are compared (as PostgreSQL's
 * lower() does for ASCII). Returns its length. */
size_t address_fold(const char *text, size_t len, char *out);
#endif
