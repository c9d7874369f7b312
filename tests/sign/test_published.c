/* Which records a domain needs, what is remembered of them, and the status
 * that follows. */
#include "sign/published.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_records(void **state)
{
    static struct published p;
    struct config config = {.return_path_domain = (char[]){""},
                            .spf_mechanisms = (char[]){""}};

    (void)state;
    published_init(&p, &config, "mail.host", "a.test");
    published_add_key(&p, "a.test", "s1", "v=DKIM1; p=A", false);
    assert_int_equal(p.n, 3);
    assert_string_equal(p.at[0].name, "s1._domainkey.a.test");
    assert_string_equal(p.at[1].name, "a.test");
    assert_string_equal(p.at[1].value, "v=spf1 a:mail.host ~all");
    assert_string_equal(p.at[2].name, "_dmarc.a.test");
    config.return_path_domain = (char[]){"b.test"};
    config.spf_mechanisms = (char[]){"ip4:192.0.2.1"};
    published_init(&p, &config, "mail.host", "a.test");
    assert_int_equal(p.n, 3);
    assert_string_equal(p.at[0].name, "b.test");
    assert_string_equal(p.at[0].value, "v=spf1 ip4:192.0.2.1 ~all");
    assert_int_equal(p.at[1].kind, RECORD_MX);
    assert_string_equal(p.at[1].value, "mail.host");
    for (int i = 0; i < 2 * PUBLISHED_MAX; i++)
        published_add_key(&p, "a.test", "s", "v=DKIM1; p=A", false);
    assert_int_equal(p.n, PUBLISHED_MAX);
}

static const struct {
    const char *states; /* v, f, u, n: DKIM, SPF, DMARC */
    const char *status;
} statuses[] = {
    {"nnn", "not_started"},
    {"vvv", "verified"},
    {"fff", "failed"},
    {"vff", "partially_verified"},
    {"vvn", "partially_verified"},
    {"uuu", "pending"},
    {"vvu", "pending"},
    {"fnn", "failed"},
};

static void test_status(void **state)
{
    static struct published p;
    struct config config = {.return_path_domain = (char[]){""},
                            .spf_mechanisms = (char[]){""}};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        published_init(&p, &config, "mail.host", "a.test");
        published_add_key(&p, "a.test", "s1", "v=DKIM1; p=A", false);
        for (size_t k = 0; k < 3; k++)
            p.at[k].finding.state = (enum record_state)(
                strchr("nvfu", statuses[i].states[k]) - "nvfu");
        /* The next key need not be there yet. */
        published_add_key(&p, "a.test", "s2", "v=DKIM1; p=B", true);
        assert_string_equal(published_status(&p), statuses[i].status);
    }
    published_init(&p, &config, "mail.host", "a.test");
    p.at[0].finding.state = p.at[1].finding.state = RECORD_VERIFIED;
    assert_string_equal(published_status(&p), "partially_verified");
}

static void test_recall(void **state)
{
    static struct published p, again;
    struct config config = {.return_path_domain = (char[]){""},
                            .spf_mechanisms = (char[]){""}};
    struct buf json = {0}, second = {0};

    (void)state;
    published_init(&p, &config, "mail.host", "a.test");
    published_add_key(&p, "a.test", "s1", "v=DKIM1; p=A", false);
    p.at[0].finding = (struct record_finding){RECORD_FAILED, "p=\"B\\\nx",
                                              "it is another key"};
    p.at[1].finding.state = RECORD_VERIFIED;
    published_write(&p, &json);
    published_init(&again, &config, "mail.host", "a.test");
    published_add_key(&again, "a.test", "s1", "v=DKIM1; p=A", false);
    published_recall(&again, json.data, json.len);
    published_write(&again, &second);
    assert_string_equal(second.data, json.data);
    /* Another value is another record. */
    published_init(&again, &config, "other.host", "a.test");
    published_recall(&again, json.data, json.len);
    assert_int_equal(again.at[0].finding.state, RECORD_NOT_STARTED);
    published_recall(&again, "{", 1);
    buf_fini(&json);
    buf_fini(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_recall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
