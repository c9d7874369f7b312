#include "mail/address.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define SIXTY_THREE SIXTY "klm"

struct mailbox {
    const char *text, *name, *spec, *error;
};

static const struct mailbox mailboxes[] = {
    {"jo@example.com", "", "jo@example.com", NULL},
    {" jo@example.com\t", "", "jo@example.com", NULL},
    {"<jo@example.com>", "", "jo@example.com", NULL},
    {"< jo@example.com >", "", "jo@example.com", NULL},
    {"Jo Doe <jo@example.com>", "Jo Doe", "jo@example.com", NULL},
    {"Jo   Q. Doe<jo@example.com>", "Jo Q. Doe", "jo@example.com", NULL},
    {"\"Doe, Jo\" <jo@example.com>", "Doe, Jo", "jo@example.com", NULL},
    {"\"Jo \\\"J\\\\\" <jo@example.com>", "Jo \"J\\", "jo@example.com", NULL},
    {"\"\" <jo@example.com>", "", "jo@example.com", NULL},
    {"\"a\tb\" <jo@example.com>", "a b", "jo@example.com", NULL},
    {"\"<x@y>\" <jo@example.com>", "<x@y>", "jo@example.com", NULL},
    {"(<) Jo (a (b\\)) c) D <jo@example.com> (x)", "Jo D", "jo@example.com",
     NULL},
    {"J\xc3\xb6 <j\xc3\xb6@\xc3\xb6.example>", "J\xc3\xb6",
     "j\xc3\xb6@\xc3\xb6.example", NULL},
    {"=?utf-8?q?J=C3=B6?= <jo@example.com>", "J\xc3\xb6", "jo@example.com",
     NULL},
    {"\"=?utf-8?q?J=C3=B6?=\" <jo@example.com>",
     "=?utf-8?q?J=C3=B6?=", "jo@example.com", NULL},
    {"/G=Jo/S=Doe/O=Org/ADMD=x/C=gb/@gateway.example", "",
     "/G=Jo/S=Doe/O=Org/ADMD=x/C=gb/@gateway.example", NULL},
    {"Jo Doe </C=no/ADMD=x/PRMD=uninett/O=sintef/S=Doe/G=Jo/@x400.example>",
     "Jo Doe", "/C=no/ADMD=x/PRMD=uninett/O=sintef/S=Doe/G=Jo/@x400.example",
     NULL},
    {"\"/C=no/ADMD= /PRMD=uninett/S=Doe/\"@x400.example", "",
     "\"/C=no/ADMD= /PRMD=uninett/S=Doe/\"@x400.example", NULL},
    {"jo@[IPv6:1:2:3:4:5:6::]", "", "jo@[IPv6:1:2:3:4:5:6::]", NULL},
    {"jo@[IPv6:1:2:3:4::192.0.2.1]", "", "jo@[IPv6:1:2:3:4::192.0.2.1]", NULL},
    {"jo@[IPv6:1:2:3:4:5:6:7::]", NULL, NULL,
     "character 5: [...] takes an IPv4 address, or IPv6: and an IPv6 address"},
    {"jo@[IPv6:1:2:3:4:5::192.0.2.1]", NULL, NULL,
     "character 5: [...] takes an IPv4 address, or IPv6: and an IPv6 address"},
    {"\"a b\"@example.com", "", "\"a b\"@example.com", NULL},
    {"\"<\"@example.com", "", "\"<\"@example.com", NULL},
    {"\"a@b\"@example.com", "", "\"a@b\"@example.com", NULL},
    {"jo@[192.0.2.1]", "", "jo@[192.0.2.1]", NULL},
    {"jo@[IPv6:2001:db8::1]", "", "jo@[IPv6:2001:db8::1]", NULL},
    {SIXTY SIXTY "1234@example.com", "", SIXTY SIXTY "1234@example.com", NULL},
    {"jo@" SIXTY_THREE ".com", "", "jo@" SIXTY_THREE ".com", NULL},
    {"", NULL, NULL, "the address is empty"},
    {"   ", NULL, NULL, "character 4: the local part ends too early"},
    {"jo", NULL, NULL, "character 3: an @ is missing"},
    {"Jo <jo>", NULL, NULL, "character 7: an @ is missing"},
    {"J\xc3\xb6 <jo>", NULL, NULL, "character 7: an @ is missing"},
    {"jo@", NULL, NULL, "character 4: the domain ends too early"},
    {"<jo@>", NULL, NULL, "character 5: the domain ends too early"},
    {"@example.com", NULL, NULL, "character 1: nothing before the @"},
    {".jo@example.com", NULL, NULL,
     "character 1: a dot needs text on both sides"},
    {"jo.@example.com", NULL, NULL,
     "character 4: a dot needs text on both sides"},
    {"j..o@example.com", NULL, NULL,
     "character 3: a dot needs text on both sides"},
    {"jo@example..com", NULL, NULL,
     "character 12: a dot needs text on both sides"},
    {"jo@example.com.", NULL, NULL, "character 16: the domain ends too early"},
    {"jo@-example.com", NULL, NULL,
     "character 4: a part of the domain begins or ends with -"},
    {"jo@example-.com", NULL, NULL,
     "character 4: a part of the domain begins or ends with -"},
    {"jo@exa_mple.com", NULL, NULL,
     "character 7: '_' is not allowed in the domain"},
    {"jo@example.com, al@example.com", NULL, NULL,
     "character 15: ',' is not allowed in the domain"},
    {"jo doe@example.com", NULL, NULL,
     "character 3: ' ' is not allowed in the local part"},
    {"Doe, Jo <jo@example.com>", NULL, NULL,
     "character 4: ',' is not allowed in a name without quotation marks"},
    {"<jo@example.com", NULL, NULL, "character 16: a > is missing"},
    {"<jo@example.com> x", NULL, NULL,
     "character 18: text behind the >; one address only"},
    {"(jo@example.com", NULL, NULL, "character 1: a comment is not closed"},
    {"\"jo@example.com", NULL, NULL,
     "character 1: a quotation mark is not closed"},
    {"\"j\\\xc3\xb6\"@example.com", NULL, NULL,
     "character 4: '\xc3\xb6' is not allowed in a quoted pair"},
    {"\"j\to\"@example.com", NULL, NULL,
     "character 3: '\t' is not allowed in a quoted local part"},
    {"jo@[192.0.2.1", NULL, NULL,
     "character 4: a square bracket is not closed"},
    {"jo@[192.0.2.256]", NULL, NULL,
     "character 5: [...] takes an IPv4 address, or IPv6: and an IPv6 address"},
    {"jo@example.com\r\nBcc: x", NULL, NULL,
     "character 15: line breaks are not allowed"},
    {"\"a\nb\" <jo@example.com>", NULL, NULL,
     "character 3: line breaks are not allowed"},
    {"j\x01o@example.com", NULL, NULL,
     "character 2: control characters are not allowed"},
    {"j\xc2\x85o@example.com", NULL, NULL,
     "character 2: control characters are not allowed"},
    {"j\xffo@example.com", NULL, NULL, "character 2: not valid UTF-8"},
    {"jo@" SIXTY_THREE "n.com", NULL, NULL,
     "character 4: a part of the domain has more than 63 bytes"},
    {"jo@" SIXTY_THREE "." SIXTY_THREE "." SIXTY_THREE "." SIXTY_THREE, NULL,
     NULL, "character 1: the address has more than 254 bytes"},
    {"jo@a" SIXTY_THREE "." SIXTY_THREE "." SIXTY_THREE "." SIXTY_THREE, NULL,
     NULL, "character 4: a part of the domain has more than 63 bytes"},
    {"jo@a." SIXTY_THREE "." SIXTY_THREE "." SIXTY_THREE "." SIXTY_THREE, NULL,
     NULL, "character 4: the domain has more than 255 bytes"},
};

