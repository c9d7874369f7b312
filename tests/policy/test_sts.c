/* MTA-STS: the record, the policy, and which hosts it allows. */
#include "dns/rdata.h"
#include "policy/sts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *records[3], *id; /* NULL: none */
} ids[] = {
    {{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
    {{"v=STSv1;id=1"}, "1"},
    {{"v=STSv1 ; ext=x ; id=abc "}, "abc"},
    {{"other", "v=STSv1; id=7;", "v=spf1 -all"}, "7"},
    {{"v=STSv1; id=12345678901234567890123456789012"},
     "12345678901234567890123456789012"},
    {{"v=STSv1; id=123456789012345678901234567890123"}, NULL},
    {{"v=STSv1; id=1;", "v=STSv1; id=2;"}, NULL},
    {{"v=STSv1; id=;"}, NULL},
    {{"v=STSv1; id=a-b;"}, NULL},
    {{"v=STSv1; uid=1;"}, NULL},
    {{"v=STSv1"}, NULL},
    {{"v=STSv10; id=1"}, NULL},
    {{"V=STSv1; id=1"}, NULL},
    {{"id=1; v=STSv1"}, NULL},
    {{""}, NULL},
    {{NULL}, NULL},
};

static void the_record_has_an_id_or_is_none(void **state)
{
    static struct rdata data[3];

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        for (size_t each = 1; each <= RDATA_STRING_MAX; each += 7) {
            struct dns_answer answer = {.outcome = DNS_FOUND};
            char id[STS_ID_MAX] = "";

            for (size_t k = 0; k < 3 && ids[i].records[k]; k++)
                answer.records[answer.n++] =
                    rdata_txt(&data[k], ids[i].records[k], each);
            assert_int_equal(sts_id(&answer, id), ids[i].id != NULL);
            if (ids[i].id)
                assert_string_equal(id, ids[i].id);
        }
}

#define HEAD "version: STSv1\nmode: enforce\nmax_age: 86400\n"

static const struct {
    const char *text, *why; /* "": good */
    enum sts_mode mode;
    int64_t age;
    const char *mx;
} policies[] = {
    {HEAD "mx: Mail.Example.com\nmx: *.example.net\n", "", STS_ENFORCE, 86400,
     "mail.example.com\n*.example.net\n"},
    {"version:STSv1\r\nmode:testing\r\nmx:a.b\r\nmax_age:0\r\n\r\n", "",
     STS_TESTING, 0, "a.b\n"},
    {"mx: a.b.\nmax_age: 9999999999\nmode: enforce \nversion: STSv1", "",
     STS_ENFORCE, STS_AGE_MOST, "a.b\n"},
    {"version: STSv1\nmode: none\nmax_age: 1\n", "", STS_NONE, 1, ""},
    {HEAD "mode: none\nmax_age: 1\nx: y\nmx: a.b\n", "", STS_ENFORCE, 86400,
     "a.b\n"},
    {"", "no version", STS_NONE, 0, ""},
    {HEAD, "no mx", STS_NONE, 0, ""},
    {"version: STSv1\nmx: a.b\nmax_age: 1\n", "no mode", STS_NONE, 0, ""},
    {"version: STSv1\nmx: a.b\nmode: enforce\n", "no max_age", STS_NONE, 0, ""},
    {"version: STSv2\n", "line 1: version is not STSv1", STS_NONE, 0, ""},
    {HEAD "mode\n", "line 4: no field", STS_NONE, 0, ""},
    {"version: STSv1\nmode: Enforce\n",
     "line 2: mode is none of enforce, testing, none", STS_NONE, 0, ""},
    {"max_age: -1\n", "line 1: max_age is no number", STS_NONE, 0, ""},
    {"max_age: 12345678901\n", "line 1: max_age is no number", STS_NONE, 0, ""},
    {"max_age: 1d\n", "line 1: max_age is no number", STS_NONE, 0, ""},
    {HEAD "mx: *.*.b\n", "line 4: mx is no host name", STS_NONE, 0, ""},
    {HEAD "mx: a..b\n", "line 4: mx is no host name", STS_NONE, 0, ""},
    {HEAD "mx: *.\n", "line 4: mx is no host name", STS_NONE, 0, ""},
    {HEAD "mx: \n", "line 4: mx is no host name", STS_NONE, 0, ""},
    {HEAD "mx: a b\n", "line 4: mx is no host name", STS_NONE, 0, ""},
    {"<html>\n", "line 1: no field", STS_NONE, 0, ""},
};

static void a_policy_is_read_or_says_why_not(void **state)
{
    static struct sts sts;

    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct error err = {""};
        const char *text = policies[i].text;
        enum status status = sts_parse(text, strlen(text), &sts, &err);

        assert_string_equal(err.text, policies[i].why);
        assert_int_equal(status == STATUS_OK, !policies[i].why[0]);
        if (status != STATUS_OK)
            continue;
        assert_int_equal(sts.mode, policies[i].mode);
        assert_int_equal(sts.max_age_seconds, policies[i].age);
        assert_string_equal(sts.mx, policies[i].mx);
    }
}

/* Cut anywhere, it is refused or says less; never more. */
static void a_cut_policy_is_no_other_one(void **state)
{
    static const char whole[] = HEAD "mx: a.example\n";
    static struct sts sts;
    struct error err;

    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++)
        if (sts_parse(whole, len, &sts, &err) == STATUS_OK)
            assert_true(len > sizeof HEAD + sizeof "mx:" - 1);
}

static void too_much_is_refused(void **state)
{
    static char text[STS_BODY_MAX + 2];
    static struct sts sts;
    struct error err;
    size_t n = sizeof HEAD - 1;

    (void)state;
    memcpy(text, HEAD, n);
    for (size_t i = 0; i < STS_MX_MAX + 1; i++, n += 8)
        memcpy(text + n, "mx: a.b\n", 8);
    assert_int_equal(sts_parse(text, n, &sts, &err), STATUS_TOO_BIG);
    assert_string_equal(err.text, "line 68: too many mx");
    assert_int_equal(sts_parse(text, n - 8, &sts, &err), STATUS_OK);
    memset(text, '\n', sizeof text);
    assert_int_equal(sts_parse(text, STS_BODY_MAX + 1, &sts, &err),
                     STATUS_TOO_BIG);
    assert_int_equal(sts_parse("mx: a\0b\n", 8, &sts, &err), STATUS_INVALID);
}

static const struct {
    const char *mx, *host;
    bool allowed;
} hosts[] = {
    {"mx1.example\n", "mx1.example", true},
    {"a.example\nmx1.example\n", "mx1.example", true},
    {"mx1.example\n", "mx11.example", false},
    {"mx11.example\n", "mx1.example", false},
    {"*.example\n", "mx1.example", true},
    {"*.example\n", "a.mx1.example", false}, /* one label: RFC 8461, 4.1 */
    {"*.example\n", "example", false},
    {"*.example\n", ".example", false},
    {"*.example\n", "xexample", false},
    {"", "mx1.example", false},
    {"mx1.example\n", "", false},
};

static void a_host_is_allowed_by_name_or_star(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_int_equal(sts_allows(hosts[i].mx, hosts[i].host),
                         hosts[i].allowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_record_has_an_id_or_is_none),
        cmocka_unit_test(a_policy_is_read_or_says_why_not),
        cmocka_unit_test(a_cut_policy_is_no_other_one),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(a_host_is_allowed_by_name_or_star),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
