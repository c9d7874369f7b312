#include "base/servers.h"
#include "egress/relay.h"
#include "pace/limits.h"
#include "route/rule.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define LONG_NAME                                                              \
    "a123456789a123456789a123456789a123456789a123456789a123456789abcd"
#define PASSWORD "hunter2"

static void fills_in_what_was_not_said(void **state)
{
    struct egress_relay plain = {.name = "corp", .servers = "a.example:25"};
    struct egress_relay user = {.name = "gmail",
                                .servers = "gmail",
                                .user = "jo",
                                .secret = "env:GMAIL"};
    struct egress_fault fault;

    (void)state;
    assert_true(egress_relay_check(&plain, &fault));
    assert_string_equal(plain.tls, "opportunistic");
    assert_string_equal(plain.login, "none");
    assert_true(egress_relay_check(&user, &fault));
    assert_string_equal(user.tls, "required");
    assert_string_equal(user.login, "auto");
}

/* name, servers, tls, login, user, secret */
static const struct {
    struct egress_relay relay;
    const char *field, *says;
} wrong[] = {
    {{.servers = "a:1"}, "name", "missing"},
    {{.name = "A", .servers = "a:1"}, "name", "lower-case"},
    {{.name = "", .servers = "a:1"}, "name", "lower-case"},
    {{.name = "-a", .servers = "a:1"}, "name", "begin"},
    {{.name = LONG_NAME, .servers = "a:1"}, "name", "1 to 63"},
    {{.name = "direct", .servers = "a:1"}, "name", "direct means"},
    {{.name = "sandbox", .servers = "a:1"}, "name", "sandbox means"},
    {{.name = "relay", .servers = "a:1"}, "name", "relay means"},
    {{.name = "a"}, "servers", "missing"},
    {{.name = "a", .servers = ""}, "servers", "missing"},
    {{.name = "a", .servers = "host"}, "servers", "host: no port"},
    {{.name = "a", .servers = "b:25,c:x"}, "servers", "c:x: the port"},
    {{.name = "a", .servers = "b:25*0"}, "servers", "weight is 1"},
    {{.name = "a", .servers = "b:0"}, "servers", "1 to 65535"},
    {{.name = "a", .servers = "smtp://jo:" PASSWORD "@b"},
     "servers",
     "without a user"},
    {{.name = "a", .servers = "b:25", .tls = "some"},
     "tls",
     "verified is expected"},
    {{.name = "a", .servers = "b:25", .login = "ntlm"},
     "login",
     "xoauth2 is expected"},
    {{.name = "a", .servers = "b:25", .login = "none", .user = "u"},
     "user",
     "login none"},
    {{.name = "a", .servers = "b:25", .login = "none", .secret = "env:A"},
     "secret",
     "login none"},
    {{.name = "a", .servers = "b:25", .login = "plain"}, "user", "missing"},
    {{.name = "a", .servers = "b:25", .user = "u"}, "secret", "missing"},
    {{.name = "a", .servers = "b:25", .secret = "env:A"}, "user", "missing"},
    {{.name = "a", .servers = "b:25", .user = "\xc3\xa4", .secret = "env:A"},
     "user",
     "printable"},
    {{.name = "a", .servers = "b:25", .user = "u\n", .secret = "env:A"},
     "user",
     "printable"},
    {{.name = "a", .servers = "b:25", .user = "u", .secret = PASSWORD},
     "secret",
     "says where"},
    {{.name = "a", .servers = "b:25", .user = "u", .secret = "file:"},
     "secret",
     "says where"},
    {{.name = "a", .servers = "b:25", .user = "u", .secret = "env:1A"},
     "secret",
     "variable"},
    {{.name = "a", .servers = "b:25", .user = "u", .secret = "env:A=" PASSWORD},
     "secret",
     "variable"},
    {{.name = "a", .servers = "b:25", .user = "u", .secret = "file:/a\n"},
     "secret",
     "one line"},
    {{.name = "a", .servers = "b:25", .user = "u", .secret = "file:/\xff"},
     "secret",
     "one line"},
};

