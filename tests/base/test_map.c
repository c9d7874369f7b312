#include "base/map.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

enum { MANY = 3000 };

static int values[MANY];

static const char *key_of(int i)
{
    static char key[32];

    snprintf(key, sizeof key, "domain-%d.example", i);
    return key;
}

static void finds_what_was_put(void **state)
{
    struct map m = {0};

    (void)state;
    assert_null(map_get(&m, "a"));
    assert_null(map_remove(&m, "a"));
    for (int i = 0; i < MANY; i++)
        map_put(&m, key_of(i), &values[i]);
    assert_int_equal(m.n, MANY);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(map_get(&m, key_of(i)), &values[i]);
    assert_null(map_get(&m, "domain-"));
    map_put(&m, key_of(7), &values[8]);
    assert_int_equal(m.n, MANY);
    assert_ptr_equal(map_get(&m, key_of(7)), &values[8]);
    map_fini(&m);
}

/* Whatever is removed, the rest is still found. */
static void removes_without_losing_others(void **state)
{
    struct map m = {0};

    (void)state;
    for (int i = 0; i < MANY; i++)
        map_put(&m, key_of(i), &values[i]);
    for (int i = 0; i < MANY; i += 3) {
        assert_ptr_equal(map_remove(&m, key_of(i)), &values[i]);
        assert_null(map_remove(&m, key_of(i)));
    }
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(map_get(&m, key_of(i)), i % 3 ? &values[i] : NULL);
    map_fini(&m);
}

static void goes_through_all(void **state)
{
    struct map m = {0};
    size_t at = 0, n = 0;

    (void)state;
    assert_null(map_next(&m, &at));
    for (int i = 0; i < MANY; i++) {
        values[i] = 0;
        map_put(&m, key_of(i), &values[i]);
    }
    at = 0;
    for (int *v; (v = map_next(&m, &at)); n++)
        ++*v;
    assert_int_equal(n, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(values[i], 1);
    map_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put),
        cmocka_unit_test(removes_without_losing_others),
        cmocka_unit_test(goes_through_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
