/*
 * sign/seal - small secrets made unreadable for whoever has the database but
 * not the seal: a file of 32 random bytes, <state_dir>/seal.key or the setting
 * seal_key_file, which only its owner may read.
 *
 * AES-256-GCM. What a text belongs to (its label) is sealed in: moved to
 * another row, it does not open. Blocks on the disk while a seal is read or
 * made, which is once a process.
 */
#ifndef SIGN_SEAL_H
#define SIGN_SEAL_H

#include "base/buf.h"
#include "base/config.h"
#include "base/status.h"

enum { SEAL_KEY_BYTES = 32 };

struct seal {
    unsigned char key[SEAL_KEY_BYTES];
};

/* make: if there is none in state_dir, one is made, owned by the directory's
 * owner. STATUS_NOT_FOUND: there is none. STATUS_INVALID: the file has another
 * length, or others may read it. */
MUST_USE enum status seal_read(struct seal *seal, const struct config *config,
                               bool make, struct error *err);

/* Forgets the key. */
void seal_fini(struct seal *seal);

/* Nonce, ciphertext and tag are appended to out. */
void seal_close(const struct seal *seal, const char *label, const char *text,
                size_t len, struct buf *out);

/* The text is appended to out; the caller wipes it with seal_wipe. On failure
 * (another seal or label, or changed bytes) out is as before. */
MUST_USE enum status seal_open(const struct seal *seal, const char *label,
                               const unsigned char *sealed, size_t len,
                               struct buf *out, struct error *err);

/* Overwrites the bytes, then frees them. */
void seal_wipe(struct buf *secret);
#endif
