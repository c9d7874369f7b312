#include "sign/dkim.h"
#include "base/bug.h"
#include "base/memory.h"
#include "sign/canon.h"
#include "sign/layout.h"
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

ENUM_DEFINE(dkim_algorithm, DKIM_ALGORITHM_TABLE);

struct dkim_key {
    char domain[DKIM_NAME_MAX], selector[DKIM_NAME_MAX];
    char *start; /* of its field, to t=: the same in every mail */
    EVP_PKEY *pkey;
    /* Initialised once and used for each mail: RSA's and Ed25519's. */
    EVP_PKEY_CTX *rsa;
    EVP_MD_CTX *eddsa;
    bool ed25519;
};

/* ---- Keys ---- */

static bool is_dns_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len >= DKIM_NAME_MAX || name[0] == '.')
        return false;
    for (; *name; name++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789-_.",
                    *name) ||
            (name[0] == '.' && (name[1] == '.' || name[1] == 0)))
            return false;
    return true;
}

static enum status check_size(EVP_PKEY *pkey, struct error *err)
{
    int bits = EVP_PKEY_bits(pkey);

    if (bits < DKIM_RSA_BITS_LEAST)
        return fail(err, STATUS_INVALID, "RSA key has %d bits, %d at least",
                    bits, DKIM_RSA_BITS_LEAST);
    if (EVP_PKEY_size(pkey) > DKIM_SIGNATURE_MAX)
        return fail(err, STATUS_INVALID, "RSA key has %d bits, %d at most",
                    bits, DKIM_SIGNATURE_MAX * 8);
    return STATUS_OK;
}

static bool ready_rsa(struct dkim_key *key)
{
    key->rsa = EVP_PKEY_CTX_new(key->pkey, NULL);
    return key->rsa && EVP_PKEY_sign_init(key->rsa) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(key->rsa, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(key->rsa, EVP_sha256()) == 1;
}

static bool ready_eddsa(struct dkim_key *key)
{
    key->eddsa = EVP_MD_CTX_new();
    return key->eddsa &&
           EVP_DigestSignInit(key->eddsa, NULL, NULL, NULL, key->pkey) == 1;
}

static void write_start(struct dkim_key *key)
{
    struct buf start = {0};

    buf_addf(&start,
             "DKIM-Signature: v=1; a=%s-sha256; c=relaxed/relaxed;\r\n"
             "\td=%s; s=%s; t=",
             dkim_algorithm_text(dkim_key_algorithm(key)), key->domain,
             key->selector);
    key->start = start.data;
}

static enum status set_up(struct dkim_key *key, struct error *err)
{
    int kind = EVP_PKEY_base_id(key->pkey);
    enum status status = STATUS_OK;

    key->ed25519 = kind == EVP_PKEY_ED25519;
    if (!key->ed25519 && kind != EVP_PKEY_RSA)
        return fail(err, STATUS_INVALID, "key is neither RSA nor Ed25519");
    if (!key->ed25519)
        status = check_size(key->pkey, err);
    if (status == STATUS_OK &&
        !(key->ed25519 ? ready_eddsa(key) : ready_rsa(key)))
        return fail(err, STATUS_FAILED, "key can't be used for signing");
    if (status == STATUS_OK)
        write_start(key);
    return status;
}

enum status dkim_key_new(const char *domain, const char *selector,
                         const char *pem, size_t pem_len, struct dkim_key **out,
                         struct error *err)
{
    if (!is_dns_name(domain))
        return fail(err, STATUS_INVALID, "domain is no DNS name");
    if (!is_dns_name(selector))
        return fail(err, STATUS_INVALID, "selector is no DNS name");
    struct dkim_key *key = memory_new(1, sizeof *key);
    BIO *bio = BIO_new_mem_buf(pem, (int)pem_len);

    snprintf(key->domain, sizeof key->domain, "%s", domain);
    snprintf(key->selector, sizeof key->selector, "%s", selector);
    /* An empty passphrase: never a prompt. */
    key->pkey =
        bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (char[]){""}) : NULL;
    BIO_free(bio);
    enum status status =
        key->pkey ? set_up(key, err)
                  : fail(err, STATUS_INVALID, "no private key in PEM form");

    if (status == STATUS_OK)
        *out = key;
    else
        dkim_key_free(key);
    return status;
}

