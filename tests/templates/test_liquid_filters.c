#include "templates/liquid.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void check(const struct liquid_case *cases, size_t n,
                  struct template_options options)
{
    struct buf out = {0};

    for (size_t i = 0; i < n; i++) {
        enum status st = liquid_render(&cases[i], options,
                                       (struct template_values){0}, &out);

        if (st != STATUS_OK)
            fail_msg("%s: %s", cases[i].source, out.data);
        if (strcmp(out.data, cases[i].want) != 0)
            fail_msg("%s: %s, not %s", cases[i].source, out.data,
                     cases[i].want);
    }
    buf_fini(&out);
}

#define CHECK(cases, ...)                                                      \
    check(cases, sizeof cases / sizeof *cases,                                 \
          (struct template_options){__VA_ARGS__})

static void strings(void **state)
{
    static const struct liquid_case cases[] = {
        {"{{ 'stra\xc3\x9f"
         "e \xc3\xa9' | upcase }}",
         NULL, "STRASSE \xc3\x89"},
        {"{{ '\xd0\x96\xc3\x89Z' | downcase }}", NULL, "\xd0\xb6\xc3\xa9z"},
        {"{{ '\xc3\xa9T\xc3\x89' | capitalize }}", NULL, "\xc3\x89t\xc3\xa9"},
        {"{{ 'h\xc3\xa9llo' | slice: 1, 2 }}", NULL, "\xc3\xa9l"},
        {"{{ 'h\xc3\xa9llo' | slice: -4, 9 }}", NULL, "\xc3\xa9llo"},
        {"{{ 'h\xc3\xa9llo' | size }}", NULL, "5"},
        {"{{ 'h\xc3\xa9llo w' | truncate: 5 }}", NULL, "h\xc3\xa9..."},
        {"{{ 'abc' | truncate: 3 }}", NULL, "abc"},
        {"{{ 'abcd' | truncate: 2, '' }}", NULL, "ab"},
        {"{{ ' a  b c' | truncatewords: 2 }}", NULL, "a b..."},
        {"{{ 'a b ' | truncatewords: 2 }}", NULL, "a b..."},
        {"{{ 'a b' | truncatewords: 2 }}", NULL, "a b"},
        {"{{ 'a,b,,' | split: ',' | size }}", NULL, "2"},
        {"{{ ',a' | split: ',' | size }}", NULL, "2"},
        {"{{ ' a  b ' | split: ' ' | join: '-' }}", NULL, "a-b"},
        {"{{ '\xc3\xa9z' | split: '' | join: '-' }}", NULL, "\xc3\xa9-z"},
        {"{{ 'aXbX' | replace: 'X', '[\\0\\\\]' }}", NULL, "a[X\\]b[X\\]"},
        {"{{ 'aaa' | replace_first: 'a', 'b' }}", NULL, "baa"},
        {"{{ 'aaa' | replace_last: 'a', 'b' }}", NULL, "aab"},
        {"{{ 'aba' | remove: 'a' }}", NULL, "b"},
        {"{{ \"a\r\nb\nc\" | strip_newlines }}", NULL, "abc"},
        {"{{ \"a\r\nb\" | newline_to_br }}", NULL, "a<br />\nb"},
        {"[{{ ' \t a ' | lstrip }}][{{ ' a ' | rstrip }}]", NULL, "[a ][ a]"},
        {"{{ '<p>a<!-- b > --><script>c</script>d<br' | strip_html }}", NULL,
         "ad<br"},
        {"{{ '&lt;<&#39;&' | escape_once }}", NULL, "&lt;&lt;&#39;&amp;"},
        {"{{ 'a b&\xc3\xa9~' | url_encode }}", NULL, "a+b%26%C3%A9~"},
        {"{{ 'a+b%26%zz%' | url_decode }}", NULL, "a b&%zz%"},
        {"{{ 'any carnal pleas' | base64_encode }}", NULL,
         "YW55IGNhcm5hbCBwbGVhcw=="},
        {"{{ 'YW55IGNhcm5hbCBwbGVhcw==' | base64_decode }}", NULL,
         "any carnal pleas"},
        {"{{ '?\?>' | base64_url_safe_encode }}", NULL, "Pz8-"},
        {"{{ 'Pz8' | base64_url_safe_decode }}", NULL, "?\?"},
    };

    (void)state;
    CHECK(cases, .strict_filters = true);
}

