/* Any bytes as a mail in wire form: refused and left as they were, or signed.
 * A signed mail's body hash is that of its body, its old bytes follow the new
 * field, and signing it again signs the same body. */
#include "base/bug.h"
#include "sign/canon.h"
#include "sign/dkim.h"
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

enum { HASH_TEXT = (SHA256_DIGEST_LENGTH + 2) / 3 * 4 + 1 };

static struct dkim_key *new_key(void)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *bio = BIO_new(BIO_s_mem());
    struct dkim_key *key;
    struct error err;
    char *pem;

    if (!PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL))
        BUG("no key");
    long len = BIO_get_mem_data(bio, &pem);

    if (dkim_key_new("example.com", "s", pem, (size_t)len, &key, &err) !=
        STATUS_OK)
        BUG("the key is refused");
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return key;
}

static struct dkim_signer *signer(void)
{
    static struct dkim_signer s;

    if (s.n_keys == 0)
        s.keys[s.n_keys++] = new_key();
    return &s;
}

/* The value of bh= in the field that stands first. */
static const char *told_hash(const struct buf *wire)
{
    const char *bh = strstr(wire->data, "\tbh=");

    if (!bh || bh - wire->data > 1000)
        BUG("no body hash");
    return bh + 4;
}

/* Where the header ends, by the eye of a server: the first empty line. */
static size_t body_at(const struct buf *wire)
{
    for (size_t i = 0; i + 4 <= wire->len; i++)
        if (memcmp(wire->data + i, "\r\n\r\n", 4) == 0)
            return i + 4;
    return wire->len;
}

static void check_body(const struct buf *wire)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char text[HASH_TEXT];
    struct buf body = {0};
    size_t at = body_at(wire);

    canon_body(wire->data + at, wire->len - at, true, &body);
    SHA256((const unsigned char *)(body.data ? body.data : ""), body.len, hash);
    EVP_EncodeBlock((unsigned char *)text, hash, sizeof hash);
    if (strncmp(told_hash(wire), text, HASH_TEXT - 1) != 0)
        BUG("another body was signed");
    buf_fini(&body);
}

/* What the product renders: CRLF only, no NUL. */
static bool is_clean(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] == 0 ||
            (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) ||
            (bytes[i] == '\r' && (i + 1 == n || bytes[i + 1] != '\n')))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    struct buf wire = {0};
    struct error err;

    buf_add(&wire, bytes, n);
    if (dkim_sign(signer(), 1, &wire, &err) == STATUS_OK) {
        if (wire.len <= n || memcmp(wire.data + wire.len - n, bytes, n) != 0)
            BUG("the mail was changed");
        if (is_clean(bytes, n))
            check_body(&wire);
    } else if (wire.len != n || (n > 0 && memcmp(wire.data, bytes, n) != 0)) {
        BUG("a refused mail was changed");
    }
    buf_fini(&wire);
    return 0;
}
