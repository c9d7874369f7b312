/* What is asked of a token endpoint, and which endpoints may be asked. */
#include "oauth/request.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NO_URL                                                                 \
    "https://HOST[:PORT]/PATH is expected, or http:// for this machine itself"
#define NO_HTTP "http:// is for this machine itself; https:// is expected"

static const struct {
    const char *url, *host, *port, *why; /* "": good */
    bool is_address;
} urls[] = {
    {"https://oauth2.googleapis.com/token", "oauth2.googleapis.com", "443", "",
     false},
    {"HTTPS://a-b.example:8443/t?x=%20&y", "a-b.example", "8443", "", false},
    {"https://a.example", "a.example", "443", "", false},
    {"https://a.example?x", "a.example", "443", "", false},
    {"https://192.0.2.1/t", "192.0.2.1", "443", "", true},
    {"https://[2001:db8::1]:444/t", "2001:db8::1", "444", "", true},
    {"http://127.0.0.1:1/t", "127.0.0.1", "1", "", true},
    {"http://127.8.9.1/t", "127.8.9.1", "80", "", true},
    {"http://[::1]/t", "::1", "80", "", true},
    {"http://LocalHost:65535/t", "LocalHost", "65535", "", true},
    {"http://a.example/t", "", "", NO_HTTP, false},
    {"http://localhost.example/t", "", "", NO_HTTP, false},
    {"http://127.0.0.1.example/t", "", "", NO_HTTP, false},
    {"http://128.0.0.1/t", "", "", NO_HTTP, false},
    {"http://0.0.0.0/t", "", "", NO_HTTP, false},
    {"http://[::2]/t", "", "", NO_HTTP, false},
    {"http://[::ffff:127.0.0.1]/t", "", "", NO_HTTP, false},
    {"http://127.0.0.1@a.example/t", "", "", NO_URL, false},
    {"https://user:word@a.example/t", "", "", NO_URL, false},
    {"https://a.example/t#f", "", "", NO_URL, false},
    {"https://a.example\\@b/t", "", "", NO_URL, false},
    {"https://a.example/t t", "", "", NO_URL, false},
    {"https://a.example/\n", "", "", NO_URL, false},
    {"https://a.example:0/t", "", "", NO_URL, false},
    {"https://a.example:65536/t", "", "", NO_URL, false},
    {"https://a.example:/t", "", "", NO_URL, false},
    {"https://a.example:+1/t", "", "", NO_URL, false},
    {"https://a.example:1x/t", "", "", NO_URL, false},
    {"https://a.example:000443/t", "", "", NO_URL, false},
    {"https://[::1/t", "", "", NO_URL, false},
    {"https://[a.example]/t", "", "", NO_URL, false},
    {"https://[::1]x/t", "", "", NO_URL, false},
    {"https://a_b.example/t", "", "", NO_URL, false},
    {"https:///t", "", "", NO_URL, false},
    {"https://", "", "", NO_URL, false},
    {"https:/a.example", "", "", NO_URL, false},
    {"ftp://a.example/t", "", "", NO_URL, false},
    {"", "", "", NO_URL, false},
};

static void an_endpoint_is_https_or_this_machine(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct oauth_url out;
        struct error err = {""};
        enum status status = oauth_url_parse(urls[i].url, &out, &err);

        assert_string_equal(err.text, urls[i].why);
        assert_int_equal(status == STATUS_OK, !urls[i].why[0]);
        if (status != STATUS_OK)
            continue;
        assert_string_equal(out.host, urls[i].host);
        assert_string_equal(out.port, urls[i].port);
        assert_int_equal(out.is_address, urls[i].is_address);
    }
}

