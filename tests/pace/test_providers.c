#include "pace/limits.h"
#include "pace/providers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void patterns_are_of_the_whole_text(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"*.google.com", "aspmx.l.Google.com", true},
        {"*.google.com", "google.com", false},
        {"*.google.com", "a.google.com.evil.example", false},
        {"*.google.com", "a.google.company", false},
        {"*.google.com", "a.google.com.", false},
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"?", "", false},
        {"4?? *", "421 x", true},
        {"4?? *", "42 x", false},
        {"a*b*c", "abcbc", true},
        {"a*b*c", "abcb", false},
        {"*aab", "aaaaaaaaaab", true},
        {"*aab*", "aaaaaaaaaac", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(provider_matches(cases[i].pattern, cases[i].text),
                         cases[i].matches);
}

/* Each pattern's example is its provider's, and would be no other's. */
static void each_mx_is_one_provider_s(void **state)
{
    size_t n;
    const struct provider *all = providers_all(&n);

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < all[i].n_mx; k++) {
            const struct provider_mx *mx = &provider_mxs(&all[i])[k];

            if (!provider_matches(mx->pattern, mx->example))
                fail_msg("[%s] mx %s does not match its example", all[i].site,
                         mx->pattern);
            for (size_t j = 0; j < n; j++)
                for (int l = 0; j != i && l < all[j].n_mx; l++)
                    if (provider_matches(provider_mxs(&all[j])[l].pattern,
                                         mx->example))
                        fail_msg("[%s] takes a host of [%s]", all[j].site,
                                 all[i].site);
            assert_ptr_equal(provider_of(&mx->example, 1), &all[i]);
        }
}

static const struct provider_rule *judge(const struct provider *p,
                                         const char *reply)
{
    unsigned code = 0;
    char status[16] = "";
    int at = 0;

    assert_int_equal(sscanf(reply, "%3u %n", &code, &at), 1);
    if (strspn(reply + at, "0123456789.") >= 5 && reply[at + 1] == '.') {
        int len = 0;

        assert_int_equal(sscanf(reply + at, "%15s %n", status, &len), 1);
        at += len;
    }
    return provider_judge(p, code, status, reply + at);
}

/* A rule that no reply reaches is a mistake: its own one must. */
static void each_rule_fires(void **state)
{
    size_t n;
    const struct provider *all = providers_all(&n);

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < all[i].n_rules; k++) {
            const struct provider_rule *rule = &provider_rules(&all[i])[k];
            const struct provider_rule *found = judge(&all[i], rule->proof);

            if (found != rule)
                fail_msg("[%s] when = %s: its proof is taken by %s",
                         all[i].site, rule->when,
                         found ? found->when : "no rule");
        }
}

static void limits_make_sense(void **state)
{
    size_t n;
    const struct provider *all = providers_all(&n);

    (void)state;
    assert_string_equal(all[n - 1].site, "*");
    for (size_t i = 0; i < n; i++) {
        struct limits limits;
        struct error err;

        if (limits_parse(all[i].limits, &limits, &err) != STATUS_OK)
            fail_msg("[%s] limits: %s", all[i].site, err.text);
    }
}

/* One foreign MX, and the provider's limits and rules are not for us. */
static void every_mx_must_match(void **state)
{
    const char *google[] = {"aspmx.l.google.com", "alt1.aspmx.l.google.com"};
    const char *mixed[] = {"aspmx.l.google.com", "mx.example.com"};
    const char *two[] = {"aspmx.l.google.com", "mx.yandex.net"};

    (void)state;
    assert_string_equal(provider_of(google, 2)->site, "google");
    assert_null(provider_of(mixed, 2));
    assert_null(provider_of(two, 2));
    assert_null(provider_of(google, 0));
}

static void what_speaks_of_the_recipient_is_no_rule(void **state)
{
    static const char *const replies[] = {
        "550 5.1.1 The email account that you tried to reach does not exist",
        "452 4.2.2 The email account is over quota",
        "250 2.0.0 OK",
        "550 5.7.26 Unauthenticated email is not accepted",
        "550 5.5.0 Adresse destinataire invalide. Invalid recipient. "
        "LPN007_416",
        "552 5.2.2 Boite du destinataire pleine. Recipient overquota. "
        "LPN007_417",
        "452 4.2.2 Boite du destinataire pleine. Recipient overquota. "
        "LPN007_417",
    };
    size_t n;
    const struct provider *all = providers_all(&n);

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof replies / sizeof *replies; k++)
            assert_null(judge(&all[i], replies[k]));
    assert_null(provider_judge(NULL, 0, NULL, NULL));
    assert_null(provider_judge(NULL, 421, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_of_the_whole_text),
        cmocka_unit_test(each_mx_is_one_provider_s),
        cmocka_unit_test(each_rule_fires),
        cmocka_unit_test(limits_make_sense),
        cmocka_unit_test(every_mx_must_match),
        cmocka_unit_test(what_speaks_of_the_recipient_is_no_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
