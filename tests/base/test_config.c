#include "base/config.h"
#include "base/net.h"
#include "base/quantity.h"
#include "base/nearest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static char path[64];
static int file = -1;

/* A file that lives in memory; its path is the same in every test. */
static enum status load(const char *text, size_t len, struct config *config,
                        struct error *err)
{
    if (file < 0) {
        file = memfd_create("conf", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(pwrite(file, text, len, 0), (ssize_t)len);
    return config_load(config, path, err);
}

static const struct setting *setting(const char *name)
{
    size_t n;
    const struct setting *s = config_settings(&n);

    for (size_t i = 0; i < n; i++)
        if (!strcmp(s[i].name, name))
            return &s[i];
    fail_msg("no setting %s", name);
    return s;
}

static void defaults_are_all_valid(void **state)
{
    struct config config;
    struct error err = {""};

    (void)state;
    assert_int_equal(load("", 0, &config, &err), STATUS_OK);
    assert_string_equal(config.api_listen, "127.0.0.1:8025");
    assert_int_equal(config.api_body_max_bytes, 42 << 20);
    assert_int_equal(config.expire_seconds, 72 * 3600);
    assert_int_equal(config.settle_interval_ms, 100);
    assert_int_equal(config.poll_interval_ms, 1000);
    assert_string_equal(setting("relay")->origin, "default");
    config_fini(&config);
    assert_null(config.api_listen);
}

static void differs(void **state)
{
    const char a_text[] = "relay = a:25\nworkers = 3\n",
               b_text[] = "relay = b:25\nworkers = 3\ndrain_seconds = 7s\n";
    struct config a, b;
    struct error err = {""};
    size_t n, found = 0;
    const struct setting *s = config_settings(&n);

    (void)state;
    assert_int_equal(load(a_text, strlen(a_text), &a, &err), STATUS_OK);
    assert_int_equal(load(b_text, strlen(b_text), &b, &err), STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        bool expected =
            !strcmp(s[i].name, "relay") || !strcmp(s[i].name, "drain_seconds");

        assert_int_equal(config_differs(&a, &b, i), expected);
        assert_false(config_differs(&a, &a, i));
        found += expected;
    }
    assert_int_equal(found, 2);
    config_fini(&a);
    config_fini(&b);
}

static void file_then_environment(void **state)
{
    static const char text[] = "# ours\n\n  workers = 3\nrelay = [::1]:25 # x\n"
                               "state_dir=/srv/p=q\nretry_first_seconds = 2m\n";
    struct config config;
    struct error err = {""};
    char origin[80];

    (void)state;
    setenv("PRESORT_WORKERS", "4", 1);
    setenv("DATABASE_URL", "postgres://u:hunter2@h/d", 1);
    assert_int_equal(load(text, sizeof text - 1, &config, &err), STATUS_OK);
    unsetenv("PRESORT_WORKERS");
    unsetenv("DATABASE_URL");
    assert_int_equal(config.workers, 4);
    assert_string_equal(config.relay, "[::1]:25");
    assert_string_equal(config.state_dir, "/srv/p=q");
    assert_int_equal(config.retry_first_seconds, 120);
    assert_string_equal(config.database_url, "postgres://u:hunter2@h/d");
    assert_string_equal(setting("workers")->origin, "environment");
    snprintf(origin, sizeof origin, "%s:4", path);
    assert_string_equal(setting("relay")->origin, origin);
    assert_string_equal(setting("database_url")->value, "(set)");
    config_fini(&config);
}

static void a_long_value_stays_whole(void **state)
{
    char text[4096] = "database_url = postgres://h/";
    struct config config;
    struct error err = {""};
    size_t head = strlen(text);

    (void)state;
    memset(text + head, 'd', 3000);
    memcpy(text + head + 3000, "\nworkers = 5\n", 14);
    assert_int_equal(load(text, strlen(text), &config, &err), STATUS_OK);
    assert_int_equal(strlen(config.database_url), 13 + 3000);
    assert_int_equal(config.workers, 5);
    config_fini(&config);
}

static void refusals_say_where_and_why(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"\nworkrs = 3\n", ":2: unknown setting \"workrs\", did you mean "
                           "workers?"},
        {"florp = 3\n", ":1: unknown setting \"florp\""},
        {"workers = 3\nworkers = 4\n", ":2: workers is already set at "},
        {"workers = many\n", ":1: workers = \"many\": a whole number"},
        {"workers = 257\n", ":1: workers = \"257\": 0 to 256 processes"},
        {"workers = -1\n", "a whole number is wanted"},
        {"workers =\n", "a whole number is wanted"},
        {"state_dir =\n", ":1: state_dir = \"\": it is empty"},
        {"\n\nlease_seconds = 1s\n", ":3: lease_seconds = \"1s\": 2 to 600"},
        {"lease_seconds = 2500ms\n", "whole seconds are wanted"},
        {"lease_seconds = 10 s\n", "a duration such as"},
        {"api_body_max_bytes = 9999999999g\n", "the number is too large"},
        {"api_listen = nowhere\n", ":1: api_listen = \"nowhere\": no port"},
        {"api_listen = ::1:25\n", "an IPv6 address needs brackets"},
        {"relay = x:66000\n", "no number up to 65535"},
        {"log_level = loud\n", "debug, info, warn or error is wanted"},
        {"[engine]\nworkers = 3\n", ":1: there are no sections here"},
        {"workers\n", ":1: no `name = value` here"},
        {"hostname = a\033b\n", "a control character"},
    };
    struct config config;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        err.text[0] = 0;
        assert_int_equal(
            load(cases[i].text, strlen(cases[i].text), &config, &err),
            STATUS_INVALID);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_null(config.relay);
    }
    assert_int_equal(load("a\0b", 3, &config, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, ":1: a NUL byte"));
    assert_int_equal(config_load(&config, "/nonexistent/x.conf", &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.text, "/nonexistent/x.conf: No such file"));
}

