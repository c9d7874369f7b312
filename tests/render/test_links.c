#include "render/links.h"
#include "mail/token.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define PUBLIC "https://t.example"

static const unsigned char secret[MAILID_SECRET_BYTES] = {7};
static const struct links_track on = {secret, PUBLIC, {5, 3}, true, true};
static const struct links_track off = {secret, PUBLIC, {5, 3}, false, false};

/* Found, marked and filled, as if the template had rendered to itself. */
static void fill(const char *source, const struct links_track *track,
                 struct buf *out)
{
    struct links l;
    struct buf marked = {0};

    assert_true(links_find(&l, source, strlen(source), true));
    links_mark(&l, source, strlen(source), &marked);
    buf_reset(out);
    links_fill(&l, track, marked.data, marked.len, out);
    buf_add_char(out, 0);
    buf_fini(&marked);
    links_fini(&l);
}

/* What {{ url }} of the first link renders to. */
static void write_link(struct buf *out, const struct links *l, const char *text)
{
    buf_addf(out, "%cW0000%s%c%s%cD0000%s%c", 1, l->nonce, 2, text, 1, l->nonce,
             2);
}

static void expect_links(const char *source, const char *const *urls, size_t n)
{
    struct links l;

    assert_true(links_find(&l, source, strlen(source), true));
    assert_int_equal(l.n, n);
    for (size_t i = 0; i < n; i++)
        if (urls[i])
            assert_string_equal(l.all[i].url, urls[i]);
        else
            assert_null(l.all[i].url);
    links_fini(&l);
}

static void finds_links(void **state)
{
    static const char source[] =
        "<p><a href=\"https://a.example/?x=1&amp;y=2\">a</a>"
        "<a href='http://b.example'>b</a> <A HREF=HTTPS://C.example>c</A>"
        "<a href=\"mailto:x@y.example\">m</a><a href=\"#top\">t</a>"
        "<a href=\"tel:1\">t</a><a name=x>n</a><a href=\"/rel\">r</a>"
        "<map><area href=\"https://d.example/\"></map>"
        "<a data-track=\"off\" href=\"https://no.example/\">no</a>"
        "<a href=\"{{ url }}\">e</a>"
        "<a href=\"https://f.example/{{ id | append: \"x\" }}?q\">f</a>"
        "<!-- <a href=\"https://comment.example\">c</a> -->"
        "<style>a[href=\"https://s.example\"] {}</style>";
    const char *const urls[] = {"https://a.example/?x=1&y=2",
                                "http://b.example",
                                "HTTPS://C.example",
                                "https://d.example/",
                                NULL,
                                NULL};

    (void)state;
    expect_links(source, urls, 6);
}

/* Elements closed in the wrong order are repeated by the parser. */
static void finds_each_once(void **state)
{
    static const char source[] =
        "<a href=\"https://a.example\"><p>x</a>y</p><b><a "
        "href=https://b.example><i>z</b></i></a><table><a "
        "href=\"https://c.example\"><tr><td>q</a></table>";
    const char *const urls[] = {"https://a.example", "https://b.example",
                                "https://c.example"};

    (void)state;
    expect_links(source, urls, 3);
}

/* Whatever the author wrote comes back to the byte. */
static void restores_what_was_written(void **state)
{
    static const char *const sources[] = {
        "<a href = 'https://a.example/?a=1&b=2' >x</a>\r\n\t<br/>",
        "<body><a href={{ url }}>x</a></BODY ></html>\n",
        ("{% if a %}<a href=\"https://a\">{% else %}<a "
         "href=\"{{ b }}\">{% endif %}x</a>"),
        "no html at all & < >",
        "<a href=\"https://a.example",
        "",
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        fill(sources[i], &off, &out);
        assert_string_equal(out.data, sources[i]);
    }
    buf_fini(&out);
}

/* The href of the only link of a filled mail. */
static const char *href_of(const struct buf *out, size_t *len)
{
    const char *from = strstr(out->data, "href=\"");

    assert_non_null(from);
    from += strlen("href=\"");
    *len = strcspn(from, "\"");
    return from;
}

