#include "smtp/echo.h"
#include "smtp/auth.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* secret "correct horse": base64 Y29ycmVjdCBob3JzZQ== by itself; behind one and
 * two bytes, _jb3JyZWN0IGhvcnNl and __Nvcg... */
static const struct {
    const char *text, *secret, *shown;
} cases[] = {
    {"5.7.8 no", "correct horse", "5.7.8 no"},
    {"5.7.8 no", "", "5.7.8 no"},
    {"", "correct horse", ""},
    {"5.7.8 correct horse is wrong", "correct horse", "5.7.8 "},
    {"5.7.8 (CORRECT HORSE)", "correct horse", "5.7.8 "},
    {"5.7.8 correct hors", "correct horse", "5.7.8 "},
    {"5.7.8 corre...", "correct horse", "5.7.8 corre..."},
    {"5.7.8 correc\nt horse", "correct horse", "5.7.8 "},
    {"no Y29ycmVj\ndCBob3JzZQ==", "correct horse", "no "},
    {"no AGNvcnJlY3Q", "correct horse", "no "},
    {"no Y29ycmVjdCBob3JzZQ==", "correct horse", "no "},
    {"no AGNvcnJlY3QgaG9yc2U= so", "correct horse", "no "},
    {"no xxxxjb3JyZWN0IGhvcnNl", "correct horse", "no "},
    /* PLAIN of "jo" and "pw", of which a part is no long word. */
    {"no \"AGpvAHB3\"", "jo", "no \"AGpvAHB3\""},
    {"no AGpvAHBhc3N3 so", "passw", "no "},
    {"no agpvahbhc3n3 so", "passw", "no "},
    /* Long words of base64, whatever they are. */
    {"no abcdefghijklmnopq7st so", "x1", "no "},
    {"no abcdefghijklmnopqrs so", "x1", "no abcdefghijklmnopqrs so"},
    {"no abcdefghijklmnopqrstuvwxyz0 so", "x1", "no "},
    {"5.7.57 SmtpClientAuthentication is disabled", "x1",
     "5.7.57 SmtpClientAuthentication is disabled"},
    {"see https://support.example/mail/?p=BadCredentials a-1 - gsmtp", "x1",
     "see https://support.example/mail/?p=BadCredentials a-1 - gsmtp"},
};

static void shows_no_secret(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = smtp_echo_login(cases[i].text, strlen(cases[i].text),
                                   cases[i].secret, strlen(cases[i].secret));

        if (n != strlen(cases[i].shown) ||
            strncmp(cases[i].text, cases[i].shown, n) != 0)
            fail_msg("%s: %.*s", cases[i].text, (int)n, cases[i].text);
    }
}

/* Each mechanism's line, given back by a server. */
static void shows_no_line(void **state)
{
    static const unsigned mechs[] = {SMTP_MECH_PLAIN, SMTP_MECH_LOGIN,
                                     SMTP_MECH_XOAUTH2};

    (void)state;
    for (size_t i = 0; i < sizeof mechs / sizeof *mechs; i++) {
        const struct smtp_login login = {
            .mechs = mechs[i], .user = "jo", .secret = "pw"};
        struct smtp_auth *a = smtp_auth_new(&login);
        char text[200];
        size_t len;

        assert_int_equal(smtp_auth_begin(a, mechs[i], true), SMTP_AUTH_SAY);
        for (int ask = 0; mechs[i] == SMTP_MECH_LOGIN && ask < 2; ask++)
            assert_int_equal(smtp_auth_hear(a, 334, "?"), SMTP_AUTH_SAY);
        const char *line = smtp_auth_line(a, &len);
        const char *word = memrchr(line, ' ', len);

        word = word ? word + 1 : line;
        snprintf(text, sizeof text, "5.7.8 not %.*s, sorry",
                 (int)(line + len - 2 - word), word);
        assert_int_equal(smtp_auth_hide(a, text), strlen("5.7.8 not "));
        assert_string_equal(text, "5.7.8 not ");
        snprintf(text, sizeof text, "5.7.8 not pw");
        smtp_auth_hide(a, text);
        assert_string_equal(text, "5.7.8 not ");
        smtp_auth_free(a);
    }
}

/* That is for people, who otherwise would not learn what is wrong. */
static void shows_the_mechanisms_name(void **state)
{
    static const char refusal[] = "5.7.8 no login without TLS";
    const struct smtp_login login = {
        .mechs = SMTP_MECH_LOGIN, .user = "jo", .secret = "pw"};
    struct smtp_auth *a = smtp_auth_new(&login);
    char text[] = "5.7.8 no login without TLS";

    (void)state;
    assert_int_equal(smtp_auth_begin(a, SMTP_MECH_LOGIN, true), SMTP_AUTH_SAY);
    assert_int_equal(smtp_auth_hide(a, text), strlen(refusal));
    assert_string_equal(text, refusal);
    smtp_auth_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_no_secret),
        cmocka_unit_test(shows_no_line),
        cmocka_unit_test(shows_the_mechanisms_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
