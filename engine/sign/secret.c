#include "sign/secret.h"
#include "base/bug.h"
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>

enum { LABEL_MAX = 2 * DKIM_NAME_MAX };

static EVP_PKEY *new_key(enum dkim_algorithm algorithm)
{
    switch (algorithm) {
    case DKIM_RSA: return EVP_RSA_gen(SECRET_RSA_BITS);
    case DKIM_ED25519: return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
    BUG("unknown algorithm");
}

void secret_generate(enum dkim_algorithm algorithm, struct buf *pem)
{
    EVP_PKEY *pkey = new_key(algorithm);
    BIO *bio = BIO_new(BIO_s_secmem());
    char *bytes;

    if (!pkey || !bio ||
        PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) !=
            1)
        BUG("no key can be made");
    long len = BIO_get_mem_data(bio, &bytes);

    buf_add(pem, bytes, (size_t)len);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

void secret_selector(struct buf *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char chance[SECRET_SELECTOR_LETTERS];

    if (RAND_bytes(chance, sizeof chance) != 1)
        BUG("no random bytes");
    buf_add_text(out, "ps");
    for (size_t i = 0; i < sizeof chance; i++)
        buf_add_char(out, letters[chance[i] % 32]);
}

static void label_of(char label[LABEL_MAX], const char *domain,
                     const char *selector)
{
    snprintf(label, LABEL_MAX, "%s %s", domain, selector);
}

void secret_seal(const struct seal *seal, const char *domain,
                 const char *selector, const struct buf *pem, struct buf *out)
{
    char label[LABEL_MAX];

    label_of(label, domain, selector);
    seal_close(seal, label, pem->data, pem->len, out);
}

enum status secret_unseal(const struct seal *seal, const char *domain,
                          const char *selector, const unsigned char *sealed,
                          size_t len, struct dkim_key **out, struct error *err)
{
    struct buf pem = {0};
    char label[LABEL_MAX];

    label_of(label, domain, selector);
    enum status status = seal_open(seal, label, sealed, len, &pem, err);

    if (status == STATUS_OK)
        status = dkim_key_new(domain, selector, pem.data, pem.len, out, err);
    seal_wipe(&pem);
    return status;
}