static void signs_constant_links(void **state)
{
    struct buf out = {0};
    struct token token;
    size_t len;

    (void)state;
    fill("<a href=\"https://a.example/\">a</a>", &on, &out);
    const char *href = href_of(&out, &len);
    size_t prefix = strlen(PUBLIC "/c/");

    assert_memory_equal(href, PUBLIC "/c/", prefix);
    assert_true(
        token_parse(secret, href + prefix, len - prefix, NULL, 0, &token));
    assert_int_equal(token.purpose, TOKEN_CLICK);
    assert_int_equal(token.link, 0);
    assert_true(token.mail.batch == 5 && token.mail.seq == 3);
    buf_fini(&out);
}

static void sends_written_targets_along(void **state)
{
    static const char target[] = "https://a.example/?a=1&b='2'";
    struct buf out = {0};
    struct links l;
    struct token token;
    unsigned char read[200];
    size_t len, prefix = strlen(PUBLIC "/c/");
    struct buf rendered = {0};

    (void)state;
    assert_true(links_find(&l, "<a href=\"{{ url }}\">", 21, true));
    buf_add_text(&rendered, "<a href=\"");
    write_link(&rendered, &l, "https://a.example/?a=1&amp;b=&#39;2&#39;");
    buf_add_text(&rendered, "\">a</a>");
    links_fill(&l, &on, rendered.data, rendered.len, &out);
    buf_add_char(&out, 0);
    const char *href = href_of(&out, &len);
    const char *query = memchr(href + prefix, '?', len - prefix);

    assert_non_null(query);
    long n = token_unbase64(query + 3, (size_t)(href + len - query - 3), read);

    assert_int_equal(n, strlen(target));
    assert_memory_equal(read, target, strlen(target));
    assert_true(token_parse(secret, href + prefix,
                            (size_t)(query - href) - prefix, target,
                            strlen(target), &token));
    assert_int_equal(token.purpose, TOKEN_CLICK_TARGET);
    links_fini(&l);
    buf_fini(&out);
    buf_fini(&rendered);
}

/* Where a link leads whose written value is text; "" if it is not tracked. */
static const char *target_of(const char *text)
{
    static unsigned char read[LINKS_TARGET_MAX + 1];
    struct links l;
    struct buf in = {0}, out = {0};

    assert_true(links_find(&l, "<a href=\"{{ url }}\">", 21, true));
    write_link(&in, &l, text);
    links_fill(&l, &on, in.data, in.len, &out);
    buf_add_char(&out, 0);
    const char *query = strstr(out.data, "?u=");
    long n = 0;

    if (strncmp(out.data, PUBLIC "/c/", strlen(PUBLIC "/c/")) == 0 && query)
        n = token_unbase64(query + 3, strlen(query + 3), read);
    else
        assert_string_equal(out.data, text);
    assert_true(n >= 0);
    read[n] = 0;
    links_fini(&l);
    buf_fini(&in);
    buf_fini(&out);
    return (const char *)read;
}

