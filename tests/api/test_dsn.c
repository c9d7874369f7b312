#include "api/dsn.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define TEN "1234567890"
#define NINETY TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* says: part of the error; NULL: it is right. */
static const struct {
    const char *dsn, *says;
} cases[] = {
    {"null", NULL},
    {"{}", NULL},
    {"{\"notify\":\"never\",\"return\":\"full\",\"envid\":\"a b+c=~\"}", NULL},
    {"{\"notify\":[\"delay\",\"success\",\"failure\"],\"return\":\"headers\"}",
     NULL},
    {"{\"notify\":null,\"return\":null,\"envid\":null}", NULL},
    {"{\"envid\":\"" NINETY TEN "\"}", NULL},
    {"{\"envid\":\"" NINETY "1234567+\"}", NULL},
    {"{\"envid\":\"" NINETY "12345678+\"}", "`envid`"},
    {"{\"envid\":\"" NINETY TEN "1\"}", "`envid`"},
    {"{\"envid\":\"\"}", "`envid`"},
    {"{\"envid\":7}", "`envid`"},
    {"{\"envid\":\"a\\u0000b\"}", "`envid`"},
    {"{\"envid\":\"a\\r\\nDATA\"}", "`envid`"},
    {"{\"envid\":\"\\u007f\"}", "`envid`"},
    {"{\"envid\":\"\\u00e9\"}", "`envid`"},
    {"[]", "an object"},
    {"\"never\"", "an object"},
    {"{\"notify\":[]}", "`notify`"},
    {"{\"notify\":\"success\"}", "`notify`"},
    {"{\"notify\":[\"never\"]}", "`notify`"},
    {"{\"notify\":[\"success\",\"success\"]}", "`notify`"},
    {"{\"notify\":[\"SUCCESS\"]}", "`notify`"},
    {"{\"notify\":[null]}", "`notify`"},
    {"{\"notify\":true}", "`notify`"},
    {"{\"return\":\"hdrs\"}", "`return`"},
    {"{\"return\":1}", "`return`"},
    {"{\"ret\":\"full\"}", "only"},
};

static void checks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *dsn =
            json_loads(cases[i].dsn, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
        json_t *body = json_pack("{so}", "dsn", dsn);
        struct email_error why;

        assert_non_null(body);
        if (dsn_check(body, &why) != !cases[i].says)
            fail_msg("%s", cases[i].dsn);
        if (cases[i].says) {
            assert_int_equal(why.name, API_VALIDATION_ERROR);
            assert_non_null(strstr(why.error.text, "Invalid `dsn` field: "));
            assert_non_null(strstr(why.error.text, cases[i].says));
        }
        json_decref(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(checks)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
