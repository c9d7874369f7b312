/*
 * sign/dkim - DKIM signatures (RFC 6376), by RSA (2048 bits and more,
 * RFC 8301) or Ed25519 (RFC 8463), relaxed/relaxed.
 *
 * A key is set up once and signs many mails; it is not for several threads at
 * once. A signer holds the keys of one sender, all of which sign each mail,
 * and the scratch memory; warm, it allocates nothing of its own. Private keys
 * never leave the key and never stand in an error.
 */
#ifndef SIGN_DKIM_H
#define SIGN_DKIM_H

#include "base/buf.h"
#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

enum {
    DKIM_KEYS_MAX = 4,
    DKIM_NAME_MAX = 254, /* domain or selector, with a NUL */
    DKIM_RSA_BITS_LEAST = 2048,
    DKIM_SIGNATURE_MAX = 512, /* bytes: RSA of 4096 bits */
};

#define DKIM_ALGORITHM_TABLE(X)                                                \
    X(DKIM_RSA, "rsa")                                                         \
    X(DKIM_ED25519, "ed25519")
ENUM_DECLARE(dkim_algorithm, DKIM_ALGORITHM_TABLE);

struct dkim_key;

/* pem: a private key, PKCS#8 or traditional, not encrypted. The domain and
 * selector are names of DNS labels. On success *out is the caller's. */
MUST_USE enum status dkim_key_new(const char *domain, const char *selector,
                                  const char *pem, size_t pem_len,
                                  struct dkim_key **out, struct error *err);
void dkim_key_free(struct dkim_key *key);

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key);

/* The TXT record that publishes the key, to <selector>._domainkey.<domain>:
 * "v=DKIM1; k=rsa; p=..." appended to out. */
MUST_USE enum status dkim_key_record(const struct dkim_key *key,
                                     struct buf *out, struct error *err);

struct layouts;
struct dkim_signer {
    struct dkim_key *keys[DKIM_KEYS_MAX]; /* borrowed */
    size_t n_keys;
    struct layouts *layouts; /* headers seen: sign/layout */
    struct evp_md_ctx_st *digest;
    struct buf body, fields, signature; /* scratch */
};

void dkim_signer_fini(struct dkim_signer *s);

/* wire is one mail as smtp sends it: CRLF, dot-stuffed, without the final
 * dot. A DKIM-Signature field per key is put in front. From, To, Subject and
 * the like are signed once more than they occur, so that none can be added
 * (8.15); which ones and in what order is worked out once for all mails with
 * the same header fields. now_s: seconds since 1970, for t=. On failure wire is
 * as before. */
MUST_USE enum status dkim_sign(struct dkim_signer *s, int64_t now_s,
                               struct buf *wire, struct error *err);
#endif