static void arrays(void **state)
{
    static const char DATA[] =
        "{\"a\": [3, 1, null, 2, 1], \"o\": [{\"n\": \"b\", \"ok\": true},"
        " {\"n\": \"A\"}, {\"n\": \"a\", \"ok\": false}],"
        " \"nest\": [[1, [2]], 3], \"h\": {\"x\": 1, \"y\": 2}}";
    static const struct liquid_case cases[] = {
        {"{{ a | sort | join: ',' }}", DATA, "1,1,2,3,"},
        {"{{ o | sort: 'n' | map: 'n' | join }}", DATA, "A a b"},
        {"{{ o | sort_natural: 'n' | map: 'n' | join }}", DATA, "A a b"},
        {"{{ a | uniq | join: ',' }}", DATA, "3,1,,2"},
        {"{{ a | compact | size }}", DATA, "4"},
        {"{{ a | reverse | first }}{{ a | last }}", DATA, "11"},
        {"{{ nest | join: '' }}", DATA, "123"},
        {"{{ nest | sum }}", DATA, "6"},
        {"{{ nest | concat: a | size }}", DATA, "8"},
        {"{{ o | where: 'ok' | map: 'n' }}", DATA, "b"},
        {"{{ o | where: 'ok', false | map: 'n' }}", DATA, "a"},
        {"{{ o | reject: 'ok' | map: 'n' | join }}", DATA, "A a"},
        {"{% assign f = o | find: 'n', 'a' %}{{ f.ok }}", DATA, "false"},
        {"{{ o | find_index: 'n', 'a' }}", DATA, "2"},
        {"{{ o | has: 'n', 'z' }}", DATA, "false"},
        {"{{ h | first | join: '=' }}", DATA, "x=1"},
        {"{{ h | size }}{{ h.last }}", DATA, "2"},
        {"{{ (1..4) | slice: 1 }}", DATA, "."},
        {"{{ a | slice: 1, 2 | join: ',' }}", DATA, "1,"},
        {"{{ h }}", DATA, "{\"x\"=>1, \"y\"=>2}"},
        {"{{ nest }}", DATA, "123"},
        {"{{ nest | append: '' }}", DATA, "[[1, [2]], 3]"},
    };

    (void)state;
    CHECK(cases, .strict_filters = true);
}

static void math(void **state)
{
    static const struct liquid_case cases[] = {
        {"{{ 0.1 | plus: 0.2 }}", NULL, "0.3"},
        {"{{ 3 | times: 1.1 }}", NULL, "3.3"},
        {"{{ 10 | times: 1.1 | round: 2 }}", NULL, "11.0"},
        {"{{ '1.50' | minus: '0.5' }}", NULL, "1.0"},
        {"{{ 7 | divided_by: 2 }} {{ -7 | divided_by: 2 }}", NULL, "3 -4"},
        {"{{ 7 | divided_by: 2.0 }} {{ 20 | divided_by: 7.0 }}", NULL,
         "3.5 2.857142857142857"},
        {"{{ -7 | modulo: 3 }} {{ 7.5 | modulo: -2 }}", NULL, "2 -0.5"},
        {"{{ 2.5 | round }} {{ -2.5 | round }} {{ 1.005 | round: 2 }}", NULL,
         "3 -3 1.01"},
        {"{{ 1234 | round: -2 }} {{ 1.2 | ceil }} {{ -1.2 | floor }}", NULL,
         "1200 2 -2"},
        {"{{ '-3.5x' | abs }} {{ -3.5 | abs }}", NULL, "3 3.5"},
        {"{{ 9223372036854775807 | plus: 1 }}", NULL, "9.223372036854776e+18"},
        {"{{ 1 | at_least: 2 }} {{ 1.5 | at_most: 1 }}", NULL, "2 1"},
        {"{{ 0.0001 }} {{ 0.00001 | times: 1 }} {{ 1e3 }}", "{\"1e3\": 1}",
         "error"},
        {"{{ n }} {{ m }} {{ big }}",
         "{\"n\": 0.0001, \"m\": 0.00001, \"big\": 1e16}",
         "0.0001 1.0e-05 1.0e+16"},
        {"{{ n }} {{ m }}", "{\"n\": 123456789.123, \"m\": -0.5}",
         "123456789.123 -0.5"},
        {"{{ n }} {{ m }}", "{\"n\": 9007199254740993.0, \"m\": 1e15}",
         "9007199254740992.0 1000000000000000.0"},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum status st = liquid_render(
            &cases[i], (struct template_options){.strict_filters = true},
            (struct template_values){0}, &out);

        if (strcmp(cases[i].want, "error") == 0)
            assert_int_equal(st, STATUS_INVALID);
        else
            assert_string_equal(out.data, cases[i].want);
    }
    buf_fini(&out);
}