static void a_secret_is_never_in_an_error(void **state)
{
    struct config config;
    struct error err;

    (void)state;
    setenv("DATABASE_URL", "postgres://u:hunter2@h/d\001", 1);
    assert_int_equal(load("", 0, &config, &err), STATUS_INVALID);
    unsetenv("DATABASE_URL");
    assert_non_null(strstr(err.text, "database_url: a control character"));
    assert_null(strstr(err.text, "hunter2"));
}

static void misspelt_variables_are_told(void **state)
{
    struct config config;
    struct error err = {""};

    (void)state;
    setenv("PRESORT_WORKER", "3", 1);
    assert_int_equal(load("", 0, &config, &err), STATUS_INVALID);
    unsetenv("PRESORT_WORKER");
    assert_non_null(strstr(err.text, "unknown setting PRESORT_WORKER, did you "
                                     "mean PRESORT_WORKERS?"));
    setenv("PRESORT_DATABASE_URL", "x", 1);
    assert_int_equal(load("", 0, &config, &err), STATUS_INVALID);
    unsetenv("PRESORT_DATABASE_URL");
    setenv("PRESORT_SERVICE_PORT_HTTP", "x", 1);
    assert_int_equal(load("", 0, &config, &err), STATUS_OK);
    unsetenv("PRESORT_SERVICE_PORT_HTTP");
    config_fini(&config);
}

static void a_bad_reload_leaves_the_rows(void **state)
{
    struct config config;
    struct error err;

    (void)state;
    assert_int_equal(load("workers = 7\n", 12, &config, &err), STATUS_OK);
    config_fini(&config);
    assert_int_equal(load("workers = x\n", 12, &config, &err), STATUS_INVALID);
    assert_string_equal(setting("workers")->value, "7");
}

/* Cut anywhere, a file is read or refused; never half of a line believed. */
static void cut_at_every_byte(void **state)
{
    static const char text[] = "workers = 3\nlease_seconds = 30s\n"
                               "api_listen = 127.0.0.1:80\n";
    struct config config;
    struct error err;

    (void)state;
    for (size_t cut = 0; cut < sizeof text; cut++)
        if (load(text, cut, &config, &err) == STATUS_OK) {
            assert_true(config.workers == (cut < 11 ? 0 : 3));
            config_fini(&config);
        }
}

static void quantities(void **state)
{
    int64_t v;

    (void)state;
    assert_int_equal(quantity_parse(QUANTITY_BYTES, "1k", &v, NULL), STATUS_OK);
    assert_int_equal(v, 1024);
    assert_int_equal(quantity_parse(QUANTITY_SECONDS, "3d", &v, NULL), 0);
    assert_int_equal(v, 3 * 86400);
    assert_int_equal(quantity_parse(QUANTITY_SECONDS, "2000ms", &v, NULL), 0);
    assert_int_equal(v, 2);
    assert_int_equal(
        quantity_parse(QUANTITY_COUNT, "9223372036854775807", &v, NULL), 0);
    assert_true(v == INT64_MAX);
    static const char *const bad[] = {"",
                                      "s",
                                      "1x",
                                      "1kk",
                                      "+1",
                                      "0x1",
                                      " 1",
                                      "9223372036854775808",
                                      "9223372036854775807d"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(quantity_parse(QUANTITY_SECONDS, bad[i], &v, NULL),
                         STATUS_INVALID);
    assert_int_equal(quantity_parse(QUANTITY_COUNT, "1k", &v, NULL),
                     STATUS_INVALID);
}

static void addresses(void **state)
{
    static const char *const bad[] = {
        "",         ":",     "h:",   ":25",     "h",      "h:x",   "h:65536",
        "h:123456", "[::1]", "[]:1", "[::1:25", "a b:25", "::1:25"};
    struct net_address a;
    char text[NET_TEXT_MAX];

    (void)state;
    assert_int_equal(net_parse("[fe80::1%eth0]:25", &a, NULL), STATUS_OK);
    assert_string_equal(a.host, "fe80::1%eth0");
    assert_string_equal(net_text(&a, text), "[fe80::1%eth0]:25");
    assert_int_equal(net_parse("mx.example.com:65535", &a, NULL), STATUS_OK);
    assert_int_equal(a.port, 65535);
    assert_string_equal(net_text(&a, text), "mx.example.com:65535");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (net_parse(bad[i], &a, NULL) != STATUS_INVALID)
            fail_msg("%s", bad[i]);
}

static void nearest(void **state)
{
    static const char *const words[] = {"campaign", "config", "migrate", "up"};

    (void)state;
    assert_string_equal(nearest_word("campagin", words, 4), "campaign");
    assert_string_equal(nearest_word("migrat", words, 4), "migrate");
    assert_string_equal(nearest_word("ip", words, 4), "up");
    assert_null(nearest_word("send", words, 4));
    assert_null(nearest_word("", words, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_all_valid),
        cmocka_unit_test(differs),
        cmocka_unit_test(file_then_environment),
        cmocka_unit_test(a_long_value_stays_whole),
        cmocka_unit_test(refusals_say_where_and_why),
        cmocka_unit_test(a_secret_is_never_in_an_error),
        cmocka_unit_test(misspelt_variables_are_told),
        cmocka_unit_test(a_bad_reload_leaves_the_rows),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(quantities),
        cmocka_unit_test(addresses),
        cmocka_unit_test(nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
