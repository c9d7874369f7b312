#include "render/css.h"
#include "render/css_inline.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct inlined_case {
    const char *html, *want; /* want NULL: as it was */
};

static void check(const struct inlined_case *c, bool templates)
{
    struct buf out = {0};
    struct error err;

    buf_add_text(&out, "before");
    if (css_inline(c->html, strlen(c->html), templates, &out, &err) !=
        STATUS_OK)
        fail_msg("%s: %s", c->html, err.text);
    assert_memory_equal(out.data, "before", 6);
    assert_string_equal(out.data + 6, c->want ? c->want : c->html);
    buf_fini(&out);
}

#define CHECK_ALL(cases)                                                       \
    for (size_t i = 0; i < sizeof(cases) / sizeof *(cases); i++)               \
    check(&(cases)[i], true)

/* clang-format off */

/* What a selector fits: only what is named by `x` is to become red. */
static void selectors(void **state)
{
    static const struct {
        const char *selector, *html, *want;
    } cases[] = {
        {"p", "<p><b>", "<p style=\"color: red\"><b>"},
        {"P", "<p>", "<p style=\"color: red\">"},
        {"*", "<p>", "<p style=\"color: red\">"},
        {".x", "<p class=\"ax x  y\"><p class=ax>",
         "<p style=\"color: red\" class=\"ax x  y\"><p class=ax>"},
        {"p.x.y", "<p class='y x'><p class=x>",
         "<p style=\"color: red\" class='y x'><p class=x>"},
        {"#x", "<p id=x><p id=xy>", "<p style=\"color: red\" id=x><p id=xy>"},
        {"td p", "<table><tr><td><i><p></i></td></table><p>",
         "<table><tr><td><i><p style=\"color: red\"></i></td></table><p>"},
        {"div > p", "<div><p><i></i></p><b><p></p></b></div>",
         "<div><p style=\"color: red\"><i></i></p><b><p></p></b></div>"},
        {"i+b", "<i></i><!-- --> <b></b><b></b>",
         "<i></i><!-- --> <b style=\"color: red\"></b><b></b>"},
        {"i ~ b", "<i></i><u></u><b></b><b></b>",
         "<i></i><u></u><b style=\"color: red\"></b>"
         "<b style=\"color: red\"></b>"},
        {"a b > i", "<a><b><u><b><i></i></b></u></b></a><b><i></i></b>",
         "<a><b><u><b><i style=\"color: red\"></i></b></u></b></a>"
         "<b><i></i></b>"},
        {"[href]", "<a href=y></a><a></a>",
         "<a style=\"color: red\" href=y></a><a></a>"},
        {"[href=y], [ a ~= 'z' ]", "<i href=y></i><b a='x z'></b><u a=zz></u>",
         "<i style=\"color: red\" href=y></i>"
         "<b style=\"color: red\" a='x z'></b><u a=zz></u>"},
        {"a[href^=\"ht\"][href$=com]", "<a href=http://x.com></a><a href=ht>",
         "<a style=\"color: red\" href=http://x.com></a><a href=ht>"},
        {"[lang|=en]", "<i lang=en-GB></i><i lang=english></i>",
         "<i style=\"color: red\" lang=en-GB></i><i lang=english></i>"},
        {"[a*=b]", "<i a=abc></i>", "<i style=\"color: red\" a=abc></i>"},
        {"i:first-child", "<b><i></i><i></i></b>",
         "<b><i style=\"color: red\"></i><i></i></b>"},
        {"i:last-child", "<b><i></i><i></i></b>",
         "<b><i></i><i style=\"color: red\"></i></b>"},
        {"i:only-child", "<b><i></i></b><u><i></i><i></i></u>",
         "<b><i style=\"color: red\"></i></b><u><i></i><i></i></u>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char html[512], want[512];

        snprintf(html, sizeof html, "<style>%s{color:red}</style>%s",
                 cases[i].selector, cases[i].html);
        snprintf(want, sizeof want, "<style></style>%s", cases[i].want);
        check(&(struct inlined_case){html, want}, true);
    }
}

/* Specificity, order, the author's own style, !important. */
static void cascade(void **state)
{
    static const struct inlined_case cases[] = {
        {"<style>#i{a:1}.c{a:2}p{a:3;b:4}</style><p id=i class=c>",
         "<style></style><p style=\"b: 4; a: 1\" id=i class=c>"},
        {"<style>p{a:1}p{a:2}</style><p>",
         "<style></style><p style=\"a: 2\">"},
        {"<style>.c.d{a:1}.c{a:2}</style><p class='c d'>",
         "<style></style><p style=\"a: 1\" class='c d'>"},
        {"<style>p{a:1!important;b:2}#i{a:3}</style><p id=i>",
         "<style></style><p style=\"b: 2; a: 3; a: 1\" id=i>"},
        {"<style>p{a:1 ! IMPORTANT}</style><p style='a: 2'>",
         "<style></style><p style='a: 2; a: 1;'>"},
        {"<style>p{a:1;b:2}</style><p style='a: 2'>",
         "<style></style><p style='a: 1; b: 2; a: 2;'>"},
        {"<style>p{padding:1px}p{padding-left:2px}p{padding:3px}</style><p>",
         "<style></style><p style=\"padding-left: 2px; padding: 3px\">"},
        {"<style>p{a:1}</style><p style=b:2>",
         "<style></style><p style=\"a: 1; b:2;\">"},
        {"<style>p{a:1}</style><p style=\"\"><p style>",
         "<style></style><p style=\"a: 1\"><p style=\"a: 1\">"},
        {"<style>a{x:1}</style><style>a{x:2}</style><a>",
         "<style></style><style></style><a style=\"x: 2\">"},
    };

    (void)state;
    CHECK_ALL(cases);
}

/* What stays in its sheet. */
static void stays(void **state)
{
    static const struct inlined_case cases[] = {
        {"<style>@media (max-width:1px){p{a:1}}</style><p>", NULL},
        {"<style>@import 'x';p{a:1}</style><p>",
         "<style>@import 'x';</style><p style=\"a: 1\">"},
        {"<style>a:hover{a:1}a::before{a:1}</style><a>", NULL},
        {"<style>a,a:hover{a:1}</style><a>",
         "<style>a,a:hover{a:1}</style><a style=\"a: 1\">"},
        {"<style>.nobody{a:1}</style><p>", NULL},
        {"<style media=print>p{a:1}</style><p>", NULL},
        {"<style media=screen>p{a:1}</style><p>",
         "<style media=screen></style><p style=\"a: 1\">"},
        {"<style data-inline=off>p{a:1}</style><p>", NULL},
        {"<!--[if mso]><style>p{a:1}</style><![endif]--><p>", NULL},
        {"<script>p{a:1}</script><p>", NULL},
        {"<p>no style", NULL},
        {"", NULL},
        {"<style>p{*zoom:1;a:1}</style><p>",
         "<style>p{*zoom:1;a:1}</style><p style=\"a: 1\">"},
        {"<style>\n p { a: 1 }\n @media print { p { a: 2 } }\n</style><p>",
         "<style>\n @media print { p { a: 2 } }\n</style><p style=\"a: 1\">"},
    };

    (void)state;
    CHECK_ALL(cases);
}

/* CSS that is hard to read, or wrong. */
static void reading(void **state)
{
    static const struct inlined_case cases[] = {
        {"<style><!-- p/*c*/{/*;*/a:/*x*/1/*}*/;;b : 2 } --></style><p>",
         "<style><!-- --></style><p style=\"a: 1; b: 2\">"},
        {"<style>p{font-family:\"A;B}\",c}</style><p>",
         "<style></style><p style=\"font-family: 'A;B}',c\">"},
        {"<style>p{f:\"it's\"}</style><p>",
         "<style></style><p style=\"f: &quot;it's&quot;\">"},
        {"<style>p{f:'x'}</style><p style='a:1'>",
         "<style></style><p style='f: &#39;x&#39;; a:1;'>"},
        {"<style>p{background:url(data:a;b,c&d)}</style><p>",
         "<style></style><p style=\"background: url(data:a;b,c&amp;d)\">"},
        {"<style>p{a:1", "<style>p{a:1"},
        {"<style>p{a:1}}q{a:2}</style><q>",
         "<style>p{a:1}}</style><q style=\"a: 2\">"},
        {"<style>p{a}p{:1}p{b:}</style><p>", "<style>p{a}p{:1}</style><p>"},
        {"<style>p,{a:1}>p{a:2}p>{a:3}p..a{a:4}[x{a:5}</style><p>",
         "<style>p,{a:1}>p{a:2}p>{a:3}p..a{a:4}[x{a:5}</style>"
         "<p style=\"a: 1\">"},
        {"<style>p{a:1\n2}</style><p>", "<style></style><p style=\"a: 1 2\">"},
        {"<style>p{a:1}</style><P CLASS=a/><p\n>",
         "<style></style><P style=\"a: 1\" CLASS=a/><p style=\"a: 1\"\n>"},
        /* the parser makes two of <b>: it is one in the source */
        {"<style>b{a:1}</style><p><b>x<p>y</b>",
         "<style></style><p><b style=\"a: 1\">x<p>y</b>"},
        {"\xf3\xb0\x80\x80<style>p{a:1}</style><p>\xf3\xb0\x80\x81",
         "\xf3\xb0\x80\x80<style></style><p style=\"a: 1\">\xf3\xb0\x80\x81"},
    };

    (void)state;
    CHECK_ALL(cases);
}

/* Template code is kept, wherever it stands. */
static void templates(void **state)
{
    static const struct inlined_case cases[] = {
        {"<style>p{color:{{ brand | default: \"red\" }};a:1}</style>"
         "<p class=\"{{ c }}\">{{ x }}",
         "<style></style><p style=\"color: {{ brand | default: \"red\" }}; "
         "a: 1\" class=\"{{ c }}\">{{ x }}"},
        {"<style>.a{x:1}</style><p class=\"{% if b %}a{% endif %} a\">",
         "<style></style>"
         "<p style=\"x: 1\" class=\"{% if b %}a{% endif %} a\">"},
        {"<style>p{a:1}</style>{% for i in j %}<p style=\"{{ s }}\">"
         "{% endfor %}",
         "<style></style>"
         "{% for i in j %}<p style=\"a: 1; {{ s }};\">{% endfor %}"},
        {"<style>{% if dark %}p{a:1}{% endif %}</style><p>", NULL},
        {"{% if dark %}<style>p{a:1}</style>{% endif %}<p>", NULL},
        {"{% comment %}<style>p{a:1}</style>{% endcomment %}<p>", NULL},
        {"{% if x %}{% endif %}<style>p{a:1}</style><p>",
         "{% if x %}{% endif %}<style></style><p style=\"a: 1\">"},
        {"{% capture c %}<style>p{a:1}</style><p>{% endcapture %}",
         "{% capture c %}<style></style><p style=\"a: 1\">{% endcapture %}"},
        {"<style>{{ more }} p{a:1} .{{ x }}{b:2} p{{{ y }}}</style><p>",
         "<style>{{ more }} .{{ x }}{b:2} p{{{ y }}}</style>"
         "<p style=\"a: 1\">"},
        {"<style>p{{ x }}{a:1}</style><p>", NULL},
        {"<!--{{ a }}--><style>p{a:1}</style><p><!-- {{ a }} -->",
         "<!--{{ a }}--><style></style><p style=\"a: 1\"><!-- {{ a }} -->"},
        /* HTML may come in that has the class, too */
        {"<style>p{a:1}</style><p>{% render 'x' %}",
         "<style>p{a:1}</style><p style=\"a: 1\">{% render 'x' %}"},
        {"<style>p{a:1}</style><p>{{ x | raw }}",
         "<style>p{a:1}</style><p style=\"a: 1\">{{ x | raw }}"},
    };
    static const struct inlined_case plain = {
        "<style>p{a:1}</style>{% if %}<p>{{",
        "<style></style>{% if %}<p style=\"a: 1\">{{"};

    (void)state;
    CHECK_ALL(cases);
    check(&plain, false);
}

/* clang-format on */

static void refuses(const struct buf *html, const char *what)
{
    struct buf out = {0};
    struct error err;

    assert_int_equal(css_inline(html->data, html->len, true, &out, &err),
                     STATUS_TOO_BIG);
    assert_non_null(strstr(err.text, what));
    assert_int_equal(out.len, 0);
    buf_fini(&out);
}

static void repeat(struct buf *b, const char *text, int n)
{
    for (int i = 0; i < n; i++)
        buf_add_text(b, text);
}

static void limits(void **state)
{
    struct buf html = {0};

    (void)state;
    buf_add_text(&html, "<style>");
    repeat(&html, "p{}", CSS_RULES_MAX + 1);
    buf_add_text(&html, "</style><p>");
    refuses(&html, "rules");
    buf_reset(&html);
    buf_add_text(&html, "<style>");
    repeat(&html, "p,", CSS_SELECTORS_MAX + 1);
    buf_add_text(&html, "p{a:1}</style><p>");
    refuses(&html, "selectors");
    buf_reset(&html);
    buf_add_text(&html, "<style>p{");
    repeat(&html, "a:1;", 501);
    buf_add_text(&html, "}</style><p>");
    refuses(&html, "declarations for one element");
    buf_reset(&html);
    buf_add_text(&html, "<style>p{");
    for (int i = 0; i < 400; i++)
        buf_addf(&html, "a%d:1234567890;", i);
    buf_add_text(&html, "}</style>");
    repeat(&html, "<p>", 2000);
    refuses(&html, "bytes of inlined CSS");
    buf_reset(&html);
    buf_add_text(&html, "<style>");
    repeat(&html, "a a a a a b{c:1}", 1000);
    buf_add_text(&html, "</style>");
    repeat(&html, "<div>", 300);
    repeat(&html, "<b></b>", 3000);
    refuses(&html, "compare");
    buf_reset(&html);
    buf_add_text(&html, "<style>");
    repeat(&html, ".y{c:1}", 3000);
    buf_add_text(&html, "</style><p class='");
    repeat(&html, "x ", 450000);
    buf_add_text(&html, "'>");
    refuses(&html, "compare");
    buf_fini(&html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors), cmocka_unit_test(cascade),
        cmocka_unit_test(stays),     cmocka_unit_test(reading),
        cmocka_unit_test(templates), cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
