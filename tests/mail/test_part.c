#include "mail/part.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

static void types_of_names(void **state)
{
    static const char *const cases[][2] = {
        {"a.pdf", "application/pdf"},
        {"A.PNG", "image/png"},
        {"x.tar.gz", "application/gzip"},
        {".ics", "text/calendar"},
        {"pdf", "application/octet-stream"},
        {"a.", "application/octet-stream"},
        {"a.eml", "application/octet-stream"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(part_type_of_name(cases[i][0]), cases[i][1]);
}

static void types(void **state)
{
    static const struct {
        const char *type, *field; /* field NULL: refused */
    } cases[] = {
        {"a/b", "Content-Type: a/b"},
        {"a/b;", "Content-Type: a/b"},
        {"text/plain ;charset=x; Name=\"y z\" ; a=\"b;\\\"c\"",
         "Content-Type: text/plain;\r\n charset=x;\r\n a=\"b;\\\"c\""},
        {"", NULL},
        {"a", NULL},
        {"a/", NULL},
        {"/b", NULL},
        {"a/b c", NULL},
        {"a/b; c", NULL},
        {"a/b; c=", NULL},
        {"a/b; c=\"", NULL},
        {"a/b; c=\"\\", NULL},
        {"a/b; c=\"\r\nBcc: x\"", NULL},
        {"a/b\r\nBcc: x", NULL},
        {"a/b; c=\xc3\xa9", NULL},
        {"multipart/mixed; boundary=x", NULL},
        {"Message/rfc822", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        struct error err;
        bool ok = part_type_check(cases[i].type, &err) == STATUS_OK;

        if (ok != !!cases[i].field)
            fail_msg("%s", cases[i].type);
        if (ok) {
            part_add_type(&out, cases[i].type);
            assert_string_equal(out.data, cases[i].field);
        }
        buf_fini(&out);
    }
    assert_true(part_type_has("text/calendar; METHOD=REQUEST", "method"));
    assert_false(part_type_has("text/calendar; methods=x", "method"));
}

static void parameters(void **state)
{
    static const struct {
        const char *value, *coded, *ascii;
    } cases[] = {
        {"a b.pdf", ";\r\n f=\"a b.pdf\"", ";\r\n f=\"a b.pdf\""},
        {"a\"\\", ";\r\n f=\"a\\\"\\\\\"", ";\r\n f=\"a\\\"\\\\\""},
        {"Gr\xc3\xbc\xc3\x9f' %.txt",
         ";\r\n f*0*=utf-8''Gr%C3%BC%C3%9F%27%20%25.txt",
         ";\r\n f=\"Gr__' %.txt\""},
        {"0123456789012345678901234567890123456789012345678901234567",
         ";\r\n "
         "f*0=\"01234567890123456789012345678901234567890123456789012345\""
         ";\r\n f*1=\"67\"",
         ""},
        {"\\\"0123456789012345678901234567890123456789012345678901234",
         ";\r\n f*0*=utf-8''%5C%2201234567890123456789012345678901"
         ";\r\n f*1*=23456789012345678901234",
         ""},
        {"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
         ";\r\n f*0*=utf-8''%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80",
         ";\r\n f=\"____\""},
        {"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
         "\xf0\x9f\x98\x80",
         ";\r\n f*0*=utf-8''%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80"
         ";\r\n f*1*=%F0%9F%98%80",
         ";\r\n f=\"_____\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};

        part_add_parameter(&out, "f", cases[i].value);
        assert_string_equal(out.data, cases[i].coded);
        buf_reset(&out);
        part_add_ascii(&out, "f", cases[i].value);
        assert_string_equal(out.data, cases[i].ascii);
        buf_fini(&out);
    }
}

static void names_and_ids(void **state)
{
    char name[PART_NAME_MAX + 2];
    struct error err;

    (void)state;
    memset(name, 'n', sizeof name);
    name[PART_NAME_MAX + 1] = 0;
    assert_int_equal(part_name_check(name, &err), STATUS_TOO_BIG);
    assert_int_equal(part_name_check(name + 1, &err), STATUS_OK);
    assert_int_equal(part_name_check("", &err), STATUS_INVALID);
    assert_int_equal(part_name_check("a\n", &err), STATUS_INVALID);
    assert_int_equal(part_name_check("a\x7f", &err), STATUS_INVALID);
    assert_int_equal(part_name_check("a\xff", &err), STATUS_INVALID);
    assert_int_equal(part_name_check("\xc3\xa9", &err), STATUS_OK);
    name[PART_ID_MAX + 1] = 0;
    assert_int_equal(part_id_check(name, &err), STATUS_TOO_BIG);
    assert_int_equal(part_id_check(name + 1, &err), STATUS_OK);
    assert_int_equal(part_id_check("logo@x", &err), STATUS_OK);
    assert_int_equal(part_id_check("", &err), STATUS_INVALID);
    assert_int_equal(part_id_check("a b", &err), STATUS_INVALID);
    assert_int_equal(part_id_check("a>", &err), STATUS_INVALID);
    assert_int_equal(part_id_check("a\r\n", &err), STATUS_INVALID);
    assert_int_equal(part_id_check("\xc3\xa9", &err), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_of_names),
        cmocka_unit_test(types),
        cmocka_unit_test(parameters),
        cmocka_unit_test(names_and_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
