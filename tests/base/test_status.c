#include "base/status.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#undef fail /* cmocka's, which is another */

static void says_why(void **state)
{
    struct error err;

    (void)state;
    assert_int_equal(fail(&err, STATUS_INVALID, "line %d: %s", 7, "no name"),
                     STATUS_INVALID);
    assert_string_equal(err.text, "line 7: no name");
    assert_int_equal(fail(NULL, STATUS_TOO_BIG, "not read"), STATUS_TOO_BIG);
    assert_string_equal(status_text(STATUS_UNAVAILABLE),
                        "database unavailable");
}

static void cuts_at_the_limit(void **state)
{
    char longer[2 * ERROR_TEXT_MAX];
    struct error err;

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(fail(&err, STATUS_FAILED, "%s", longer), STATUS_FAILED);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_why),
        cmocka_unit_test(cuts_at_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
