/* What a host must prove: by DANE, MTA-STS and what the operator demands. */
#include "policy/decide.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    enum smtp_tls least;
    enum policy_dane dane;
    int mode;       /* of MTA-STS; -1: none */
    const char *mx; /* the host is mx.example */
    bool usable;
    enum smtp_tls level;
    const char *by; /* who asks for it; NULL: the operator, or nobody */
} cases[] = {
    {SMTP_TLS_OPPORTUNISTIC, DANE_NONE, -1, "", true, SMTP_TLS_OPPORTUNISTIC,
     NULL},
    {SMTP_TLS_REQUIRED, DANE_NONE, -1, "", true, SMTP_TLS_REQUIRED, NULL},
    {SMTP_TLS_OPPORTUNISTIC, DANE_USABLE, -1, "", true, SMTP_TLS_DANE, "DANE"},
    {SMTP_TLS_VERIFIED, DANE_USABLE, -1, "", true, SMTP_TLS_DANE, "DANE"},
    {SMTP_TLS_OPPORTUNISTIC, DANE_UNUSABLE, -1, "", true, SMTP_TLS_REQUIRED,
     "DANE"},
    {SMTP_TLS_VERIFIED, DANE_UNUSABLE, -1, "", true, SMTP_TLS_VERIFIED, NULL},
    {SMTP_TLS_OPPORTUNISTIC, DANE_BROKEN, -1, "", false, SMTP_TLS_OPPORTUNISTIC,
     NULL},
    {SMTP_TLS_OPPORTUNISTIC, DANE_NONE, STS_ENFORCE, "mx.example\n", true,
     SMTP_TLS_VERIFIED, "MTA-STS"},
    {SMTP_TLS_OPPORTUNISTIC, DANE_UNUSABLE, STS_ENFORCE, "mx.example\n", true,
     SMTP_TLS_VERIFIED, "MTA-STS"},
    {SMTP_TLS_OPPORTUNISTIC, DANE_NONE, STS_ENFORCE, "a.example\n", false,
     SMTP_TLS_VERIFIED, "MTA-STS"},
    {SMTP_TLS_OPPORTUNISTIC, DANE_NONE, STS_TESTING, "a.example\n", true,
     SMTP_TLS_OPPORTUNISTIC, NULL},
    {SMTP_TLS_OPPORTUNISTIC, DANE_NONE, STS_NONE, "", true,
     SMTP_TLS_OPPORTUNISTIC, NULL},
    /* RFC 8461, 2: MTA-STS makes up for no DANE that fails. */
    {SMTP_TLS_OPPORTUNISTIC, DANE_BROKEN, STS_ENFORCE, "mx.example\n", false,
     SMTP_TLS_OPPORTUNISTIC, NULL},
    {SMTP_TLS_OPPORTUNISTIC, DANE_USABLE, STS_ENFORCE, "a.example\n", true,
     SMTP_TLS_DANE, "DANE"},
};

static struct policy *policy_of(size_t n, const char *const *names)
{
    struct policy *p = calloc(1, sizeof *p);

    p->users = 1;
    p->n_hosts = n;
    p->hosts = calloc(n, sizeof *p->hosts);
    for (size_t i = 0; i < n; i++)
        snprintf(p->hosts[i].name, DNS_NAME_MAX, "%s", names[i]);
    return p;
}

static void a_host_must_prove_what_is_asked(void **state)
{
    static const char *const host[] = {"mx.example"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char mx[64];
        const struct sts_kept sts = {.mode = (enum sts_mode)cases[i].mode,
                                     .mx = mx};
        const struct policy_facts facts = {
            .least = cases[i].least,
            .dane = {cases[i].dane},
            .sts = cases[i].mode < 0 ? NULL : &sts,
        };
        struct policy *p = policy_of(1, host);

        snprintf(mx, sizeof mx, "%s", cases[i].mx);
        policy_decide(p, "to.example", &facts);
        assert_int_equal(p->hosts[0].usable, cases[i].usable);
        assert_int_equal(p->usable, cases[i].usable);
        assert_int_equal(p->why[0] == 0, cases[i].usable);
        assert_int_equal(p->hosts[0].tls.level, cases[i].level);
        assert_string_equal(p->hosts[0].tls.by ? p->hosts[0].tls.by : "",
                            cases[i].by ? cases[i].by : "");
        assert_int_equal(p->key[0] == 0,
                         cases[i].usable &&
                             cases[i].level == SMTP_TLS_OPPORTUNISTIC);
        assert_non_null(strstr(p->json, "\"policy-domain\":\"to.example\""));
        policy_drop(p);
    }
}

/* RFC 8461, 4.1: in testing too, and all of them. */
static void mta_sts_makes_hosts_sure(void **state)
{
    static const char *const hosts[] = {"a.example", "b.example"};
    static const struct {
        int mode; /* -1: none */
        const char *mx;
        bool sure;
    } stss[] = {
        {-1, "", false},
        {STS_NONE, "a.example\nb.example\n", false},
        {STS_TESTING, "*.example\n", true},
        {STS_TESTING, "a.example\n", false},
        {STS_ENFORCE, "a.example\nb.example\n", true},
        {STS_ENFORCE, "a.example\n", true}, /* the other one is not used */
    };

    (void)state;
    for (size_t i = 0; i < sizeof stss / sizeof *stss; i++) {
        char mx[64];
        const struct sts_kept sts = {.mode = (enum sts_mode)stss[i].mode,
                                     .mx = mx};
        const struct policy_facts facts = {
            .least = SMTP_TLS_OPPORTUNISTIC,
            .sts = stss[i].mode < 0 ? NULL : &sts,
        };
        struct policy *p = policy_of(2, hosts);

        snprintf(mx, sizeof mx, "%s", stss[i].mx);
        policy_decide(p, "to.example", &facts);
        assert_int_equal(p->sure_hosts, stss[i].sure);
        policy_drop(p);
    }
}

