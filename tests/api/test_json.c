#include "api/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static enum status parse(const char *text, struct error *err)
{
    JSON_DECREF json_t *value = NULL;

    return json_parse(text, strlen(text), &value, err);
}

static char *nested(size_t depth)
{
    char *text = malloc(2 * depth + 1);

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = 0;
    return text;
}

static void test_depth(void **state)
{
    struct error err;
    char *most = nested(JSON_DEPTH_MAX), *more = nested(JSON_DEPTH_MAX + 1);

    (void)state;
    assert_int_equal(parse(most, &err), STATUS_OK);
    assert_int_equal(parse(more, &err), STATUS_TOO_BIG);
    assert_non_null(strstr(err.text, "byte 33"));
    free(most);
    free(more);
    /* Brackets in a string are no brackets, whatever is escaped in it. */
    assert_int_equal(
        parse("[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]", &err),
        STATUS_OK);
}

static void test_count(void **state)
{
    size_t n = (size_t)JSON_CONTAINERS_MAX + 1;
    char *text = malloc(3 * n + 2);
    struct error err;

    (void)state;
    for (size_t i = 0; i < n; i++)
        memcpy(text + 1 + 3 * i, "{},", 3);
    text[0] = '[';
    memcpy(text + 3 * n, "]", 2);
    assert_int_equal(parse(text, &err), STATUS_TOO_BIG);
    free(text);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line 1"},
        {"{", "line 1"},
        {"{\"a\":1,}", "line 1"},
        {"[1] x", "end of file"},
        {"{\"a\":1,\n\"a\":2}", "line 2"},
        {"[\"\xff\"]", "byte 0xff"},
        {"[\"\\u0000\"]", "\\u0000 is not allowed."},
        {"{\"\\u0000\":1}", "\\u0000 is not allowed."},
        {"[\"\\ud800\"]", "\\uD800"},
        {"[01]", "line 1"},
        {"[NaN]", "line 1"},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (parse(cases[i].text, &err) != STATUS_INVALID)
            fail_msg("%s", cases[i].text);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: %s", cases[i].text, err.text);
    }
}

/* Cut at every byte, a text is refused; nothing is read beyond its end. */
static void test_cut(void **state)
{
    static const char text[] =
        "{\"a\":[1,2.5,true,null,\"\xc3\xa9\\u00e9\\\"\"],\"b\":{}}";
    struct error err;

    (void)state;
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *copy = malloc(n + 1);
        json_t *value = NULL;

        memcpy(copy, text, n);
        assert_int_equal(json_parse(copy, n, &value, &err), STATUS_INVALID);
        free(copy);
    }
    assert_int_equal(parse(text, &err), STATUS_OK);
}

static void test_text(void **state)
{
    struct buf b = {0};

    (void)state;
    json_add_text(&b, NULL);
    json_add_text(&b,
                  "a\"\\\n\r\t\x01\x7f/\xc3\xa9\xff\xf0\x9f\x98\x80\xe2\x82");
    assert_string_equal(
        b.data, "null\"a\\\"\\\\\\n\\r\\t\\u0001\\u007f/\xc3\xa9\xef\xbf\xbd"
                "\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_reset(&b);
    json_add_time(&b, 0);
    assert_string_equal(b.data, "\"1970-01-01T00:00:00.000Z\"");
    buf_fini(&b);
}

static void test_fields(void **state)
{
    static const char *const known[] = {"to", "reply_to", "scheduled_at",
                                        "subject"};
    static const struct {
        const char *text, *says; /* NULL: fine */
    } cases[] = {
        {"{\"to\":1,\"subject\":2}", NULL},
        {"{\"object\":1,\"id\":2,\"created_at\":3,\"topic_id\":4}", NULL},
        {"{\"colour\":1}", NULL},
        {"{\"replyTo\":1}", "`replyTo`. Did you mean `reply_to`?"},
        {"{\"scheduled_att\":1}", "Did you mean `scheduled_at`?"},
        {"{\"subjct\":1}", "Did you mean `subject`?"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        JSON_DECREF json_t *object = json_loads(cases[i].text, 0, NULL);
        struct error err = {""};
        enum status status = json_check_fields(object, known, 4, &err);

        assert_int_equal(status, cases[i].says ? STATUS_INVALID : STATUS_OK);
        if (cases[i].says && !strstr(err.text, cases[i].says))
            fail_msg("%s", err.text);
    }
}

static void test_all_fields(void **state)
{
    static const char *const known[] = {"to", "subject"};
    static const struct {
        const char *text, *says; /* NULL: fine */
    } cases[] = {
        {"{}", NULL},
        {"{\"to\":1,\"subject\":2,\"object\":1,\"id\":2}", NULL},
        {"{\"colour\":1}", "Unknown field `colour`."},
        {"{\"subjct\":1}", "Did you mean `subject`?"},
        {"{\"\":1}", "Unknown field ``."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        JSON_DECREF json_t *object = json_loads(cases[i].text, 0, NULL);
        struct error err = {""};
        enum status status = json_check_all_fields(object, known, 2, &err);

        assert_int_equal(status, cases[i].says ? STATUS_INVALID : STATUS_OK);
        if (cases[i].says && !strstr(err.text, cases[i].says))
            fail_msg("%s", err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),      cmocka_unit_test(test_count),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_cut),
        cmocka_unit_test(test_text),       cmocka_unit_test(test_fields),
        cmocka_unit_test(test_all_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
