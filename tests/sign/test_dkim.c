/* Signing with keys made here; what other implementations say of the
 * signatures is a story's business. */
#include "sign/dkim.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAIL                                                                   \
    "From: a@example.com\r\nTo: b@x.test\r\nSubject: s\r\n\r\nHi\r\n..dot\r\n"

static struct buf pem_of(EVP_PKEY *pkey)
{
    struct buf pem = {0};
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;

    assert_int_equal(
        PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &bytes);

    buf_add(&pem, bytes, (size_t)n);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return pem;
}

static struct dkim_key *key_of(EVP_PKEY *pkey)
{
    struct buf pem = pem_of(pkey);
    struct dkim_key *key = NULL;
    struct error err;

    assert_int_equal(
        dkim_key_new("example.com", "s1", pem.data, pem.len, &key, &err),
        STATUS_OK);
    buf_fini(&pem);
    return key;
}

static void test_two_signatures(void **state)
{
    struct dkim_signer s = {.n_keys = 2};
    struct buf wire = {0}, again = {0};
    struct error err;

    (void)state;
    s.keys[0] = key_of(EVP_RSA_gen(2048));
    s.keys[1] = key_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    buf_add_text(&wire, MAIL);
    buf_add_text(&again, MAIL);
    assert_int_equal(dkim_sign(&s, 1700000000, &wire, &err), STATUS_OK);
    assert_int_equal(dkim_sign(&s, 1700000000, &again, &err), STATUS_OK);
    assert_string_equal(wire.data, again.data); /* both are deterministic */
    assert_memory_equal(wire.data, "DKIM-Signature: v=1; a=rsa-sha256", 33);
    assert_non_null(strstr(wire.data, "a=ed25519-sha256"));
    assert_non_null(strstr(wire.data, "h=from:from:to:to:cc:subject:subject"));
    assert_string_equal(wire.data + wire.len - strlen(MAIL), MAIL);
    for (const char *l = wire.data; (l = strchr(l, '\n')); l++)
        assert_true(strcspn(l + 1, "\n") <= 80);
    for (size_t i = 0; i < s.n_keys; i++)
        dkim_key_free(s.keys[i]);
    dkim_signer_fini(&s);
    buf_fini(&wire);
    buf_fini(&again);
}

static void test_refusals(void **state)
{
    struct buf small = pem_of(EVP_RSA_gen(1024));
    struct buf good = pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    struct dkim_key *key = NULL;
    struct dkim_signer s = {0};
    struct buf wire = {0};
    struct error err;

    (void)state;
    assert_int_equal(
        dkim_key_new("d.test", "s", small.data, small.len, &key, &err),
        STATUS_INVALID);
    assert_string_equal(err.text, "RSA key has 1024 bits, 2048 at least");
    assert_int_equal(dkim_key_new("d.test", "s", "junk", 4, &key, &err),
                     STATUS_INVALID);
    assert_int_equal(
        dkim_key_new("d..test", "s", good.data, good.len, &key, &err),
        STATUS_INVALID);
    assert_int_equal(
        dkim_key_new("d.test", "s;t", good.data, good.len, &key, &err),
        STATUS_INVALID);
    buf_add_text(&wire, "\r\nno header\r\n");
    assert_int_equal(dkim_sign(&s, 0, &wire, &err), STATUS_INVALID);
    assert_string_equal(wire.data, "\r\nno header\r\n");
    buf_fini(&wire);
    buf_fini(&small);
    buf_fini(&good);
    dkim_signer_fini(&s);
}

static void test_record(void **state)
{
    struct dkim_key *key = key_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    struct buf record = {0};
    struct error err;

    (void)state;
    assert_int_equal(dkim_key_record(key, &record, &err), STATUS_OK);
    assert_memory_equal(record.data, "v=DKIM1; k=ed25519; p=", 22);
    assert_int_equal(record.len, 22 + 44);
    buf_fini(&record);
    dkim_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_signatures),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
