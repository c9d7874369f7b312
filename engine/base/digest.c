#include "base/digest.h"
#include "base/bug.h"
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

void digest_start(struct digest *d)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        BUG("OpenSSL has no SHA-256");
    d->context = context;
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
    const uint64_t length = len;

    EVP_DigestUpdate(d->context, &length, sizeof length);
    EVP_DigestUpdate(d->context, bytes, len);
}

void digest_add_text(struct digest *d, const char *text)
{
    digest_add(d, text, strlen(text));
}

void digest_end(struct digest *d, unsigned char out[DIGEST_BYTES])
{
    EVP_DigestFinal_ex(d->context, out, NULL);
    EVP_MD_CTX_free(d->context);
    d->context = NULL;
}

void digest_end_text(struct digest *d, char out[DIGEST_TEXT_MAX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[DIGEST_BYTES];

    digest_end(d, bytes);
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * DIGEST_BYTES] = 0;
}