static void check(const struct mailbox *m, enum status st,
                  const struct address *got, const struct error *err)
{
    if (m->error) {
        assert_int_equal(st, STATUS_INVALID);
        assert_string_equal(err->text, m->error);
        return;
    }
    if (st != STATUS_OK)
        fail_msg("%s: %s", m->text, err->text);
    assert_string_equal(got->name, m->name);
    assert_string_equal(got->spec, m->spec);
    assert_int_equal(got->spec_len, strlen(m->spec));
    assert_ptr_equal(got->domain, strrchr(got->spec, '@') + 1);
}

static void mailbox_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mailboxes / sizeof *mailboxes; i++) {
        size_t len = strlen(mailboxes[i].text);
        /* A copy without a NUL: reading past len is caught by ASan. */
        char *text = memcpy(malloc(len + !len), mailboxes[i].text, len);
        struct error err = {0};
        struct address got;
        enum status st = address_parse(text, len, &got, &err);

        free(text);
        check(&mailboxes[i], st, &got, &err);
    }
}

static void bare_spec_takes_nothing_else(void **state)
{
    static const struct mailbox specs[] = {
        {"Jo@Example.com", "", "Jo@Example.com", NULL},
        {"", NULL, NULL, "the address is empty"},
        {"<jo@example.com>", NULL, NULL,
         "character 1: '<' is not allowed in the local part"},
        {" jo@example.com", NULL, NULL,
         "character 1: ' ' is not allowed in the local part"},
        {"jo@example.com ", NULL, NULL,
         "character 15: ' ' is not allowed in the domain"},
        {"jo@example.com(x)", NULL, NULL,
         "character 15: '(' is not allowed in the domain"},
        {"jo@[192.0.2.1]x", NULL, NULL,
         "character 15: 'x' is not allowed in the domain"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        struct error err = {0};
        struct address got;
        enum status st = address_parse_spec(specs[i].text,
                                            strlen(specs[i].text), &got, &err);

        check(&specs[i], st, &got, &err);
    }
}

/* Any cut of a valid mailbox is read within its length, and a refusal says
 * why. */
static void cut_at_every_byte(void **state)
{
    const char *whole =
        "(c) \"D, \\\"J\\\"\" J\xc3\xb6 <\"a b\"@[IPv6:::1]> (x)";

    (void)state;
    for (size_t len = 0; len < strlen(whole); len++) {
        char *text = memcpy(malloc(len + 1), whole, len);
        struct error err = {0};
        struct address got;

        text = realloc(text, len + !len);
        if (address_parse(text, len, &got, &err) != STATUS_OK)
            assert_true(strlen(err.text) > 0);
        else
            assert_true(strchr(whole, '>') < whole + len);
        free(text);
    }
}

static void names_have_a_limit(void **state)
{
    char text[ADDRESS_NAME_MAX + 16];
    struct address got;
    struct error err;

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text + ADDRESS_NAME_MAX - 1, "<a@b>", 5);
    assert_int_equal(address_parse(text, ADDRESS_NAME_MAX + 4, &got, &err),
                     STATUS_OK);
    assert_int_equal(strlen(got.name), ADDRESS_NAME_MAX - 1);
    memcpy(text + ADDRESS_NAME_MAX - 1, "x<a@b>", 6);
    assert_int_equal(address_parse(text, ADDRESS_NAME_MAX + 5, &got, &err),
                     STATUS_INVALID);
    assert_string_equal(err.text,
                        "character 1: the name has more than 255 bytes");
}

static void folding_is_ascii_only(void **state)
{
    char out[ADDRESS_MAX], big[ADDRESS_MAX + 9];

    (void)state;
    assert_int_equal(address_fold("J\xc3\x96@A.Z[", 8, out), 8);
    assert_string_equal(out, "j\xc3\x96@a.z[");
    memset(big, 'A', sizeof big);
    assert_int_equal(address_fold(big, sizeof big, out), ADDRESS_MAX - 1);
    assert_int_equal(out[ADDRESS_MAX - 1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mailbox_table),
        cmocka_unit_test(bare_spec_takes_nothing_else),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(names_have_a_limit),
        cmocka_unit_test(folding_is_ascii_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
