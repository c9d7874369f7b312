/* Encoded words, by table. */
#include "mail/words.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text, *decoded; /* NULL: as it is */
} cases[] = {
    {"", NULL},
    {"Jo Doe", NULL},
    {"=?utf-8?q?J=C3=B6rg_Doe?=", "J\xc3\xb6rg Doe"},
    {"=?UTF-8?B?SsO2cmc=?=", "J\xc3\xb6rg"},
    {"=?ISO-8859-1?Q?J=F6rg?= Doe", "J\xc3\xb6rg Doe"},
    {"=?us-ascii*en?q?Jo?=", "Jo"},
    {"Dr. =?utf-8?q?J=c3=b6?= =?utf-8?q?rg?= Doe", "Dr. J\xc3\xb6rg Doe"},
    {"=?utf-8?q?"
     "?=",
     ""},
    {"=?utf-8?b?"
     "?=",
     ""},
    {"=?", NULL},
    {"=?utf-8?q?J=C3=B6", NULL},
    {"=?utf-8?x?Jo?=", NULL},
    {"=?utf-8?q?a?b?=", NULL},
    {"=?koi8-r?q?=F6?=", NULL},
    {"=?utf-8?q?=F6?=", NULL}, /* no UTF-8 */
    {"=?utf-8?q?=C3?= =?utf-8?q?=B6?=", "\xc3\xb6"},
    {"=?utf-8?q?a=0D=0ABcc:_x?=", NULL}, /* a line break */
    {"=?utf-8?q?a=00b?=", NULL},
    {"=?utf-8?q?a=7F?=", NULL},
    {"=?utf-8?q?=4?=", NULL},
    {"=?utf-8?q?=?=", NULL},
    {"=?utf-8?b?SsO2cm?=", NULL},
    {"=?utf-8?b?====?=", NULL},
};

static void test_table(void **state)
{
    char text[WORDS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "%s", cases[i].text);
        words_decode(text);
        assert_string_equal(text, cases[i].decoded ? cases[i].decoded
                                                   : cases[i].text);
    }
}

/* Any bytes: never longer, never unclean if changed. */
static void test_hostile(void **state)
{
    static const char *const pieces[] = {
        "=?", "?=", "utf-8", "iso-8859-1", "?q?",  "?B?", "=F6", "=00",
        "=",  "?",  " ",     "a",          "SsO2", "==",  "_"};
    uint32_t chance = 2047;

    (void)state;
    for (int round = 0; round < 100000; round++) {
        char text[WORDS_MAX] = "", before[WORDS_MAX];

        for (int i = 0; i < 20; i++) {
            chance = chance * 1664525 + 1013904223;
            strncat(text, pieces[(chance >> 16) % 15],
                    sizeof text - strlen(text) - 1);
        }
        memcpy(before, text, sizeof text);
        words_decode(text);
        assert_true(strlen(text) <= strlen(before));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
