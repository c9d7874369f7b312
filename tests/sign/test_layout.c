/* Which fields are signed, by table; and that a layout is compiled once. */
#include "sign/layout.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OVER                                                                   \
    "from:to:cc:subject:date:message-id:reply-to:mime-version:content-type:"   \
    "content-transfer-encoding"

static const struct {
    const char *header, *list; /* without folds */
    const char *order;         /* the numbers of the fields */
} cases[] = {
    {"", OVER, ""},
    {"X-Other: a\r\n", OVER, ""},
    {"no colon\r\n", OVER, ""},
    {"FROM: a\r\n",
     "from:from:to:cc:subject:date:message-id:reply-to:mime-version:"
     "content-type:content-transfer-encoding",
     "0"},
    /* Two of a name: the last first (RFC 6376, 5.4.2). */
    {"List-Id: a\r\nX: b\r\nList-Id: c\r\n b\r\nList-Unsubscribe: d\r\n",
     OVER ":list-id:list-id:list-unsubscribe", "203"},
    {"Fromage: a\r\nList-Id : b\r\n", OVER, ""},
};

static void unfold(const struct buf *list, char *out)
{
    size_t column = 3;

    for (const char *p = list->data; *p; p++) {
        column = *p == '\n' ? 0 : column + 1;
        assert_true(column <= 78);
        if (*p != '\r' && *p != '\n' && *p != '\t')
            *out++ = *p;
    }
    *out = 0;
}

static void test_table(void **state)
{
    struct layouts l = {0};
    char list[1024];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *header = cases[i].header;
        const struct layout *found = layouts_find(&l, header, strlen(header));

        assert_non_null(found);
        assert_int_equal(l.head_len, strlen(header));
        unfold(&found->list, list);
        assert_string_equal(list, cases[i].list);
        assert_int_equal(found->n_signed, strlen(cases[i].order));
        for (size_t k = 0; k < found->n_signed; k++)
            assert_int_equal(found->signed_at[k], cases[i].order[k] - '0');
    }
    layouts_fini(&l);
}

static void test_fields_of_this_header(void **state)
{
    static const char a[] = "From: a\r\n\tb\r\nTo: c\r\n\r\nBody: d\r\n";
    static const char b[] = "from: aaaa\r\nTO: c\r\n\r\n";
    struct layouts l = {0};

    (void)state;
    const struct layout *first = layouts_find(&l, a, strlen(a));

    assert_int_equal(l.n_fields, 2);
    assert_int_equal(l.fields[0].len, 13);
    assert_int_equal(l.head_len, 20);
    /* The same names: the same layout, other places. */
    assert_ptr_equal(layouts_find(&l, b, strlen(b)), first);
    assert_int_equal(l.fields[1].at, 12);
    layouts_fini(&l);
}

static void test_the_oldest_goes(void **state)
{
    struct layouts l = {0};
    char header[32];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 2 * LAYOUTS_MAX; i++) {
            snprintf(header, sizeof header, "X-%d: a\r\nFrom: b\r\n", i);
            const struct layout *found =
                layouts_find(&l, header, strlen(header));

            assert_int_equal(found->n_signed, 1);
            assert_int_equal(found->signed_at[0], 1);
        }
    layouts_fini(&l);
}

static void test_too_many_fields(void **state)
{
    struct layouts l = {0};
    struct buf header = {0};

    (void)state;
    for (int i = 0; i < LAYOUT_FIELDS_MAX; i++)
        buf_add_text(&header, "From: a\r\n");
    assert_int_equal(layouts_find(&l, header.data, header.len)->n_signed,
                     LAYOUT_FIELDS_MAX);
    buf_add_text(&header, "From: a\r\n");
    assert_null(layouts_find(&l, header.data, header.len));
    buf_fini(&header);
    layouts_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_fields_of_this_header),
        cmocka_unit_test(test_the_oldest_goes),
        cmocka_unit_test(test_too_many_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