static struct policy *dane_policy(const char *const *names,
                                  const struct smtp_tlsa *a,
                                  const struct smtp_tlsa *b)
{
    const struct policy_facts facts = {.least = SMTP_TLS_OPPORTUNISTIC,
                                       .dane = {DANE_USABLE, DANE_USABLE}};
    struct policy *p = policy_of(2, names);

    p->hosts[0].tls.tlsa = a;
    p->hosts[1].tls.tlsa = b;
    p->hosts[0].tls.n_tlsa = p->hosts[1].tls.n_tlsa = 2;
    policy_decide(p, "to.example", &facts);
    return p;
}

/* Connections are shared by domains that ask for the same, in any order. */
static void the_key_is_that_of_the_demand(void **state)
{
    static const char *const names[] = {"a.example", "b.example"};
    static const char *const turned[] = {"b.example", "a.example"};
    const unsigned char x[32] = {1}, y[32] = {2};
    const struct smtp_tlsa xy[] = {{3, 1, 1, x, 32}, {3, 1, 1, y, 32}};
    const struct smtp_tlsa yx[] = {{3, 1, 1, y, 32}, {3, 1, 1, x, 32}};
    const struct smtp_tlsa xx[] = {{3, 1, 1, x, 32}, {3, 0, 1, y, 32}};
    struct policy *one = dane_policy(names, xy, xx);
    struct policy *same = dane_policy(turned, xx, yx);
    struct policy *other = dane_policy(names, xx, xy);

    (void)state;
    assert_string_equal(one->key, same->key);
    assert_string_equal(one->json, same->json);
    assert_string_not_equal(one->key, other->key);
    assert_int_equal(one->type, POLICY_TLSA);
    policy_drop(one);
    policy_drop(same);
    policy_drop(other);
}

/* By DANE a host proves the name that the records are of (RFC 7672, 3.2.2);
 * otherwise its own (RFC 8461, 4.1), whatever an alias leads to. */
static void an_alias_proves_the_name_of_its_records(void **state)
{
    static const char *const host[] = {"mx.example"};
    static const enum policy_dane danes[] = {DANE_USABLE, DANE_UNUSABLE};
    char keys[2][POLICY_KEY_MAX];

    (void)state;
    for (int aliased = 0; aliased < 2; aliased++)
        for (size_t i = 0; i < 2; i++) {
            const struct policy_facts facts = {.least = SMTP_TLS_VERIFIED,
                                               .dane = {danes[i]}};
            struct policy *p = policy_of(1, host);
            bool other = aliased && danes[i] == DANE_USABLE;

            p->hosts[0].tlsa_base = aliased ? "end.example" : NULL;
            policy_decide(p, "to.example", &facts);
            assert_string_equal(p->hosts[0].tls.host,
                                other ? "end.example" : "mx.example");
            assert_ptr_equal(policy_host(p, "mx.example"), &p->hosts[0]);
            if (danes[i] == DANE_USABLE)
                memcpy(keys[aliased], p->key, sizeof p->key);
            policy_drop(p);
        }
    assert_string_not_equal(keys[0], keys[1]);
}

/* RFC 7672, 3.2.2: by DANE-TA, what the domain is called and what it leads to
 * will do as well, and connections are its own then; asked only where it is
 * needed. DANE-EE looks at no name (3.1.1). */
static void a_trust_anchor_may_prove_the_domain(void **state)
{
    static const char *const host[] = {"mx.example"};
    static const char *const domains[] = {"a.example", "b.example"};
    const unsigned char x[32] = {1};
    const struct smtp_tlsa anchor = {2, 1, 1, x, 32}, own = {3, 1, 1, x, 32};
    char keys[2][POLICY_KEY_MAX], asked[2][POLICY_KEY_MAX];

    (void)state;
    for (int misnamed = 0; misnamed < 2; misnamed++)
        for (int ta = 0; ta < 2; ta++)
            for (size_t i = 0; i < 2; i++) {
                const struct policy_facts facts = {.dane = {DANE_USABLE},
                                                   .misnamed = {misnamed}};
                struct policy *p = policy_of(1, host);
                struct smtp_tls_policy *tls = &p->hosts[0].tls;

                p->names[0] = domains[i];
                p->names[1] = "end.example";
                p->n_names = 2;
                tls->tlsa = ta ? &anchor : &own;
                tls->n_tlsa = 1;
                policy_decide(p, domains[i], &facts);
                assert_string_equal(tls->host, "mx.example");
                assert_int_equal(tls->n_names, misnamed && ta ? 2 : 0);
                if (tls->n_names > 0) {
                    assert_string_equal(tls->names[0], domains[i]);
                    assert_string_equal(tls->names[1], "end.example");
                    memcpy(asked[i], p->key, sizeof p->key);
                } else if (ta) {
                    memcpy(keys[i], p->key, sizeof p->key);
                }
                policy_drop(p);
            }
    assert_string_equal(keys[0], keys[1]);
    assert_string_not_equal(asked[0], asked[1]);
    assert_string_not_equal(asked[0], keys[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_must_prove_what_is_asked),
        cmocka_unit_test(mta_sts_makes_hosts_sure),
        cmocka_unit_test(the_key_is_that_of_the_demand),
        cmocka_unit_test(an_alias_proves_the_name_of_its_records),
        cmocka_unit_test(a_trust_anchor_may_prove_the_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
