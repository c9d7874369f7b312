/* What is published, and what is said of it: by table. */
#include "dns/record.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DKIM "v=DKIM1; k=rsa; p=AAAABBBB"
#define SPF "v=spf1 a:mail.example.net include:r.test ~all"

static const struct {
    enum record_kind kind;
    const char *value, *found[3], *why; /* why "": verified */
} cases[] = {
    {RECORD_DKIM, DKIM, {DKIM}, ""},
    {RECORD_DKIM, DKIM, {"p=AAAA BBBB"}, ""},
    {RECORD_DKIM, DKIM, {"k=rsa;h=sha1:sha256;s=email;t=y;p=AAAABBBB;"}, ""},
    {RECORD_DKIM, DKIM, {"v=DKIM1; p="}, "the key is revoked: p= is empty"},
    {RECORD_DKIM, DKIM, {"v=DKIM1; k=rsa"}, "it has no key (p=)"},
    {RECORD_DKIM, DKIM, {"v=DKIM1; p=CCCC"}, "it is another key: p= differs"},
    {RECORD_DKIM,
     DKIM,
     {"v=DKIM1; p=AAAAB"},
     "it is another key: p= differs; it was cut off"},
    {RECORD_DKIM,
     DKIM,
     {"k=ed25519; p=AAAABBBB"},
     "it is a key of another kind: k=ed25519, not rsa"},
    {RECORD_DKIM, DKIM, {"v=DKIM2; p=A"}, "it is to begin with v=DKIM1"},
    {RECORD_DKIM, DKIM, {"h=sha1; p=AAAABBBB"}, "h= does not allow sha256"},
    {RECORD_DKIM, DKIM, {"s=other; p=AAAABBBB"}, "s= does not allow email"},
    {RECORD_DKIM,
     DKIM,
     {DKIM, DKIM},
     "there are 2 TXT records; one is allowed"},
    {RECORD_SPF, SPF, {SPF, "other=1"}, ""},
    {RECORD_SPF,
     SPF,
     {"V=SPF1 ip4:1.2.3.4 +A:MAIL.example.net include:r.test -all"},
     ""},
    {RECORD_SPF,
     SPF,
     {"v=spf1 include:r.test -all a:mail.example.net"},
     "it lacks a:mail.example.net, which is to stand before \"all\""},
    {RECORD_SPF,
     SPF,
     {"v=spf1 -all"},
     "it lacks a:mail.example.net include:r.test, which is to stand before "
     "\"all\""},
    {RECORD_SPF, SPF, {"v=spf10 x"}, "no TXT record begins with v=spf1"},
    {RECORD_SPF, SPF, {"v=spf1 +all"}, "it allows everyone to send: +all"},
    {RECORD_SPF, SPF, {"v=spf1 all"}, "it allows everyone to send: +all"},
    {RECORD_SPF,
     SPF,
     {SPF, SPF},
     "there are 2 SPF records; receivers take that for an error: make one of "
     "them"},
    {RECORD_SPF,
     "v=spf1 ip4:192.0.2.1 ~all",
     {"v=spf1 ip4:192.0.2.1 include:a include:b include:c include:d include:e "
      "include:f mx a a:h exists:i redirect=j"},
     "it takes 11 look-ups; 10 are allowed"},
    {RECORD_DMARC, "", {"v=DMARC1; p=none", "x"}, ""},
    {RECORD_DMARC, "", {"v=DMARC1;p=reject;rua=mailto:a@b.test"}, ""},
    {RECORD_DMARC, "", {"v=DMARC1; sp=none"}, "it has no policy (p=)"},
    {RECORD_DMARC,
     "",
     {"v=DMARC1; p=all"},
     "p=all is no policy: none, quarantine or reject"},
    {RECORD_DMARC, "", {"p=none"}, "no TXT record begins with v=DMARC1"},
};

/* A TXT record's data, in strings of 10 bytes. */
static size_t txt(const char *text, unsigned char *out)
{
    size_t n = 0;

    while (*text) {
        size_t piece = strnlen(text, 10);

        out[n++] = (unsigned char)piece;
        memcpy(out + n, text, piece);
        n += piece;
        text += piece;
    }
    return n;
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static unsigned char data[3][1024];
        struct dns_answer answer = {.outcome = DNS_FOUND};
        struct record_finding f;

        for (; answer.n < 3 && cases[i].found[answer.n]; answer.n++)
            answer.records[answer.n] = (struct dns_data){
                data[answer.n], txt(cases[i].found[answer.n], data[answer.n])};
        record_check(cases[i].kind, cases[i].value, &answer, &f);
        assert_string_equal(f.why, cases[i].why);
        assert_int_equal(f.state,
                         cases[i].why[0] ? RECORD_FAILED : RECORD_VERIFIED);
    }
}

static void test_mx(void **state)
{
    static const unsigned char mx[] = "\0\012\004Mail\007example\003net";
    struct dns_answer answer = {
        .outcome = DNS_FOUND, .records = {{mx, sizeof mx}}, .n = 1};
    struct record_finding f;

    (void)state;
    record_check(RECORD_MX, "mail.example.net", &answer, &f);
    assert_int_equal(f.state, RECORD_VERIFIED);
    assert_string_equal(f.found, "10 mail.example.net");
    record_check(RECORD_MX, "other.example.net", &answer, &f);
    assert_int_equal(f.state, RECORD_FAILED);
    assert_string_equal(f.why, "other.example.net is not among the hosts");
    for (size_t len = 0; len < sizeof mx; len++) {
        answer.records[0].len = len;
        record_check(RECORD_MX, "mail.example.net", &answer, &f);
        assert_int_equal(f.state, RECORD_FAILED);
    }
}

static void test_nothing_answered(void **state)
{
    struct dns_answer answer = {.outcome = DNS_NO_NAME, .why = ""};
    struct record_finding f;

    (void)state;
    record_check(RECORD_DKIM, DKIM, &answer, &f);
    assert_int_equal(f.state, RECORD_FAILED);
    assert_string_equal(f.why, "missing: there is no such record");
    answer = (struct dns_answer){.outcome = DNS_FAILED, .why = "timeout"};
    record_check(RECORD_DKIM, DKIM, &answer, &f);
    assert_int_equal(f.state, RECORD_UNKNOWN);
    assert_string_equal(f.why, "timeout");
}

/* Any bytes: bounded, printable, no string past its record. */
static void test_hostile(void **state)
{
    unsigned char data[600];
    struct dns_answer answer = {.outcome = DNS_FOUND, .n = 64};
    struct record_finding f;
    uint32_t chance = 7;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof data; i++) {
            chance = chance * 1664525 + 1013904223;
            data[i] = (unsigned char)(chance >> 24);
        }
        for (size_t i = 0; i < 64; i++)
            answer.records[i] =
                (struct dns_data){data + i, (chance >> (i % 16)) % 500};
        for (enum record_kind k = RECORD_DKIM; k <= RECORD_MX; k++) {
            record_check(k, DKIM, &answer, &f);
            assert_int_not_equal(f.state, RECORD_VERIFIED);
            for (const char *p = f.found; *p; p++)
                assert_true((*p >= ' ' && *p < 0x7f) || *p == '\n');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_mx),
        cmocka_unit_test(test_nothing_answered),
        cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