void dkim_key_free(struct dkim_key *key)
{
    if (!key)
        return;
    EVP_PKEY_CTX_free(key->rsa);
    EVP_MD_CTX_free(key->eddsa);
    EVP_PKEY_free(key->pkey);
    free(key->start);
    free(key);
}

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key)
{
    return key->ed25519 ? DKIM_ED25519 : DKIM_RSA;
}

static void add_base64(struct buf *out, const unsigned char *bytes, size_t n)
{
    size_t most = (n + 2) / 3 * 4 + 1;
    unsigned char *to = (unsigned char *)buf_reserve(out, most);

    out->len += (size_t)EVP_EncodeBlock(to, bytes, (int)n);
}

/* RSA publishes the SubjectPublicKeyInfo, Ed25519 the bare 32 bytes. */
enum status dkim_key_record(const struct dkim_key *key, struct buf *out,
                            struct error *err)
{
    unsigned char raw[32], *der = NULL;
    size_t raw_len = sizeof raw;
    int len = 0;

    buf_addf(out, "v=DKIM1; k=%s; p=", key->ed25519 ? "ed25519" : "rsa");
    if (key->ed25519) {
        if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &raw_len) != 1)
            return fail(err, STATUS_FAILED, "key has no public part");
        add_base64(out, raw, raw_len);
        return STATUS_OK;
    }
    len = i2d_PUBKEY(key->pkey, &der);
    if (len <= 0)
        return fail(err, STATUS_FAILED, "key has no public part");
    add_base64(out, der, (size_t)len);
    OPENSSL_free(der);
    return STATUS_OK;
}

/* ---- Signing ---- */

enum { LINE_MOST = 72, HASH_BYTES = SHA256_DIGEST_LENGTH };

/* The digest is looked up once: SHA256() would do so each time. */
static bool digest(struct dkim_signer *s, const struct buf *data,
                   unsigned char hash[HASH_BYTES])
{
    bool first = !s->digest;

    if (first)
        s->digest = EVP_MD_CTX_new();
    if (!s->digest)
        BUG("no memory");
    return EVP_DigestInit_ex(s->digest, first ? EVP_sha256() : NULL, NULL) ==
               1 &&
           EVP_DigestUpdate(s->digest, data->data, data->len) == 1 &&
           EVP_DigestFinal_ex(s->digest, hash, NULL) == 1;
}

/* RFC 8463, 3: Ed25519 too signs the SHA-256 hash. */
static bool sign_hash(struct dkim_key *key,
                      const unsigned char hash[HASH_BYTES],
                      unsigned char *signature, size_t *len)
{
    if (!key->ed25519)
        return EVP_PKEY_sign(key->rsa, signature, len, hash, HASH_BYTES) == 1;
    /* Without a key: the same again, nothing is looked up. */
    return EVP_DigestSignInit(key->eddsa, NULL, NULL, NULL, NULL) == 1 &&
           EVP_DigestSign(key->eddsa, signature, len, hash, HASH_BYTES) == 1;
}

/* Base64 in lines, behind "\tb=". */
static void add_signature(struct buf *out, const unsigned char *signature,
                          size_t len)
{
    char text[(DKIM_SIGNATURE_MAX + 2) / 3 * 4 + 1];
    size_t n =
        (size_t)EVP_EncodeBlock((unsigned char *)text, signature, (int)len);

    for (size_t at = 0, room = LINE_MOST - 3; at < n; room = LINE_MOST - 1) {
        size_t piece = n - at < room ? n - at : room;

        if (at > 0)
            buf_add(out, "\r\n\t", 3);
        buf_add(out, text + at, piece);
        at += piece;
    }
    buf_add(out, "\r\n", 2);
}

/* The field of one key, complete, appended to out. s->fields holds the signed
 * fields on entry and again on return. */
