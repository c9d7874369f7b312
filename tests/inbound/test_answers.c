/* Answers of mailbox servers, good and hostile. */
#include "inbound/answers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static struct mailbox_id ids[MAILBOX_ROUND_MAX];

static size_t search(const char *text, size_t most)
{
    return answers_search(text, strlen(text), ids, most);
}

static void test_search(void **state)
{
    (void)state;
    assert_int_equal(search("* SEARCH 2 84 882\r\n", 50), 3);
    assert_string_equal(ids[0].id, "2");
    assert_string_equal(ids[2].id, "882");
    assert_int_equal(search("* SEARCH 1\r\n* OK x\r\n* SEARCH 7 8\r\n", 50), 3);
    assert_string_equal(ids[2].id, "8");
    assert_int_equal(search("* SEARCH 1 2 3 4\r\n", 2), 2);
    assert_int_equal(search("* SEARCH\r\n", 50), 0);
    assert_int_equal(search("* SEARCH 0 1\r\n", 50), 0);
    assert_int_equal(search("* SEARCH -1\r\n", 50), 0);
    assert_int_equal(search("* SEARCH 1:*\r\n", 50), 1);
    assert_int_equal(search("* SEARCH 12345678901\r\n", 50), 0);
    assert_int_equal(search("* SEARCH 5)\r\n", 50), 1);
    assert_int_equal(search("", 50), 0);
}

static void test_validity(void **state)
{
    char out[24];
    static const char good[] = "* STATUS \"x\" (UIDVALIDITY 3857529045)\r\n";
    static const char bad[] = "* STATUS x (UIDVALIDITY 1;UID=2)\r\n";

    (void)state;
    assert_true(answers_validity(good, sizeof good - 1, out, sizeof out));
    assert_string_equal(out, "3857529045");
    assert_true(answers_validity(bad, sizeof bad - 1, out, sizeof out));
    assert_string_equal(out, "1");
    for (size_t n = 0; n < 24; n++)
        assert_false(answers_validity(good, n, out, sizeof out));
    assert_false(answers_validity("UIDVALIDITY 0", 13, out, sizeof out));
}

static bool is_known(const void *arg, const char *id)
{
    return strcmp(id, arg) == 0;
}

static void test_uidl(void **state)
{
    static const char text[] = "1 whqtswO00WBw418f9t5JxYwZ\r\n"
                               "2 known\r\n"
                               "x y\r\n"
                               "3 two words\r\n"
                               "4 \x01\r\n"
                               "5 \r\n"
                               "07 zero\r\n"
                               "1234567890 last\r\n";

    (void)state;
    assert_int_equal(
        answers_uidl(text, sizeof text - 1, ids, 50, is_known, "known"), 2);
    assert_int_equal(ids[0].number, 1);
    assert_string_equal(ids[0].id, "whqtswO00WBw418f9t5JxYwZ");
    assert_int_equal(ids[1].number, 1234567890);
    assert_string_equal(ids[1].id, "last");
    assert_int_equal(
        answers_uidl(text, sizeof text - 1, ids, 1, is_known, "known"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_uidl),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
