/* Records' data in wire format, for tests. */
#ifndef TESTS_DNS_RDATA_H
#define TESTS_DNS_RDATA_H

#include "dns/dns.h"
#include <string.h>

enum { RDATA_MAX = 2048, RDATA_STRING_MAX = 255 };

struct rdata {
    unsigned char bytes[RDATA_MAX];
    size_t len;
};

/* A TXT record; its strings have `each` bytes at most. */
static inline struct dns_data rdata_txt(struct rdata *r, const char *text,
                                        size_t each)
{
    r->len = 0;
    do {
        size_t n = strnlen(text, each);

        r->bytes[r->len++] = (unsigned char)n;
        memcpy(r->bytes + r->len, text, n);
        r->len += n;
        text += n;
    } while (*text);
    return (struct dns_data){r->bytes, r->len};
}
#endif
