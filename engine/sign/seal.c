#include "sign/seal.h"
#include "base/bug.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NONCE_BYTES = 12, TAG_BYTES = 16, SEALED_MAX = 65536 };

/* ---- The file ---- */

static enum status failed(struct error *err, const char *path)
{
    return fail(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED,
                "%s: %s", path, strerror(errno));
}

static enum status file_read(struct seal *seal, const char *path,
                             struct error *err)
{
    unsigned char bytes[SEAL_KEY_BYTES + 1];
    struct stat st;
    enum status status = STATUS_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return failed(err, path);
    if (fstat(fd, &st) != 0)
        status = failed(err, path);
    else if (st.st_mode & (S_IRWXG | S_IRWXO))
        status = fail(err, STATUS_INVALID, "%s: others may read it; chmod 600",
                      path);
    else if (read(fd, bytes, sizeof bytes) != SEAL_KEY_BYTES)
        status = fail(err, STATUS_INVALID, "%s: not a file of %d bytes", path,
                      SEAL_KEY_BYTES);
    else
        memcpy(seal->key, bytes, sizeof seal->key);
    OPENSSL_cleanse(bytes, sizeof bytes);
    close(fd);
    return status;
}

/* Complete and on the disk before it has its name, and of several makers the
 * first wins: nothing is ever sealed with a key that is then gone. */
static enum status file_make(const char *dir, const char *path,
                             struct error *err)
{
    unsigned char key[SEAL_KEY_BYTES];
    char *part = text_format("%s.part.%d", path, (int)getpid());
    struct stat owner;
    enum status status = STATUS_OK;

    if (RAND_bytes(key, sizeof key) != 1)
        BUG("no random bytes");
    (void)unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, key, sizeof key) != sizeof key || fsync(fd) != 0 ||
        stat(dir, &owner) != 0 ||
        (geteuid() == 0 && fchown(fd, owner.st_uid, owner.st_gid) != 0) ||
        (link(part, path) != 0 && errno != EEXIST))
        status = failed(err, path);
    OPENSSL_cleanse(key, sizeof key);
    if (fd >= 0)
        close(fd);
    (void)unlink(part);
    free(part);
    return status;
}

enum status seal_read(struct seal *seal, const struct config *config, bool make,
                      struct error *err)
{
    bool ours = !config->seal_key_file[0];
    char *path = ours ? text_format("%s/seal.key", config->state_dir)
                      : text_copy(config->seal_key_file);
    enum status status = file_read(seal, path, err);

    if (status == STATUS_NOT_FOUND && make && ours) {
        status = file_make(config->state_dir, path, err);
        if (status == STATUS_OK)
            status = file_read(seal, path, err);
    }
    free(path);
    return status;
}

void seal_fini(struct seal *seal)
{
    OPENSSL_cleanse(seal, sizeof *seal);
}

void seal_wipe(struct buf *secret)
{
    if (secret->data)
        OPENSSL_cleanse(secret->data, secret->cap);
    buf_fini(secret);
}

/* ---- AES-256-GCM ---- */

static void cipher_free(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}
#define CIPHER __attribute__((cleanup(cipher_free))) EVP_CIPHER_CTX

void seal_close(const struct seal *seal, const char *label, const char *text,
                size_t len, struct buf *out)
{
    CIPHER *ctx = EVP_CIPHER_CTX_new();
    unsigned char *nonce =
        (unsigned char *)buf_reserve(out, NONCE_BYTES + len + TAG_BYTES);
    unsigned char *at = nonce + NONCE_BYTES;
    int n = 0, more = 0;

    if (len > SEALED_MAX || !ctx || RAND_bytes(nonce, NONCE_BYTES) != 1 ||
        EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key, nonce) !=
            1 ||
        EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)label,
                          (int)strlen(label)) != 1 ||
        EVP_EncryptUpdate(ctx, at, &n, (const unsigned char *)text, (int)len) !=
            1 ||
        EVP_EncryptFinal_ex(ctx, at + n, &more) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, at + len) !=
            1)
        BUG("AES-256-GCM does not work");
    out->len += NONCE_BYTES + len + TAG_BYTES;
    out->data[out->len] = 0;
}

enum status seal_open(const struct seal *seal, const char *label,
                      const unsigned char *sealed, size_t len, struct buf *out,
                      struct error *err)
{
    CIPHER *ctx = EVP_CIPHER_CTX_new();
    size_t text = len - NONCE_BYTES - TAG_BYTES;
    unsigned char tag[TAG_BYTES];
    int n = 0, more = 0;

    if (len < NONCE_BYTES + TAG_BYTES || len > SEALED_MAX)
        return fail(err, STATUS_INVALID, "not a sealed text");
    memcpy(tag, sealed + len - TAG_BYTES, TAG_BYTES);
    unsigned char *to = (unsigned char *)buf_reserve(out, text + 1);

    if (!ctx ||
        EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key, sealed) !=
            1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) != 1 ||
        EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)label,
                          (int)strlen(label)) != 1 ||
        EVP_DecryptUpdate(ctx, to, &n, sealed + NONCE_BYTES, (int)text) != 1 ||
        EVP_DecryptFinal_ex(ctx, to + n, &more) != 1) {
        OPENSSL_cleanse(to, text);
        return fail(err, STATUS_INVALID,
                    "sealed by another seal, or damaged since");
    }
    out->len += text;
    out->data[out->len] = 0;
    return STATUS_OK;
}
