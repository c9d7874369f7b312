/* TLSA records, and where reports of TLS are wanted. */
#include "dns/rdata.h"
#include "policy/rua.h"
#include "policy/tlsa.h"
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    unsigned char usage, selector, matching;
    size_t len;
    bool usable;
} records[] = {
    {3, 1, 1, 32, true},  {3, 0, 2, 64, true},  {2, 0, 0, 700, false},
    {2, 1, 1, 32, true},  {0, 1, 1, 32, false}, {1, 1, 1, 32, false},
    {4, 1, 1, 32, false}, {3, 2, 1, 32, false}, {3, 1, 3, 32, false},
    {3, 1, 1, 31, false}, {3, 1, 2, 32, false}, {3, 1, 0, 0, false},
    {3, 1, 0, 91, false}, {3, 0, 0, 8, false},
};

static void usable_records_are_those_of_rfc_7672(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        unsigned char bytes[3 + 700] = {records[i].usage, records[i].selector,
                                        records[i].matching, 0xab};
        struct dns_answer answer = {.outcome = DNS_FOUND, .n = 1};
        struct smtp_tlsa out[TLSA_MAX];

        answer.records[0] = (struct dns_data){bytes, 3 + records[i].len};
        assert_int_equal(tlsa_usable(&answer, out), records[i].usable);
        if (records[i].usable) {
            assert_int_equal(out[0].usage, records[i].usage);
            assert_ptr_equal(out[0].data, bytes + 3);
            assert_int_equal(out[0].len, records[i].len);
        }
        for (size_t cut = 0; cut < 3; cut++) {
            answer.records[0].len = cut;
            assert_int_equal(tlsa_usable(&answer, out), 0);
        }
    }
}

struct der {
    unsigned char *bytes;
    size_t len;
};

static bool is_usable(unsigned char usage, unsigned char selector,
                      const unsigned char *data, size_t len)
{
    unsigned char bytes[3 + 2048] = {usage, selector, 0};
    struct dns_answer answer = {.outcome = DNS_FOUND, .n = 1};
    struct smtp_tlsa out[TLSA_MAX];

    assert_true(len <= sizeof bytes - 3);
    memcpy(bytes + 3, data, len);
    answer.records[0] = (struct dns_data){bytes, 3 + len};
    return tlsa_usable(&answer, out) == 1;
}

/* Each cut, or with one byte too many, is usable no more; nor is one in place
 * of the other. */
static void check_whole(const struct der *d, unsigned char selector)
{
    unsigned char longer[2048] = {0};

    for (unsigned char usage = 2; usage <= 3; usage++) {
        assert_true(is_usable(usage, selector, d->bytes, d->len));
        assert_false(is_usable(usage, !selector, d->bytes, d->len));
        for (size_t cut = 0; cut < d->len; cut++)
            assert_false(is_usable(usage, selector, d->bytes, cut));
        memcpy(longer, d->bytes, d->len);
        assert_false(is_usable(usage, selector, longer, d->len + 1));
    }
}

static void whole_certificates_and_keys_can_be_read(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    struct der of_x = {0}, of_key = {0};

    (void)state;
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    of_x.len = (size_t)i2d_X509(x, &of_x.bytes);
    of_key.len = (size_t)i2d_PUBKEY(key, &of_key.bytes);
    check_whole(&of_x, 0);
    check_whole(&of_key, 1);
    OPENSSL_free(of_x.bytes);
    OPENSSL_free(of_key.bytes);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void there_are_so_many_at_most(void **state)
{
    unsigned char bytes[35] = {3, 1, 1};
    struct dns_answer answer = {.outcome = DNS_FOUND, .n = DNS_RECORDS_MAX};
    struct smtp_tlsa out[TLSA_MAX];

    (void)state;
    for (size_t i = 0; i < answer.n; i++)
        answer.records[i] = (struct dns_data){bytes, sizeof bytes};
    assert_int_equal(tlsa_usable(&answer, out), TLSA_MAX);
}

static void a_record_is_shown_as_in_a_zone_file(void **state)
{
    static const unsigned char data[] = {0, 0x12, 0xff};
    const struct smtp_tlsa t = {3, 1, 1, data, sizeof data};
    char text[16];

    (void)state;
    assert_string_equal(tlsa_text(&t, text, sizeof text), "3 1 1 0012ff");
    assert_string_equal(tlsa_text(&t, text, 10), "3 1 1 00");
}

static const struct {
    const char *record, *more, *uris; /* NULL: none */
} ruas[] = {
    {"v=TLSRPTv1; rua=mailto:tls@example.com", NULL, "mailto:tls@example.com"},
    {"v=TLSRPTv1;rua=https://r.example/v1 , mailto:a@b;", "v=spf1 -all",
     "https://r.example/v1,mailto:a@b"},
    {"v=TLSRPTv1; x=y; rua=ftp://a,mailto:a@b", NULL, "mailto:a@b"},
    {"v=TLSRPTv1; rua=mailto:a@b", "v=TLSRPTv1; rua=mailto:c@d", NULL},
    {"v=TLSRPTv1; rua=http://a.example/", NULL, NULL},
    {"v=TLSRPTv1; rua=mailto:nobody", NULL, NULL},
    {"v=TLSRPTv1; rua=mailto:a@b c", NULL, NULL},
    {"v=TLSRPTv1; rua=", NULL, NULL},
    {"v=TLSRPTv1", NULL, NULL},
    {"v=TLSRPTv12; rua=mailto:a@b", NULL, NULL},
    {"", NULL, NULL},
};

static void reports_go_where_the_record_says(void **state)
{
    static struct rdata data[2];

    (void)state;
    for (size_t i = 0; i < sizeof ruas / sizeof *ruas; i++)
        for (size_t each = 1; each <= RDATA_STRING_MAX; each += 9) {
            struct dns_answer answer = {.outcome = DNS_FOUND, .n = 1};
            char out[RUA_MAX];

            answer.records[0] = rdata_txt(&data[0], ruas[i].record, each);
            if (ruas[i].more)
                answer.records[answer.n++] =
                    rdata_txt(&data[1], ruas[i].more, each);
            assert_int_equal(rua_of(&answer, out), ruas[i].uris != NULL);
            assert_string_equal(out, ruas[i].uris ? ruas[i].uris : "");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usable_records_are_those_of_rfc_7672),
        cmocka_unit_test(whole_certificates_and_keys_can_be_read),
        cmocka_unit_test(there_are_so_many_at_most),
        cmocka_unit_test(a_record_is_shown_as_in_a_zone_file),
        cmocka_unit_test(reports_go_where_the_record_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
