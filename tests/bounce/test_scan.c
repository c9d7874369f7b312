/* Replies, addresses and fields in foreign text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bounce/html.h"
#include "bounce/reply.h"
#include "bounce/scan.h"
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void replies(void **state)
{
    static const struct {
        const char *text;
        unsigned code;
        const char *status;
    } cases[] = {
        {"550 5.1.1 no", 550, "5.1.1"},
        {"550-5.7.26 no\n550 5.7.26 no", 550, "5.7.26"},
        {"host mx[192.0.2.5] said: 452 4.2.2 full", 452, "4.2.2"},
        {"mx [192.0.2.5]:465 said 554 no", 554, ""},
        {"sorry, no mailbox here by that name. (#5.1.1)", 0, "5.1.1"},
        {"connect to 5.1.1.8 failed", 0, ""},
        {"(in 5.1.1.)", 0, "5.1.1"},
        {"after 456 hours", 456, ""},
        {"ver 4.72.1234", 0, ""},
        {"x5.1.1", 0, ""},
        {"599", 0, ""},
        {"550", 550, ""},
        {"", 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bounce_reply r;
        bounce_reply_find(cases[i].text, strlen(cases[i].text), &r);
        assert_int_equal(r.code, cases[i].code);
        assert_string_equal(r.status, cases[i].status);
    }
}

static void addresses(void **state)
{
    static const struct {
        const char *text, *address; /* NULL: none */
    } cases[] = {
        {"jo@example.com", "jo@example.com"},
        {"  <jo@example.com>:", "jo@example.com"},
        {"rfc822;jo@example.com", "jo@example.com"},
        {"write to jo@example.com.", "jo@example.com"},
        {"'jo@example.com'", "jo@example.com"},
        {"<\"jo doe\"@example.com>", "\"jo doe\"@example.com"},
        {"jo..doe.@docomo.example", "jo..doe.@docomo.example"},
        {"jo@[192.0.2.1] x", "jo@[192.0.2.1]"},
        {"<j\xc3\xb6@example.com>", "j\xc3\xb6@example.com"},
        {"\xe5\xae\x9bjo@example.com", "jo@example.com"},
        {"@ @example.com jo@", NULL},
        {"david...@example.com", NULL},
        {"jo@exam...", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span found;
        /* A copy of its very size, so that ASan sees a read past the end. */
        size_t len = strlen(cases[i].text);
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, cases[i].text, len);
        bool has = scan_address((struct span){exact, len}, &found, NULL);
        assert_int_equal(has, cases[i].address != NULL);
        if (has) {
            assert_int_equal(found.len, strlen(cases[i].address));
            assert_memory_equal(found.s, cases[i].address, found.len);
        }
        free(exact);
    }
}

static void long_addresses_are_none(void **state)
{
    char text[600];
    struct span found;

    (void)state;
    memset(text, 'a', sizeof text);
    text[300] = '@';
    assert_false(scan_address((struct span){text, sizeof text}, &found, NULL));
}

static void headers(void **state)
{
    struct span block = span_of("To: a\nX-Long: one\n two\nx-long: three\n");
    struct span value;

    (void)state;
    assert_true(scan_header(block, "x-LONG", &value));
    assert_int_equal(value.len, strlen("one\n two"));
    assert_memory_equal(value.s, "one\n two", value.len);
    assert_false(scan_header(block, "X-Lon", &value));
}

static void lines(void **state)
{
    struct span rest = span_of("a\r\n\nb"), line;

    (void)state;
    assert_true(scan_line(&rest, &line));
    assert_int_equal(line.len, 1);
    assert_true(scan_line(&rest, &line));
    assert_int_equal(line.len, 0);
    assert_true(scan_line(&rest, &line));
    assert_memory_equal(line.s, "b", 1);
    assert_false(scan_line(&rest, &line));
}

static void html(void **state)
{
    static const char in[] =
        "<style>x@y.z</style><p>To <b>jo</b>@example.com &lt;a&amp;b&gt;"
        "<br>bad <jo@example.net> <unclosed";
    struct buf out = {0};

    (void)state;
    bounce_html_text(in, sizeof in - 1, &out);
    assert_non_null(strstr(out.data, "To jo@example.com <a&b>\n"));
    assert_non_null(strstr(out.data, "<jo@example.net>"));
    assert_null(strstr(out.data, "x@y.z"));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies),
        cmocka_unit_test(addresses),
        cmocka_unit_test(long_addresses_are_none),
        cmocka_unit_test(headers),
        cmocka_unit_test(lines),
        cmocka_unit_test(html),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
