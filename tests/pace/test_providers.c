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

/* What the data say is what mail is deferred by. */
static void a_provider_may_have_a_schedule(void **state)
{
    struct limits limits;

    (void)state;
    assert_int_equal(
        limits_parse(provider_named("mimecast")->limits, &limits, NULL),
        STATUS_OK);
    assert_int_equal(limits.of[LIMIT_RETRY_FIRST], 120);
    assert_int_equal(limits.of[LIMIT_RETRY_MOST], 4 * 3600);
    assert_int_equal(limits.of[LIMIT_CONNECTIONS], 10);
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

/* Words that one rule takes for what another one is for. */
static const struct {
    const char *site, *reply;
    enum provider_deed deed;
} near[] = {
    {"charter", "550 5.1.0 sender rejected. AUP#In-1310", PROVIDER_SLOW},
    {"cisco", "554 Rejected due to poor reputation of a domain used in it",
     PROVIDER_SUSPEND_CAMPAIGN},
    {"google",
     "421 4.7.0 IP not in whitelist for RCPT domain, closing connection",
     PROVIDER_NOTHING},
    {"microsoft",
     "550 5.7.515 Access denied, sending domain example.com does not meet "
     "the required authentication level (Spf= Fail, Dkim= Fail)",
     PROVIDER_NOTHING},
    {"orange",
     "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid "
     "recipient. OFR_416 [416]",
     PROVIDER_NOTHING},
    {"t-online",
     "550 5.7.0 Message considered as spam or virus. Your IP: 192.0.2.1",
     PROVIDER_SUSPEND_CAMPAIGN},
    {"yahoo",
     "421 4.7.1 [TSS09] All messages from 192.0.2.1 will be permanently "
     "deferred",
     PROVIDER_SUSPEND_SOURCE},
    {"*", "550 5.1.1 User unknown, your IP was noted as blocked",
     PROVIDER_NOTHING},
    {"*", "550 The recipient's membership is blocked", PROVIDER_NOTHING},
    {"*", "550 User not listed in public Name & Address Book",
     PROVIDER_NOTHING},
    {"*",
     "550 5.7.23 Your IP 192.0.2.1 was rejected by the SPF record of "
     "example.com",
     PROVIDER_NOTHING},
    {"*", "553 Blocked using spam pattern, your message may contain spam",
     PROVIDER_NOTHING},
    {"*", "554 Sender address [a@example.com] blocked using dbl.spamhaus.org",
     PROVIDER_SUSPEND_CAMPAIGN},
    {"*", "550 5.1.0 The domain is listed by Spamhaus",
     PROVIDER_SUSPEND_CAMPAIGN},
    {"*", "554 Client host [192.0.2.1] blocked using zen.spamhaus.org",
     PROVIDER_SUSPEND_SOURCE},
    {"*",
     "550 5.2.1 Mailbox unavailable. Your IP address 192.0.2.1 is "
     "blacklisted",
     PROVIDER_SUSPEND_SOURCE},
};

static void near_words_are_not_mixed_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        const struct provider_rule *rule =
            judge(provider_named(near[i].site), near[i].reply);

        if ((rule ? rule->deed : PROVIDER_NOTHING) != near[i].deed)
            fail_msg("[%s] %s: %s", near[i].site, near[i].reply,
                     rule ? rule->when : "no rule");
    }
}

/* Wherever the server breaks its lines. */
static void white_space_is_one_space(void **state)
{
    const struct provider *google = provider_named("google");
    const struct provider_rule *rule =
        provider_judge(google, 421, "4.7.0",
                       "[192.0.2.1      15] Our system has detected that this "
                       "message is\nsuspicious due to the very low\n"
                       "reputation\tof the  sending IP address.");

    (void)state;
    assert_non_null(rule);
    assert_int_equal(rule->deed, PROVIDER_SUSPEND_SOURCE);
}

/* Whoever picks the address of a recipient does not pick the rule. */
static void addresses_are_not_looked_at(void **state)
{
    static const char *const replies[] = {
        "450 <too.much.mail.throttled@slow.example>: no",
        "450 no such mailbox too-much-mail.throttled@slow.example",
        "550 (blocked.using@client.host.blocked.example) is nobody here",
        "550 <\"client host blocked using your ip\"@a.example>... nobody",
        "550 nobody is client.host.blocked.using@a.example",
    };
    static const char *const others[] = {
        "450 <a@b.example>: throttled",
        "450 throttled <a@b.example",
        "450 a@b.example>throttled",
        "450 < 192.0.2.1 throttled> a@b.example",
        "450 <<a@b.example> throttled>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        if (judge(NULL, replies[i]))
            fail_msg("%s: %s", replies[i], judge(NULL, replies[i])->when);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!judge(NULL, others[i]))
            fail_msg("%s: no rule", others[i]);
}

static void long_texts_are_cut(void **state)
{
    char text[3 * PROVIDER_SUBJECT_MAX];

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 10, " throttled", 10);
    text[sizeof text - 1] = '\0';
    assert_null(provider_judge(NULL, 450, "4.7.1", text));
    text[8] = '@';
    assert_non_null(provider_judge(NULL, 450, "4.7.1", text));
    memset(text, '<', sizeof text - 1);
    assert_null(provider_judge(NULL, 450, "4.7.1", text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_of_the_whole_text),
        cmocka_unit_test(each_mx_is_one_provider_s),
        cmocka_unit_test(each_rule_fires),
        cmocka_unit_test(limits_make_sense),
        cmocka_unit_test(a_provider_may_have_a_schedule),
        cmocka_unit_test(every_mx_must_match),
        cmocka_unit_test(what_speaks_of_the_recipient_is_no_rule),
        cmocka_unit_test(near_words_are_not_mixed_up),
        cmocka_unit_test(white_space_is_one_space),
        cmocka_unit_test(addresses_are_not_looked_at),
        cmocka_unit_test(long_texts_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