static enum status sign_by(struct dkim_signer *s, struct dkim_key *key,
                           const char *body_hash, const struct buf *list,
                           int64_t now_s, struct buf *out, struct error *err)
{
    unsigned char signature[DKIM_SIGNATURE_MAX];
    size_t len = sizeof signature, start = out->len;
    size_t fields_len = s->fields.len;
    unsigned char hash[HASH_BYTES];

    buf_add_text(out, key->start);
    buf_addf(out, "%lld;\r\n\tbh=%s;\r\n\th=", (long long)now_s, body_hash);
    buf_add(out, list->data, list->len);
    buf_add_text(out, ";\r\n\tb=");
    canon_header(out->data + start, out->len - start, &s->fields);
    s->fields.len -= 2; /* its own field is signed without a line end */
    bool done =
        digest(s, &s->fields, hash) && sign_hash(key, hash, signature, &len);

    s->fields.len = fields_len;
    if (!done) {
        out->len = start;
        return fail(err, STATUS_FAILED, "signing failed");
    }
    add_signature(out, signature, len);
    return STATUS_OK;
}

static bool hash_body(struct dkim_signer *s, const char *body, size_t len,
                      char text[(HASH_BYTES + 2) / 3 * 4 + 1])
{
    unsigned char hash[HASH_BYTES];

    buf_reset(&s->body);
    buf_reserve(&s->body, len + 2);
    canon_body(body, len, true, &s->body);
    if (!digest(s, &s->body, hash))
        return false;
    EVP_EncodeBlock((unsigned char *)text, hash, HASH_BYTES);
    return true;
}

static void put_in_front(struct buf *wire, const struct buf *fields)
{
    buf_reserve(wire, fields->len);
    memmove(wire->data + fields->len, wire->data, wire->len);
    memcpy(wire->data, fields->data, fields->len);
    wire->len += fields->len;
    wire->data[wire->len] = 0;
}

static void collect(struct dkim_signer *s, const struct layout *layout,
                    const char *wire)
{
    buf_reset(&s->fields);
    for (size_t i = 0; i < layout->n_signed; i++) {
        const struct layout_field *f =
            &s->layouts->fields[layout->signed_at[i]];

        canon_header(wire + f->at, f->len, &s->fields);
    }
}

enum status dkim_sign(struct dkim_signer *s, int64_t now_s, struct buf *wire,
                      struct error *err)
{
    char body_hash[(HASH_BYTES + 2) / 3 * 4 + 1];

    if (!s->layouts)
        s->layouts = memory_new(1, sizeof *s->layouts);
    const struct layout *layout =
        layouts_find(s->layouts, wire->len ? wire->data : "", wire->len);
    size_t head = s->layouts->head_len;
    size_t body = head + (wire->len >= head + 2 ? 2 : wire->len - head);
    enum status status = STATUS_OK;

    if (!layout)
        return fail(err, STATUS_TOO_BIG, "a header of more than %d fields",
                    LAYOUT_FIELDS_MAX);
    if (head == 0)
        return fail(err, STATUS_INVALID, "a mail without a header");
    if (!hash_body(s, wire->data + body, wire->len - body, body_hash))
        return fail(err, STATUS_FAILED, "hashing failed");
    collect(s, layout, wire->data);
    buf_reset(&s->signature);
    for (size_t i = 0; i < s->n_keys && status == STATUS_OK; i++)
        status = sign_by(s, s->keys[i], body_hash, &layout->list, now_s,
                         &s->signature, err);
    if (status == STATUS_OK && s->signature.len > 0)
        put_in_front(wire, &s->signature);
    return status;
}

void dkim_signer_fini(struct dkim_signer *s)
{
    if (s->layouts)
        layouts_fini(s->layouts);
    free(s->layouts);
    s->layouts = NULL;
    EVP_MD_CTX_free(s->digest);
    s->digest = NULL;
    buf_fini(&s->body);
    buf_fini(&s->fields);
    buf_fini(&s->signature);
    s->n_keys = 0;
}
