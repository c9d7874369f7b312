#include "render/letter.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct written {
    enum status status;
    struct error err;
    struct letter_texts texts;
    struct arena scratch;
    struct buf missing;
};

static void note(void *context, const char *name, size_t len)
{
    buf_addf(context, "%.*s;", (int)len, name);
}

static void write_letter(struct written *w, const struct letter_source *source,
                         const char *variables, bool tell)
{
    json_t *object = variables ? json_loads(variables, 0, NULL) : NULL;
    const struct letter_reader to = {
        .variables = object,
        .email = "ann@example.net",
        .missing = tell ? note : NULL,
        .missing_context = &w->missing,
    };
    struct letter *l;

    *w = (struct written){0};
    w->status = letter_compile(source, &l, &w->err);
    if (w->status == STATUS_OK) {
        w->status = letter_render(l, &to, &w->scratch, &w->texts, &w->err);
        letter_free(l);
    }
    json_decref(object);
}

static void written_fini(struct written *w)
{
    arena_fini(&w->scratch);
    buf_fini(&w->missing);
}

/* Each part in its own way; what is absent stays absent. */
static void renders_parts(void **state)
{
    struct letter_source source = {.subject = "{{ n }} & {{ email }}",
                                   .html = "<p>{{ n }}</p>"};
    struct written w;

    (void)state;
    write_letter(&w, &source, "{\"n\": \"<A>\"}", false);
    assert_string_equal(w.texts.subject, "<A> & ann@example.net");
    assert_string_equal(w.texts.html, "<p>&lt;A&gt;</p>");
    assert_null(w.texts.text);
    written_fini(&w);
    source.generate_text = true;
    write_letter(&w, &source, "{\"n\": \"<A>\"}", false);
    assert_string_equal(w.texts.text, "<A>\n");
    written_fini(&w);
    source.text = "own {{ n }}";
    write_letter(&w, &source, "{\"n\": \"<A>\"}", false);
    assert_string_equal(w.texts.text, "own <A>");
    written_fini(&w);
}

/* In a text that is made from HTML, partials are text, too. */
static void takes_partials(void **state)
{
    json_t *partials = json_pack("{s:s, s:s}", "foot", "<b>Bye {{ x }}</b>",
                                 "img", "<img src=x>");
    const struct letter_source source = {
        .html = "<p>Hi</p>{% render 'foot', x: 1 %}{% include f %}",
        .partials = partials,
        .generate_text = true,
    };
    struct written w;

    (void)state;
    write_letter(&w, &source, "{\"f\": \"img\"}", false);
    assert_string_equal(w.texts.html, "<p>Hi</p><b>Bye 1</b><img src=x>");
    assert_null(strstr(w.texts.text, "<"));
    assert_non_null(strstr(w.texts.text, "Bye 1"));
    written_fini(&w);
    json_decref(partials);
}

static void tells_what_is_missing(void **state)
{
    json_t *defaults = json_pack("{s:s}", "d", "D");
    const struct letter_source source = {.subject = "{{ a }}{{ d }}",
                                         .text = "{{ b }}{{{ c|x }}}",
                                         .defaults = defaults,
                                         .strict_variables = true};
    struct written w;

    (void)state;
    write_letter(&w, &source, NULL, true);
    assert_int_equal(w.status, STATUS_OK);
    assert_string_equal(w.texts.subject, "D");
    assert_string_equal(w.missing.data, "a;b;");
    written_fini(&w);
    write_letter(&w, &source, NULL, false);
    assert_int_equal(w.status, STATUS_INVALID);
    assert_string_equal(w.err.text, "subject: line 1, column 4: there is no "
                                    "variable \"a\"");
    written_fini(&w);
    json_decref(defaults);
}

/* Mistakes are told by their place in the author's text, inlined or not. */
static void names_the_place(void **state)
{
    static const struct {
        struct letter_source source;
        const char *says;
    } cases[] = {
        {{.html = "<style>p{a:1}</style>\n<p>{{ a | nosuch }}",
          .inline_css = true},
         "html: line 2, column 11: there is no filter"},
        {{.text = "{% if %}"}, "text: line 1, column 7"},
        {{.subject = "\xff"}, "subject: byte 1 is not valid UTF-8"},
        {{.html = "{% render 'no' %}"}, "html: line 1, column 1: there is no"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct written w;

        write_letter(&w, &cases[i].source, NULL, false);
        assert_int_equal(w.status, STATUS_INVALID);
        if (!strstr(w.err.text, cases[i].says))
            fail_msg("%s", w.err.text);
        written_fini(&w);
    }
}

static void inlines_css(void **state)
{
    const struct letter_source source = {
        .html = "<style>p{color:{{ c }}}</style><p>", .inline_css = true};
    struct written w;

    (void)state;
    write_letter(&w, &source, "{\"c\": \"a\\\"b\"}", false);
    assert_string_equal(w.texts.html,
                        "<style></style><p style=\"color: a&quot;b\">");
    written_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_parts),
        cmocka_unit_test(takes_partials),
        cmocka_unit_test(tells_what_is_missing),
        cmocka_unit_test(names_the_place),
        cmocka_unit_test(inlines_css),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
