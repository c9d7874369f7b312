/*
 * dkim_driver DIRECTORY N KEY... - for tests/path/test_dkim_foreign.py: prints
 * the record of each key (PEM file; the K-th has selector sK of example.com),
 * then signs 0.eml to N-1.eml of the directory, in wire form, to N.signed.
 * Mail i is signed by the keys of the bits of 1 + i % (2^keys - 1).
 */
#include "base/memory.h"
#include "sign/dkim.h"
#include <stdio.h>
#include <stdlib.h>

enum { PATH_ROOM = 4096, PIECE = 65536, SIGNED_AT = 1700000000 };

static struct buf file_read(const char *path)
{
    struct buf bytes = {0};
    FILE *f = fopen(path, "rb");
    char *piece = memory_new(1, PIECE);
    size_t n;

    if (!f)
        exit(2);
    while ((n = fread(piece, 1, PIECE, f)) > 0)
        buf_add(&bytes, piece, n);
    fclose(f);
    free(piece);
    return bytes;
}

static void must(enum status status, const struct error *err)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static struct dkim_key *key_of(const char *path, size_t number)
{
    struct buf pem = file_read(path), record = {0};
    struct dkim_key *key = NULL;
    struct error err;
    char selector[DKIM_NAME_MAX];

    snprintf(selector, sizeof selector, "s%zu", number);
    must(dkim_key_new("example.com", selector, pem.data, pem.len, &key, &err),
         &err);
    must(dkim_key_record(key, &record, &err), &err);
    puts(record.data);
    buf_fini(&record);
    buf_fini(&pem);
    return key;
}

static void sign(struct dkim_signer *s, const char *dir, size_t number)
{
    char path[PATH_ROOM];
    struct error err;

    snprintf(path, sizeof path, "%s/%zu.eml", dir, number);
    struct buf wire = file_read(path);

    must(dkim_sign(s, SIGNED_AT, &wire, &err), &err);
    snprintf(path, sizeof path, "%s/%zu.signed", dir, number);
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(wire.data, 1, wire.len, f) != wire.len || fclose(f))
        exit(2);
    buf_fini(&wire);
}

int main(int argc, char **argv)
{
    struct dkim_key *keys[DKIM_KEYS_MAX];
    struct dkim_signer s = {0};
    size_t n_keys = argc > 3 ? (size_t)argc - 3 : 0;

    if (n_keys == 0 || n_keys > DKIM_KEYS_MAX)
        return 2;
    for (size_t k = 0; k < n_keys; k++)
        keys[k] = key_of(argv[3 + k], k);
    for (size_t i = 0; i < strtoul(argv[2], NULL, 10); i++) {
        size_t bits = 1 + i % ((1U << n_keys) - 1);

        s.n_keys = 0;
        for (size_t k = 0; k < n_keys; k++)
            if (bits & 1U << k)
                s.keys[s.n_keys++] = keys[k];
        sign(&s, argv[1], i);
    }
    dkim_signer_fini(&s);
    for (size_t k = 0; k < n_keys; k++)
        dkim_key_free(keys[k]);
    return 0;
}
