#include "sign/dkim.h"
#include "base/memory.h"
#include "sign/canon.h"
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

ENUM_DEFINE(dkim_algorithm, DKIM_ALGORITHM_TABLE);

struct dkim_key {
    char domain[DKIM_NAME_MAX], selector[DKIM_NAME_MAX];
    EVP_PKEY *pkey;
    EVP_MD_CTX *sign; /* RSA: initialised once, copied for each mail */
    EVP_MD_CTX *work;
    bool ed25519;
};

/* The fields that are signed where they occur. Those marked are signed once
 * more than they occur: a second From added on the way breaks the signature. */
static const struct {
    const char *name;
    bool over;
} signed_fields[] = {
    {"from", true},
    {"to", true},
    {"cc", true},
    {"subject", true},
    {"date", true},
    {"message-id", true},
    {"reply-to", true},
    {"mime-version", true},
    {"content-type", true},
    {"content-transfer-encoding", true},
    {"in-reply-to", false},
    {"references", false},
    {"list-id", false},
    {"list-unsubscribe", false},
    {"list-unsubscribe-post", false},
    {"feedback-id", false},
    {"auto-submitted", false},
};
enum { SIGNED_FIELDS = sizeof signed_fields / sizeof *signed_fields };

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

static enum status set_up(struct dkim_key *key, struct error *err)
{
    int kind = EVP_PKEY_base_id(key->pkey);

    key->ed25519 = kind == EVP_PKEY_ED25519;
    if (!key->ed25519 && kind != EVP_PKEY_RSA)
        return fail(err, STATUS_INVALID, "key is neither RSA nor Ed25519");
    if (!key->ed25519 && EVP_PKEY_bits(key->pkey) < DKIM_RSA_BITS_LEAST)
        return fail(err, STATUS_INVALID, "RSA key has %d bits, %d at least",
                    EVP_PKEY_bits(key->pkey), DKIM_RSA_BITS_LEAST);
    if (!key->ed25519 && EVP_PKEY_size(key->pkey) > DKIM_SIGNATURE_MAX)
        return fail(err, STATUS_INVALID, "RSA key has %d bits, %d at most",
                    EVP_PKEY_bits(key->pkey), DKIM_SIGNATURE_MAX * 8);
    key->sign = EVP_MD_CTX_new();
    key->work = EVP_MD_CTX_new();
    if (!key->sign || !key->work ||
        EVP_DigestSignInit(key->sign, NULL, key->ed25519 ? NULL : EVP_sha256(),
                           NULL, key->pkey) != 1)
        return fail(err, STATUS_FAILED, "key can't be used for signing");
    return STATUS_OK;
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
    EVP_MD_CTX_free(key->sign);
    EVP_MD_CTX_free(key->work);
    EVP_PKEY_free(key->pkey);
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

/* ---- Header fields ---- */

/* Of the field that starts at p: its length with folded lines and line end,
 * or 0 where the header ends. */
static size_t field_len(const char *p, size_t left)
{
    size_t n = 0;

    if (left == 0 || *p == '\r' || *p == '\n')
        return 0;
    do {
        const char *lf = memchr(p + n, '\n', left - n);

        n = lf ? (size_t)(lf - p) + 1 : left;
    } while (n < left && (p[n] == ' ' || p[n] == '\t'));
    return n;
}

static bool is_named(const char *field, size_t len, const char *name)
{
    size_t n = strlen(name);

    return len > n && field[n] == ':' && strncasecmp(field, name, n) == 0;
}

/* Canonical form of all fields called so into out, from the last to the first
 * (5.4.2). Returns how many there are. */
static size_t add_fields(const char *head, size_t head_len, const char *name,
                         size_t nth, struct buf *out)
{
    size_t found = 0, len;

    for (size_t at = 0; (len = field_len(head + at, head_len - at)) > 0;
         at += len) {
        if (!is_named(head + at, len, name))
            continue;
        if (found++ == nth)
            canon_header(head + at, len, out);
    }
    return found;
}

/* h= into tag, and the signed fields in that order into out. */
static void collect(const char *head, size_t head_len, struct buf *tag,
                    struct buf *out)
{
    for (size_t i = 0; i < SIGNED_FIELDS; i++) {
        const char *name = signed_fields[i].name;
        size_t n = add_fields(head, head_len, name, SIZE_MAX, out);

        for (size_t nth = n; nth > 0; nth--)
            (void)add_fields(head, head_len, name, nth - 1, out);
        for (size_t k = n + signed_fields[i].over; k > 0; k--)
            buf_addf(tag, "%s%s", tag->len ? ":" : "", name);
    }
}

/* ---- Signing ---- */

enum { LINE_MOST = 72 };

/* Long values are folded: after colons of h=, anywhere in base64. */
static void add_folded(struct buf *out, const char *value, size_t len,
                       bool at_colons, size_t *column)
{
    for (size_t i = 0; i < len; i++) {
        bool may_fold = !at_colons || (i > 0 && value[i - 1] == ':');

        if (*column >= LINE_MOST && may_fold) {
            buf_add_text(out, "\r\n\t");
            *column = 1;
        }
        buf_add_char(out, value[i]);
        ++*column;
    }
}

static enum status raw_signature(struct dkim_key *key, const struct buf *data,
                                 unsigned char *signature, size_t *len,
                                 struct error *err)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    const unsigned char *bytes = (const unsigned char *)data->data;
    size_t n = data->len;