/* What is escaped once is not escaped again. */
static void safety(void **state)
{
    static const char DATA[] = "{\"x\": \"<b>&\\n\", \"a\": [\"<\", 1]}";
    static const struct liquid_case cases[] = {
        {"{{ '<i>' | append: x | strip }}", DATA, "&lt;i&gt;&lt;b&gt;&amp;"},
        {"{{ x | strip | escape }}{{ x | raw }}", DATA, "&lt;b&gt;&amp;<b>&\n"},
        {"{{ x | strip | escape | escape }}", DATA, "&lt;b&gt;&amp;"},
        {"{{ x | escape | upcase }}", DATA, "&amp;LT;B&amp;GT;&amp;AMP;\n"},
        {"{{ '<i>' | raw | append: x }}", DATA, "<i>&lt;b&gt;&amp;\n"},
        {"{{ x | prepend: '<i>' | strip }}", DATA, "&lt;i&gt;&lt;b&gt;&amp;"},
        {"{{ x | newline_to_br }}", DATA, "&lt;b&gt;&amp;<br />\n"},
        {"{{ '&lt;<' | escape_once }}", DATA, "&lt;&lt;"},
        {"{% capture c %}<p>{{ x }}</p>{% endcapture %}{{ c }}", DATA,
         "<p>&lt;b&gt;&amp;\n</p>"},
        {"{{ a }}{{ a | raw }}", DATA, "&lt;1<1"},
        {"{{ x | default: 'y' | strip }}{{ z | default: '<' }}", DATA,
         "&lt;b&gt;&amp;&lt;"},
        {"{% assign y = x | raw %}{{ y }}", DATA, "<b>&\n"},
        {"{% cycle '<' %}{% echo x %}", DATA, "&lt;&lt;b&gt;&amp;\n"},
        {"{% tablerow i in a %}{{ i }}{% endtablerow %}", DATA,
         "<tr class=\"row1\">\n<td class=\"col1\">&lt;</td><td "
         "class=\"col2\">1</td></tr>\n"},
    };

    (void)state;
    CHECK(cases, .escape = TEMPLATE_HTML, .strict_filters = true);
}

/* item[key] is Ruby's: of a text a character or a part, of an integer a bit;
 * a number, nil or a truth value has none. */
static void properties(void **state)
{
    static const struct liquid_case cases[] = {
        {"{{ 'h\xc3\xa9' | map: 1 }}{{ 'abc' | map: -1 }}", NULL,
         "\xc3\xa9"
         "c"},
        {"[{{ 'abc' | map: 9 }}]{{ 'abc' | map: 'b' }}", NULL, "[]b"},
        {"{{ 5 | map: 0 }}{{ 5 | map: 1 }}{{ 5 | map: 70 }}", NULL, "100"},
        {"{{ a | where: 0 }}", "{\"a\": [4, 5, \"x\"]}", "45x"},
        {"[{{ 1.5 | where: 'a' }}{{ 1.5 | has: 'a' }}]", NULL, "[]"},
        {"{{ 7 | sort: 'a' }}{{ 'x' | uniq: nil }}{{ 7 | uniq: 'a' }}", NULL,
         "7x7"},
        {"[{{ a | sort: 'x' }}{{ a | compact: 'x' }}]",
         "{\"a\": [{\"x\": 1}, null]}", "[]"},
        {"{{ a | sort_natural: 'x' | map: 'n' }}",
         "{\"a\": [{\"n\": 1}, {\"n\": 2}, {\"n\": 3, \"x\": \"q\"}]}", "321"},
        {"{{ a | sum: 'x' }}", "{\"a\": [{\"x\": 1}, 2.5, null]}", "1"},
    };
    static const struct liquid_case wrong[] = {
        {"{{ 7 | map: 'a' }}", NULL, NULL},
        {"{{ 'x' | map: nil }}", NULL, NULL},
        {"{{ a | sort: 'x' }}", "{\"a\": [1, 2]}", NULL},
        {"{{ 1.5 | divided_by: 0 | round }}", NULL, NULL},
        {"{{ 10 | modulo: 0.0 }}", NULL, NULL},
    };
    struct buf out = {0};

    (void)state;
    CHECK(cases, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (liquid_render(&wrong[i], (struct template_options){0},
                          (struct template_values){0}, &out) != STATUS_INVALID)
            fail_msg("%s: %s", wrong[i].source, out.data);
    buf_fini(&out);
}

static void zeros(void **state)
{
    static const struct liquid_case cases[] = {
        {"{{ 1.5 | divided_by: 0 }} {{ -10 | divided_by: 0.0 }}", NULL,
         "Infinity -Infinity"},
        {"{{ 0.0 | divided_by: 0 }}", NULL, "NaN"},
        {"{{ -2.5 | times: 0 }} {{ -0.0 }} {{ -0.04 | round: 1 }}", NULL,
         "-0.0 -0.0 -0.0"},
        {"{{ -0.0 | abs }} {{ -0.0 | plus: 0 }} {{ -0.4 | round }}", NULL,
         "0.0 0.0 0"},
    };

    (void)state;
    CHECK(cases, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings),    cmocka_unit_test(arrays),
        cmocka_unit_test(math),       cmocka_unit_test(safety),
        cmocka_unit_test(properties), cmocka_unit_test(zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
