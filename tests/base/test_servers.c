#include "base/servers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void reads_what_is_written(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned port, weight;
        bool tls;
    } good[] = {
        {"mail.example.com:25", "mail.example.com", 25, 1, false},
        {"[::1]:2525", "::1", 2525, 1, false},
        {"smtp://mail.example.com", "mail.example.com", 25, 1, false},
        {"submission://mail.example.com", "mail.example.com", 587, 1, false},
        {"smtps://mail.example.com", "mail.example.com", 465, 1, true},
        {"smtps://mail.example.com:1465", "mail.example.com", 1465, 1, true},
        {"smtp://[::1]", "::1", 25, 1, false},
        {"smtp://[::1]:26*7", "::1", 26, 7, false},
        {"mail.example.com:25*1000", "mail.example.com", 25, 1000, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct server_address out[SERVERS_MAX];
        struct error err;
        size_t n = 0;

        assert_int_equal(servers_parse(good[i].text, out, &n, &err), STATUS_OK);
        assert_int_equal(n, 1);
        assert_string_equal(out[0].at.host, good[i].host);
        assert_int_equal(out[0].at.port, good[i].port);
        assert_int_equal(out[0].weight, good[i].weight);
        assert_int_equal(out[0].implicit_tls, good[i].tls);
    }
}

static void reads_lists(void **state)
{
    struct server_address out[SERVERS_MAX];
    struct error err;
    size_t n;
    char many[SERVERS_MAX * 5 + 5] = "";

    (void)state;
    assert_int_equal(servers_parse(" a:1 , smtps://b*3,\tc:2", out, &n, &err),
                     STATUS_OK);
    assert_int_equal(n, 3);
    assert_string_equal(out[1].at.host, "b");
    assert_int_equal(out[1].weight, 3);
    assert_false(out[2].implicit_tls);
    for (int i = 0; i < SERVERS_MAX; i++)
        memcpy(many + i * 4, "a:1,", 4);
    assert_int_equal(servers_parse(many, out, &n, &err), STATUS_INVALID);
    many[SERVERS_MAX * 4 - 1] = 0;
    assert_int_equal(servers_parse(many, out, &n, &err), STATUS_OK);
    assert_int_equal(n, SERVERS_MAX);
}

static void refuses_the_rest(void **state)
{
    static const char *const bad[] = {
        "",         ",",         "a:1,",    "a",         "a:1,,b:2",
        "smtp://",  "a:1*0",     "a:1*",    "a:1*1001",  "a:1*x",
        "http://a", "smtp://:1", "a:70000", "smtps://*3"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct server_address out[SERVERS_MAX];
        struct error err = {0};
        size_t n;

        if (servers_parse(bad[i], out, &n, &err) == STATUS_OK)
            fail_msg("taken: %s", bad[i]);
        assert_true(strlen(err.text) > 0);
    }
}

/* Each service of the list is one that can be used. */
static void knows_services_by_name(void **state)
{
    size_t n_presets, n;
    const struct server_preset *presets = servers_presets(&n_presets);
    struct server_address out[SERVERS_MAX];
    struct error err;

    (void)state;
    assert_true(n_presets > 10);
    for (size_t i = 0; i < n_presets; i++) {
        assert_int_equal(servers_parse(presets[i].name, out, &n, &err),
                         STATUS_OK);
        for (size_t k = 0; k < n; k++)
            assert_true(out[k].at.port == (out[k].implicit_tls ? 465 : 587));
    }
    assert_int_equal(servers_parse("gmail", out, &n, &err), STATUS_OK);
    assert_int_equal(n, 2);
    assert_string_equal(out[0].at.host, "smtp.gmail.com");
    assert_int_equal(servers_parse("gmail,a:1", out, &n, &err), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_written),
        cmocka_unit_test(reads_lists),
        cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(knows_services_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