    /* RFC 8463, 3: Ed25519 signs the SHA-256 hash, not the text. */
    if (key->ed25519) {
        SHA256(bytes, n, hash);
        bytes = hash;
        n = sizeof hash;
    }
    if (EVP_MD_CTX_copy_ex(key->work, key->sign) != 1 ||
        EVP_DigestSign(key->work, signature, len, bytes, n) != 1)
        return fail(err, STATUS_FAILED, "signing failed");
    return STATUS_OK;
}

/* The field of one key, complete, appended to out. s->fields holds the signed
 * fields on entry and again on return. */
static enum status sign_by(struct dkim_signer *s, struct dkim_key *key,
                           const char *body_hash, const struct buf *tag,
                           int64_t now_s, struct buf *out, struct error *err)
{
    unsigned char signature[DKIM_SIGNATURE_MAX];
    size_t len = sizeof signature, column = 3, start = out->len;
    size_t fields_len = s->fields.len;

    buf_addf(out,
             "DKIM-Signature: v=1; a=%s-sha256; c=relaxed/relaxed;\r\n"
             "\td=%s; s=%s; t=%lld;\r\n\tbh=%s;\r\n\th=",
             key->ed25519 ? "ed25519" : "rsa", key->domain, key->selector,
             (long long)now_s, body_hash);
    add_folded(out, tag->data, tag->len, true, &column);
    buf_add_text(out, ";\r\n\tb=");
    canon_header(out->data + start, out->len - start, &s->fields);
    s->fields.len -= 2; /* its own field is signed without a line end */
    enum status status = raw_signature(key, &s->fields, signature, &len, err);

    s->fields.len = fields_len;
    if (status != STATUS_OK) {
        out->len = start;
        return status;
    }
    char text[(DKIM_SIGNATURE_MAX + 2) / 3 * 4 + 1];
    int n = EVP_EncodeBlock((unsigned char *)text, signature, (int)len);

    column = 3;
    add_folded(out, text, (size_t)n, false, &column);
    buf_add_text(out, "\r\n");
    return STATUS_OK;
}

static void hash_body(struct dkim_signer *s, const char *body, size_t len,
                      char text[(SHA256_DIGEST_LENGTH + 2) / 3 * 4 + 1])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    buf_reset(&s->body);
    buf_reserve(&s->body, len + 2);
    canon_body(body, len, true, &s->body);
    SHA256((const unsigned char *)s->body.data, s->body.len, hash);
    EVP_EncodeBlock((unsigned char *)text, hash, sizeof hash);
}

static size_t head_end(const struct buf *wire)
{
    size_t at = 0, len;

    while ((len = field_len(wire->data + at, wire->len - at)) > 0)
        at += len;
    return at;
}

static void put_in_front(struct buf *wire, const struct buf *fields)
{
    buf_reserve(wire, fields->len);
    memmove(wire->data + fields->len, wire->data, wire->len);
    memcpy(wire->data, fields->data, fields->len);
    wire->len += fields->len;
    wire->data[wire->len] = 0;
}

enum status dkim_sign(struct dkim_signer *s, int64_t now_s, struct buf *wire,
                      struct error *err)
{
    char body_hash[(SHA256_DIGEST_LENGTH + 2) / 3 * 4 + 1];
    size_t head = wire->len > 0 ? head_end(wire) : 0;
    size_t body = head + (wire->len >= head + 2 ? 2 : wire->len - head);
    enum status status = STATUS_OK;

    if (head == 0)
        return fail(err, STATUS_INVALID, "a mail without a header");
    hash_body(s, wire->data + body, wire->len - body, body_hash);
    buf_reset(&s->fields);
    buf_reset(&s->tag);
    buf_reset(&s->signature);
    collect(wire->data, head, &s->tag, &s->fields);
    for (size_t i = 0; i < s->n_keys && status == STATUS_OK; i++)
        status = sign_by(s, s->keys[i], body_hash, &s->tag, now_s,
                         &s->signature, err);
    if (status == STATUS_OK && s->signature.len > 0)
        put_in_front(wire, &s->signature);
    return status;
}

void dkim_signer_fini(struct dkim_signer *s)
{
    buf_fini(&s->body);
    buf_fini(&s->fields);
    buf_fini(&s->tag);
    buf_fini(&s->signature);
    s->n_keys = 0;
}
