#include "smtp/tls.h"
#include "smtp/tls_talk.h"

/* Servers that prove themselves by TLSA records (RFC 7672), or do not. */

/* SHA-256 of its public key, or of all of it: a TLSA record's data. */
static void cert_digest(const struct cert *c, int selector,
                        unsigned char out[32])
{
    unsigned char *der = NULL;
    int len = selector ? i2d_PUBKEY(c->key, &der) : i2d_X509(c->x509, &der);

    if (len <= 0 ||
        !EVP_Digest(der, (size_t)len, out, NULL, EVP_sha256(), NULL))
        abort();
    OPENSSL_free(der);
}

static void dane(const struct cert *record_of, uint8_t usage, uint8_t selector)
{
    static unsigned char digest[32];
    static struct smtp_tlsa tlsa;

    cert_digest(record_of, selector, digest);
    tlsa = (struct smtp_tlsa){usage, selector, 1, digest, sizeof digest};
    owner.setup.tls.tlsa = &tlsa;
    owner.setup.tls.n_tlsa = 1;
}

static void dane_ee(void **state)
{
    (void)state;
    dane(&own, 3, 1);
    converse(&own, SMTP_TLS_DANE);
    assert_delivered();
    assert_true(owner.facts.verified);
}

/* DANE-EE: neither its dates nor its names count (RFC 7672, 3.1.1). */
static void dane_ee_expired(void **state)
{
    (void)state;
    dane(&expired, 3, 1);
    converse(&expired, SMTP_TLS_DANE);
    assert_delivered();
}

static void dane_ee_mismatch(void **state)
{
    (void)state;
    dane(&other, 3, 1);
    converse(&own, SMTP_TLS_DANE);
    assert_refused(SMTP_TLS_TLSA_INVALID);
}

/* Trusted by a CA, but that is not asked. */
static void dane_ee_mismatch_trusted(void **state)
{
    (void)state;
    dane(&other, 3, 1);
    converse(&right, SMTP_TLS_DANE);
    assert_refused(SMTP_TLS_TLSA_INVALID);
}

/* The whole certificate of the CA: the server need not send it. */
static void dane_ta(const struct cert *server, const char *const *names,
                    size_t n_names)
{
    static struct smtp_tlsa tlsa;
    unsigned char *der = NULL;
    int len = i2d_X509(ca.x509, &der);

    tlsa = (struct smtp_tlsa){2, 0, 0, der, (size_t)len};
    owner.setup.tls.tlsa = &tlsa;
    owner.setup.tls.n_tlsa = 1;
    owner.setup.tls.names = names;
    owner.setup.tls.n_names = n_names;
    converse(server, SMTP_TLS_DANE);
    OPENSSL_free(der);
}

/* RFC 7672, 3.2.2: the name of the records, and further ones that may be
 * given; others are none. */
static void dane_ta_by_its_own_name(void **state)
{
    static const char *const names[] = {"to.example"};

    (void)state;
    dane_ta(&right, NULL, 0);
    assert_delivered();
    assert_true(owner.facts.verified);
    owner.to_send = 1;
    dane_ta(&right, names, 1);
    assert_delivered();
}

static void dane_ta_by_a_further_name(void **state)
{
    static const char *const names[] = {"to.example", "other.example"};

    (void)state;
    dane_ta(&other, names, 2);
    assert_delivered();
    assert_true(owner.facts.verified);
}

static void dane_ta_by_no_name(void **state)
{
    static const char *const names[] = {"to.example"};

    (void)state;
    dane_ta(&other, NULL, 0);
    assert_refused(SMTP_TLS_HOST_MISMATCH);
    dane_ta(&other, names, 1);
    assert_refused(SMTP_TLS_HOST_MISMATCH);
}

/* Of another CA, the name is no help. */
static void dane_ta_of_nobody(void **state)
{
    static const char *const names[] = {"mx.example"};

    (void)state;
    dane_ta(&own, names, 1);
    assert_null(strstr(owner.log.data, "delivered"));
    assert_int_equal(owner.fault, SMTP_FAULT_TLS);
}

/* Who makes the policy has to say what counts then. */
static void dane_unusable_proves_nothing(void **state)
{
    (void)state;
    dane(&other, 1, 1);
    converse(&own, SMTP_TLS_DANE);
    assert_refused(SMTP_TLS_TLSA_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dane_ee),
        TEST(dane_ee_expired),
        TEST(dane_ee_mismatch),
        TEST(dane_ee_mismatch_trusted),
        TEST(dane_ta_by_its_own_name),
        TEST(dane_ta_by_a_further_name),
        TEST(dane_ta_by_no_name),
        TEST(dane_ta_of_nobody),
        TEST(dane_unusable_proves_nothing),
    };

    return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