/* What a browser would make of it; or nothing, and it stays as it was. */
static void reads_references_as_browsers_do(void **state)
{
    static const struct {
        const char *text, *target;
    } cases[] = {
        {"http://a/?b=1&amp;c=2", "http://a/?b=1&c=2"},
        {"http://a/?b=1&c=2", "http://a/?b=1&c=2"},
        {"http://a/?b=1&copy=2", "http://a/?b=1&copy=2"},
        {"http://a/?b&c", "http://a/?b&c"},
        {"http://a/?&", "http://a/?&"},
        {"http://a/?&;", "http://a/?&;"},
        {"http://a/&#38;&#x26;&#X26;&#039;", "http://a/&&&'"},
        {"http://a/&#xe9;&#8364;&#128512;",
         "http://a/\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"http://a/&eacute;", ""},
        {"http://a/?b&copy", ""},
        {"http://a/?b&ampc", ""},
        {"http://a/&#10;", ""},
        {"http://a/&#0;", ""},
        {"http://a/&#xd800;", ""},
        {"http://a/&#x110000;", ""},
        {"http://a/&#99999999999;", ""},
        {"http://a/&#150;", ""},
        {"http://a/&#", ""},
        {"http://a/&#x", ""},
        {"http://a/&#38", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(target_of(cases[i].text), cases[i].target);
}

/* A template may write anything: what is no http URL stays as it is, and so do
 * our own links for unsubscribing. */
static void leaves_other_targets_alone(void **state)
{
    static const char *const targets[] = {
        "javascript:alert(1)", "mailto:a@b.example", "", "/x",
        (PUBLIC "/u/abc"),     "https://with space"};
    struct links l;
    struct buf out = {0}, in = {0};

    (void)state;
    assert_true(links_find(&l, "<a href=\"{{ url }}\">", 21, true));
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        buf_reset(&in);
        buf_reset(&out);
        write_link(&in, &l, targets[i]);
        links_fill(&l, &on, in.data, in.len, &out);
        buf_add_char(&out, 0);
        assert_string_equal(out.data, targets[i]);
    }
    links_fini(&l);
    buf_fini(&in);
    buf_fini(&out);
}

static void puts_the_pixel_at_the_end_of_the_body(void **state)
{
    struct buf out = {0};

    (void)state;
    fill("<body>x</body></html>", &on, &out);
    const char *image = strstr(out.data, "<img src=\"" PUBLIC "/o/");

    assert_non_null(image);
    assert_ptr_equal(image, out.data + strlen("<body>x"));
    assert_non_null(strstr(image, ".gif\""));
    assert_non_null(strstr(image, "></body></html>"));
    fill("x", &on, &out);
    assert_ptr_equal(strstr(out.data, "<img"), out.data + 1);
    buf_fini(&out);
}

/* Marks cut anywhere. */
static void survives_marks_that_are_none(void **state)
{
    static const char *const marks[] = {"",      "W0000", "C0000", "C9999",
                                        "D0000", "W0000", "P0000", "W0000"};
    struct links l;
    struct buf out = {0}, hostile = {0};

    (void)state;
    assert_true(links_find(&l, "<a href=\"{{ url }}\">", 21, true));
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        buf_addf(&hostile, "%c%s%s%cx%c", 1, marks[i], l.nonce, 2, 1);
    for (size_t from = 0; from < hostile.len; from++)
        for (size_t to = from; to < hostile.len; to++) {
            buf_reset(&out);
            links_fill(&l, &on, hostile.data + from, to - from, &out);
            assert_null(out.len ? memchr(out.data, 1, out.len) : NULL);
        }
    links_fini(&l);
    buf_fini(&out);
    buf_fini(&hostile);
}

/* Somebody signs up under a name that has marks in it: nothing is signed for
 * him. */
static void signs_no_mark_of_strangers(void **state)
{
    static const char name[] = "\x01W0000"
                               "00000000\x02https://evil.example\x01"
                               "D000000000000\x02\x01W0000\x02https://evil."
                               "example\x01"
                               "D0000\x02";
    struct links l, other;
    struct buf out = {0}, in = {0};

    (void)state;
    assert_true(links_find(&l, "<a href=\"{{ url }}\">", 21, true));
    assert_true(links_find(&other, "<a href=\"{{ url }}\">", 21, true));
    assert_string_not_equal(l.nonce, other.nonce);
    buf_add(&in, name, sizeof name - 1);
    write_link(&in, &other, "https://evil.example");
    links_fill(&l, &on, in.data, in.len, &out);
    buf_add_char(&out, 0);
    assert_null(strstr(out.data, PUBLIC));
    assert_null(strchr(out.data, 1));
    links_fini(&l);
    links_fini(&other);
    buf_fini(&in);
    buf_fini(&out);
}

static void refuses_control_characters(void **state)
{
    struct links l;

    (void)state;
    assert_false(links_find(&l, "a\x01", 2, true));
    assert_false(links_find(&l, "a\x02", 2, false));
    assert_int_equal(l.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_links),
        cmocka_unit_test(finds_each_once),
        cmocka_unit_test(restores_what_was_written),
        cmocka_unit_test(signs_constant_links),
        cmocka_unit_test(sends_written_targets_along),
        cmocka_unit_test(reads_references_as_browsers_do),
        cmocka_unit_test(leaves_other_targets_alone),
        cmocka_unit_test(puts_the_pixel_at_the_end_of_the_body),
        cmocka_unit_test(survives_marks_that_are_none),
        cmocka_unit_test(signs_no_mark_of_strangers),
        cmocka_unit_test(refuses_control_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
