#include "policy/tlsa.h"
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

enum {
    TLSA_FIXED = 3, /* usage, selector, matching type */
    TLSA_SELECTOR_LAST = 1,
};

/* A whole certificate with a key that we know. */
static bool is_certificate(const unsigned char *der, size_t len)
{
    const unsigned char *at = der;
    X509 *x = d2i_X509(NULL, &at, (long)len);
    bool is = x && at == der + len && X509_get0_pubkey(x);

    X509_free(x);
    return is;
}

static bool is_key(const unsigned char *der, size_t len)
{
    const unsigned char *at = der;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)len);
    bool is = key && at == der + len;

    EVP_PKEY_free(key);
    return is;
}

/* What OpenSSL would not take as such proves nothing. */
static bool is_whole(const struct smtp_tlsa *t)
{
    bool is;

    if (t->len == 0 || t->len > TLSA_BYTES_MAX)
        return false;
    is = t->selector == 0 ? is_certificate(t->data, t->len)
                          : is_key(t->data, t->len);
    ERR_clear_error();
    return is;
}

static bool data_is_right(const struct smtp_tlsa *t)
{
    switch (t->matching) {
    case 0: return is_whole(t);
    case 1: return t->len == 32; /* SHA-256 */
    case 2: return t->len == 64; /* SHA-512 */
    default: return false;
    }
}

static bool parse(const struct dns_data *d, struct smtp_tlsa *t)
{
    if (d->len <= TLSA_FIXED)
        return false;
    *t = (struct smtp_tlsa){.usage = d->bytes[0],
                            .selector = d->bytes[1],
                            .matching = d->bytes[2],
                            .data = d->bytes + TLSA_FIXED,
                            .len = d->len - TLSA_FIXED};
    return (t->usage == TLSA_TRUST_ANCHOR || t->usage == TLSA_END_ENTITY) &&
           t->selector <= TLSA_SELECTOR_LAST && data_is_right(t);
}

size_t tlsa_usable(const struct dns_answer *answer,
                   struct smtp_tlsa out[TLSA_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < answer->n && n < TLSA_MAX; i++)
        if (parse(&answer->records[i], &out[n]))
            n++;
    return n;
}

const char *tlsa_text(const struct smtp_tlsa *t, char *out, size_t max)
{
    int n = snprintf(out, max, "%u %u %u ", t->usage, t->selector, t->matching);

    for (size_t i = 0, at = (size_t)n; i < t->len && at + 2 < max; i++, at += 2)
        snprintf(out + at, max - at, "%02x", t->data[i]);
    return out;
}
