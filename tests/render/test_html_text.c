#include "render/html_text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

static const struct {
    const char *html, *text; /* text NULL: there is none */
} cases[] = {
    {"", NULL},
    {"<p> </p><img src=x>", NULL},
    {"Hi", "Hi\n"},
    {"<p>One\n two</p><p>three", "One two\n\nthree\n"},
    {"<h1>A</h1>b<br>c<br><br>d", "A\n\nb\nc\n\nd\n"},
    {"<div>a<div>b</div></div>c", "a\nb\nc\n"},
    {"a&amp;b&nbsp;c &lt;d&gt; \xc3\xa9", "a&b c <d> \xc3\xa9\n"},
    {"<a href='https://x.test/?a=1&amp;b'>Go</a>.",
     "Go (https://x.test/?a=1&b).\n"},
    {"<a href='https://x.test'>https://x.test</a>", "https://x.test\n"},
    {"<a href='mailto:a@x.test'>a@x.test</a>", "a@x.test\n"},
    {"<a href='#top'>Up</a>", "Up\n"},
    {"<a href='https://x.test'><img alt='Logo'></a>",
     "Logo (https://x.test)\n"},
    {"a<a href='https://x.test'><img></a>", "a\n"},
    {"<ul><li>a<li>b<ul><li>c</ul></ul>", "- a\n- b\n\n  - c\n"},
    {"<ol><li>a</li><li><p>b</p></li></ol>", "1. a\n2.\n\n   b\n"},
    {"<table><tr><th>A<th>B<tr><td>1<td>2</table>", "A | B\n1 | 2\n"},
    {"<table><tr><td><p>a</p><td>b</table>", "a\n\nb\n"},
    {"<blockquote>a<p>b</blockquote>c", "> a\n\n> b\n\nc\n"},
    {"<pre>a\n  b</pre>", "a\n  b\n"},
    {"a<hr>b", "a\n\n--------------------\n\nb\n"},
    {"<title>t</title><style>s</style><script>x</script>a", "a\n"},
    {"<div style='color:red; DISPLAY : none'>p</div>a<p hidden>b", "a\n"},
    {"a\xe2\x80\x8b\xc2\xad"
     "b<!-- c -->",
     "ab\n"},
    /* Templates. */
    {"Hi {{ name | default: \"}}\" }}!", "Hi {{ name | default: \"}}\" }}!\n"},
    {"<a href='{{ url }}'>Go</a>", "Go ({{ url }})\n"},
    {"<a href='{{ url }}'>{{ url }}</a>", "{{ url }}\n"},
    {"<a href='mailto:{{ a }}'>{{ a }}</a>", "{{ a }}\n"},
    {"<a href='{{ url }}'>{{ name }}</a>", "{{ name }} ({{ url }})\n"},
    {"<a href=\"{{ a[\"b\"] }}\">Go</a>", "Go ({{ a[\"b\"] }})\n"},
    {"{{{ N|you }}}", "{{{ N|you }}}\n"},
    {"<p>a</p>{% if b < 1 %}<p>c</p>{% endif %}",
     "a{% if b < 1 %}\n\nc{% endif %}\n"},
    {"<table>{% for i in l %}<tr><td>{{ i }}</td></tr>{% endfor %}</table>",
     "{% for i in l %}\n{{ i }}{% endfor %}\n"},
    {"a<ul>{% for i in l %}<li>{{ i }}</li>{% endfor %}</ul>b",
     "a\n{% for i in l %}\n- {{ i }}{% endfor %}\n\nb\n"},
    {"{{ a }} {{ b }}", "{{ a }} {{ b }}\n"},
    {"<div hidden>{% assign a = 1 %}{{ a }}</div>b", "{% assign a = 1 %}b\n"},
    {"<!-- {{ a }} {% b %} -->c", "c\n"},
    {"<style>{% if a %}{% endif %}</style>c", "{% if a %}{% endif %}c\n"},
    {"&#123;&#123; a }} &#123;% b", "{ { a }} { % b\n"},
    {"{<b>{</b>{{ a }}", "{ { {{ a }}\n"},
    {"{{ a", "{ { a\n"},
    {"\xf3\xb0\x80\x80{{ a }}", "\xef\xbf\xbd{{ a }}\n"},
};

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        bool ok = html_text(&out, cases[i].html, strlen(cases[i].html), true);

        if (!ok && !cases[i].text)
            continue;
        if (!ok || !cases[i].text || strcmp(out.data, cases[i].text) != 0)
            fail_msg("%s:\n%s", cases[i].html, ok ? out.data : "nothing\n");
        buf_fini(&out);
    }
}

/* Far beyond what an author writes: bounded, and without recursion. */
static void hostile(void **state)
{
    static const char *const pieces[] = {"<div>",       "<b a=1><p>",
                                         "<table><td>", "<ul><li>",
                                         "{{ a }}",     "<a href=x>"};
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct buf html = {0}, out = {0};

        while (html.len < 500000)
            buf_add_text(&html, pieces[i]);
        buf_add_text(&html, "<frame>x");
        if (html_text(&out, html.data, html.len, true))
            assert_true(out.len <= HTML_TEXT_BYTES_MAX + 1);
        else
            assert_int_equal(out.len, 0);
        buf_fini(&html);
        buf_fini(&out);
    }
}

static void lines_are_wrapped(void **state)
{
    struct buf html = {0}, out = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        buf_add_text(&html, "words of a paragraph ");
    assert_true(html_text(&out, html.data, html.len, true));
    for (char *p = out.data, *end; *p; p = end + 1) {
        end = strchr(p, '\n');
        assert_true(end - p <= HTML_TEXT_COLUMNS && end - p > 0);
    }
    buf_fini(&html);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(hostile),
        cmocka_unit_test(lines_are_wrapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