static void names_the_field_and_no_secret(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct egress_relay relay = wrong[i].relay;
        struct egress_fault fault;

        if (egress_relay_check(&relay, &fault))
            fail_msg("case %zu was taken", i);
        assert_string_equal(fault.field, wrong[i].field);
        if (!strstr(fault.error.text, wrong[i].says))
            fail_msg("case %zu says %s", i, fault.error.text);
        assert_null(strstr(fault.error.text, PASSWORD));
    }
}

static struct egress_relay with_tokens(void)
{
    return (struct egress_relay){.name = "a",
                                 .servers = "b:25",
                                 .user = "u",
                                 .token_url = "https://c.example/t",
                                 .client_id = "id",
                                 .refresh_token = "file:/r"};
}

static void a_token_url_takes_a_secrets_place(void **state)
{
    struct egress_relay relay = with_tokens();
    struct egress_fault fault;

    (void)state;
    assert_true(egress_relay_check(&relay, &fault));
    assert_string_equal(relay.tls, "required");
    assert_string_equal(relay.login, "xoauth2");
}

static void tokens_name_the_field_and_no_secret(void **state)
{
    static const struct {
        size_t at; /* the member that is another one */
        const char *text, *field, *says;
    } others[] = {
#define AT(member) offsetof(struct egress_relay, member)
        {AT(user), NULL, "user", "missing"},
        {AT(login), "plain", "login", "xoauth2 is expected"},
        {AT(login), "none", "user", "login none"},
        {AT(secret), "file:/s", "secret", "with a token_url"},
        {AT(token_url), "http://c.example", "token_url", "https:// is"},
        {AT(token_url), NULL, "client_id", "goes with a token_url"},
        {AT(client_id), NULL, "client_id", "missing"},
        {AT(client_id), "", "client_id", "missing"},
        {AT(refresh_token), NULL, "refresh_token", "missing"},
        {AT(refresh_token), PASSWORD, "refresh_token", "says where"},
        {AT(refresh_token), "env:" PASSWORD "-", "refresh_token", "says where"},
        {AT(client_secret), PASSWORD, "client_secret", "says where"},
        {AT(scope), "a\n", "scope", "printable"},
#undef AT
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct egress_relay relay = with_tokens();
        struct egress_fault fault;

        memcpy((char *)&relay + others[i].at, &others[i].text,
               sizeof others[i].text);
        if (egress_relay_check(&relay, &fault))
            fail_msg("case %zu was taken", i);
        assert_string_equal(fault.field, others[i].field);
        if (!strstr(fault.error.text, others[i].says))
            fail_msg("case %zu says %s", i, fault.error.text);
        assert_null(strstr(fault.error.text, PASSWORD));
    }
}

static void knows_what_providers_allow(void **state)
{
    (void)state;
    assert_string_equal(egress_relay_limits("gmail"),
                        "connections=10 mails_per_day=500 burst=250");
    assert_string_equal(
        egress_relay_limits("microsoft365"),
        "connections=3 mails_per_minute=30 mails_per_day=10000 burst=5000");
    assert_null(egress_relay_limits("brevo"));
    assert_null(egress_relay_limits("mail.example.com:25"));
}

/* A mistake in the data would be a relay without limits. */
static void each_provider_s_limits_are_well_spelled(void **state)
{
    size_t n;
    const struct server_preset *presets = servers_presets(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        char text[LIMITS_TEXT_MAX];
        struct limits limits;
        struct error err;

        if (limits_parse(presets[i].limits, &limits, &err) != STATUS_OK)
            fail_msg("%s: %s", presets[i].name, err.text);
        limits_text(&limits, text);
        assert_string_equal(presets[i].limits, text);
    }
}

static void takes_what_workers_read(void **state)
{
    (void)state;
    assert_int_equal(EGRESS_RELAYS_MAX, RULES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_what_was_not_said),
        cmocka_unit_test(names_the_field_and_no_secret),
        cmocka_unit_test(a_token_url_takes_a_secrets_place),
        cmocka_unit_test(tokens_name_the_field_and_no_secret),
        cmocka_unit_test(knows_what_providers_allow),
        cmocka_unit_test(each_provider_s_limits_are_well_spelled),
        cmocka_unit_test(takes_what_workers_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
