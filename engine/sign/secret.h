/*
 * sign/secret - the private halves of DKIM keys: made, sealed for the store,
 * and taken out again. No I/O.
 */
#ifndef SIGN_SECRET_H
#define SIGN_SECRET_H

#include "base/buf.h"
#include "sign/dkim.h"
#include "sign/seal.h"

enum { SECRET_RSA_BITS = 2048, SECRET_SELECTOR_LETTERS = 8 };

/* PKCS#8 PEM appended to pem, which the caller wipes (seal_wipe). RSA takes a
 * tenth of a second or so. */
void secret_generate(enum dkim_algorithm algorithm, struct buf *pem);

/* A selector that nobody has used, appended to out: "ps" and letters by
 * chance. */
void secret_selector(struct buf *out);

/* What the store keeps of a PEM, appended to out. It opens for this domain and
 * selector only. */
void secret_seal(const struct seal *seal, const char *domain,
                 const char *selector, const struct buf *pem, struct buf *out);

/* The key from it; errors as of seal_open and dkim_key_new. */
MUST_USE enum status secret_unseal(const struct seal *seal, const char *domain,
                                   const char *selector,
                                   const unsigned char *sealed, size_t len,
                                   struct dkim_key **out, struct error *err);
#endif