static void a_long_url_or_host_is_refused(void **state)
{
    char url[OAUTH_URL_MAX + 1] = "https://";
    struct oauth_url out;
    struct error err;

    (void)state;
    memset(url + 8, 'a', OAUTH_HOST_MAX - 1);
    assert_int_equal(oauth_url_parse(url, &out, &err), STATUS_OK);
    url[8 + OAUTH_HOST_MAX - 1] = 'a';
    assert_int_equal(oauth_url_parse(url, &out, &err), STATUS_INVALID);
    url[9] = '/';
    memset(url + 10, 'a', sizeof url - 11);
    assert_int_equal(oauth_url_parse(url, &out, &err), STATUS_INVALID);
    url[OAUTH_URL_MAX - 1] = 0;
    assert_int_equal(oauth_url_parse(url, &out, &err), STATUS_OK);
}

#define URL "https://a.example/t"

#define PLACE "it says where the secret is: file:/PATH or env:NAME"
#define ASCII "printable ASCII is expected"

static const struct {
    struct oauth_settings settings;
    const char *field, *why;
} settings[] = {
    {{URL, "id", "file:/a", "env:B_1", "x y"}, "scope", ""},
    {{URL, "id", "", "file:/b", ""}, "scope", ""},
    {{"http://a.example", "id", "", "file:/b", ""}, "token_url", NO_HTTP},
    {{URL, "", "", "file:/b", ""}, "client_id", "it is missing"},
    {{URL, "i\td", "", "file:/b", ""}, "client_id", ASCII},
    {{URL, "id", "hunter2", "file:/b", ""}, "client_secret", PLACE},
    {{URL, "id", "command:x", "file:/b", ""}, "client_secret", PLACE},
    {{URL, "id", "", "", ""}, "refresh_token", PLACE},
    {{URL, "id", "", "file:b", ""}, "refresh_token", PLACE},
    {{URL, "id", "", "env:", ""}, "refresh_token", PLACE},
    {{URL, "id", "", "env:A=hunter2", ""}, "refresh_token", PLACE},
    {{URL, "id", "", "file:/b\n", ""}, "refresh_token", ASCII},
    {{URL, "id", "", "file:/b", "\x7f"}, "scope", ASCII},
};

static void settings_name_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct error err = {""};
        const char *field = "";
        enum status status =
            oauth_settings_check(&settings[i].settings, &field, &err);

        assert_string_equal(field, settings[i].field);
        assert_string_equal(err.text, settings[i].why);
        assert_int_equal(status == STATUS_OK, !settings[i].why[0]);
    }
}

static void the_form_is_escaped(void **state)
{
    const struct oauth_settings all = {URL, "i&d", "-", "-", "a b"};
    const struct oauth_settings few = {URL, "id", "", "-", ""};
    struct buf form = {0};

    (void)state;
    oauth_form(&all, "100%=\xc3\xa9", "1//a+b", &form);
    assert_string_equal(form.data,
                        "grant_type=refresh_token&refresh_token=1%2F%2Fa%2Bb&"
                        "client_id=i%26d&client_secret=100%25%3D%C3%A9&"
                        "scope=a%20b");
    buf_reset(&form);
    oauth_form(&few, "", "az-AZ._~09", &form);
    assert_string_equal(form.data, "grant_type=refresh_token&"
                                   "refresh_token=az-AZ._~09&client_id=id");
    buf_fini(&form);
}

static void what_is_kept_is_a_copy(void **state)
{
    char id[] = "id";
    struct oauth_settings s = {URL, id, "file:/a", "file:/b", "c"};
    struct oauth_kept kept = {0};

    (void)state;
    oauth_keep(&kept, &s);
    assert_true(oauth_settings_same(&kept.settings, &s));
    id[0] = 'x';
    assert_false(oauth_settings_same(&kept.settings, &s));
    oauth_keep(&kept, &s);
    assert_true(oauth_settings_same(&kept.settings, &s));
    s.scope = "d";
    assert_false(oauth_settings_same(&kept.settings, &s));
    oauth_kept_fini(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_is_https_or_this_machine),
        cmocka_unit_test(a_long_url_or_host_is_refused),
        cmocka_unit_test(settings_name_what_is_wrong),
        cmocka_unit_test(the_form_is_escaped),
        cmocka_unit_test(what_is_kept_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
