#include "api/lacking.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void note(struct lacking *l, const char *name)
{
    lacking_note(l, name, strlen(name));
}

/* A recipient counts once for each variable, however often it is shown. */
static void counts_recipients(void **state)
{
    struct lacking l = {0};
    struct buf json = {0}, text = {0};

    (void)state;
    lacking_next(&l, "a@x.test");
    note(&l, "name");
    note(&l, "name");
    lacking_next(&l, "b@x.test");
    lacking_next(&l, "c@x.test");
    note(&l, "city");
    note(&l, "name");
    lacking_add_json(&l, &json);
    assert_string_equal(json.data, "[{\"variable\":\"name\",\"recipients\":2,"
                                   "\"examples\":[\"a@x.test\",\"c@x.test\"]},"
                                   "{\"variable\":\"city\",\"recipients\":1,"
                                   "\"examples\":[\"c@x.test\"]}]");
    lacking_add_text(&l, &text);
    assert_string_equal(text.data, "`name` (2 of 3, one is a@x.test), "
                                   "`city` (1 of 3, one is c@x.test)");
    buf_fini(&json);
    buf_fini(&text);
    lacking_fini(&l);
}

static void is_bounded(void **state)
{
    char name[2 * LACKING_NAME_MAX], address[2 * LACKING_EXAMPLE_MAX];
    struct lacking l = {0};

    (void)state;
    memset(name, 'n', sizeof name);
    memset(address, 'a', sizeof address);
    address[sizeof address - 1] = 0;
    lacking_next(&l, address);
    lacking_note(&l, name, sizeof name);
    assert_int_equal(strlen(l.names[0].name), LACKING_NAME_MAX - 1);
    assert_int_equal(strlen(l.names[0].examples[0]), LACKING_EXAMPLE_MAX - 1);
    for (int i = 0; i < 2 * LACKING_NAMES_MAX; i++) {
        char one[16];

        snprintf(one, sizeof one, "v%d", i);
        note(&l, one);
    }
    assert_int_equal(l.n, LACKING_NAMES_MAX);
    for (int i = 0; i < 10; i++) {
        lacking_next(&l, "b@x.test");
        note(&l, "v1");
    }
    assert_int_equal(l.names[2].recipients, 11);
    lacking_fini(&l);
    assert_null(l.names);
}

static void says_nothing_of_nobody(void **state)
{
    struct lacking l = {0};
    struct buf out = {0};

    (void)state;
    lacking_next(&l, NULL);
    note(&l, "a.b");
    lacking_add_text(&l, &out);
    assert_string_equal(out.data, "`a.b`");
    buf_fini(&out);
    lacking_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_recipients),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(says_nothing_of_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
