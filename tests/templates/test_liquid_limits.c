#include "templates/liquid.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void refuses(const char *source, const char *data, enum status want,
                    const char *why)
{
    struct liquid_case c = {source, data, NULL};
    struct buf out = {0};
    enum status st =
        liquid_render(&c, (struct template_options){.strict_filters = true},
                      (struct template_values){0}, &out);

    if (st != want || !strstr(out.data, why))
        fail_msg("%.60s: %d, %.80s, not %s", source, (int)st, out.data, why);
    buf_fini(&out);
}

/* Templates that would run for ever, or fill the memory. */
static void renders(void **state)
{
    static const char RECURSION[] =
        "{\"partials\": {\"a\": \"{% render 'a' %}\","
        " \"b\": \"{% assign n = 'b' %}{% include n %}\"}}";

    (void)state;
    refuses("{% for i in (1..2000000) %}{% endfor %}", NULL, STATUS_TOO_BIG,
            "more than 1000000 iterations");
    refuses("{% for i in (1..9999) %}{% for j in (1..9999) %}"
            "{% assign x = 1 %}{% endfor %}{% endfor %}",
            NULL, STATUS_TOO_BIG, "more than 1000000 iterations");
    refuses("{% assign a = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..40) %}"
            "{% assign a = a | append: a %}{% endfor %}",
            NULL, STATUS_TOO_BIG, "bytes of values");
    refuses("{% assign a = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..19) %}"
            "{% assign a = a | append: a %}{% endfor %}"
            "{{ a }}{{ a }}{{ a }}",
            NULL, STATUS_TOO_BIG, "more than 16777216 bytes of output");
    refuses("{% assign a = '1,2' | split: ',' %}{% for i in (1..40) %}"
            "{% assign a = a | concat: a %}{% endfor %}",
            NULL, STATUS_TOO_BIG, "more than");
    refuses("{{ (1..9223372036854775807) | join }}", NULL, STATUS_TOO_BIG,
            "more than 5000000 steps");
    refuses("{% for i in (-9223372036854775808..9223372036854775807) offset: "
            "-9223372036854775807 %}{{ forloop.rindex | size }}{% endfor %}",
            NULL, STATUS_TOO_BIG, "more than 1000000 iterations");
    refuses("{{ (1..90000) | reverse | sort | uniq | size }}", NULL,
            STATUS_TOO_BIG, "more than 5000000 steps");
    refuses("{% assign a = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..19) %}"
            "{% assign a = a | append: a %}{% endfor %}"
            "{% for i in (1..9999) %}{{ a.size }}{% endfor %}",
            NULL, STATUS_TOO_BIG, "more than 5000000 steps");
    refuses("{% render 'a' %}", RECURSION, STATUS_TOO_BIG,
            "partial \"a\": line 1, column 1: more than 90 partials");
    refuses("{% include 'b' %}", RECURSION, STATUS_TOO_BIG, "more than 90");
}

static void mistakes(void **state)
{
    (void)state;
    refuses("a\n {% if 1 < 'a' %}{% endif %}", NULL, STATUS_INVALID,
            "line 2, column 10: comparison of Integer with String failed");
    refuses("{{ 1 | divided_by: 0 }}", NULL, STATUS_INVALID,
            "line 1, column 8: divided by 0");
    refuses("{{ 'a' | slice: 'b' }}", NULL, STATUS_INVALID,
            "line 1, column 10: expected an integer, found \"b\"");
    refuses("{{ '\xff' | base64_encode | base64_decode }}", NULL,
            STATUS_INVALID, "not valid UTF-8");
    refuses("{% render 'p' %}", "{\"partials\": {\"p\": \"\\n {{ | }}\"}}",
            STATUS_INVALID,
            "partial \"p\": line 2, column 5: expected a value");
    refuses("{% include n %}", "{\"n\": \"nope\"}", STATUS_INVALID,
            "there is no partial \"nope\"");
    refuses("{% render 'p' %}",
            "{\"partials\": {\"p\": \"{% include 'p' %}\"}}", STATUS_INVALID,
            "include is not allowed");
}

static void sources(void **state)
{
    struct buf source = {0};

    (void)state;
    for (int i = 0; i < TEMPLATE_NESTING_MAX + 1; i++)
        buf_add_text(&source, "{% if a %}");
    refuses(source.data, NULL, STATUS_INVALID, "more than 100 blocks");
    buf_reset(&source);
    buf_add_text(&source, "{{ a");
    for (int i = 0; i < TEMPLATE_NESTING_MAX + 1; i++)
        buf_add_text(&source, "[a");
    buf_add_text(&source, " }}");
    refuses(source.data, NULL, STATUS_INVALID, "more than 100 brackets");
    buf_reset(&source);
    buf_add_text(&source, "{{ a");
    for (int i = 0; i < TEMPLATE_PATH_MAX + 1; i++)
        buf_add_text(&source, ".a");
    buf_add_text(&source, " }}");
    refuses(source.data, NULL, STATUS_INVALID, "more than 100 steps");
    buf_reset(&source);
    for (int i = 0; i < TEMPLATE_NODES_MAX + 1; i++)
        buf_add_text(&source, "{{}}");
    refuses(source.data, NULL, STATUS_INVALID, "more than 500000 outputs");
    buf_reset(&source);
    buf_add_text(&source, "{% if a");
    for (int i = 0; i < 1000000; i++)
        buf_add_text(&source, " or a");
    buf_add_text(&source, " %}{% endif %}");
    refuses(source.data, NULL, STATUS_INVALID, "more than 100663296 bytes");
    buf_reset(&source);
    buf_add_text(&source, "{% raw %}");
    for (int i = 0; i < 2000000; i++)
        buf_add_text(&source, "{%");
    refuses(source.data, NULL, STATUS_INVALID, "raw %} is not closed");
    buf_reset(&source);
    memset(buf_reserve(&source, TEMPLATE_SOURCE_MAX + 1), ' ',
           TEMPLATE_SOURCE_MAX + 1);
    source.data[TEMPLATE_SOURCE_MAX + 1] = 0;
    refuses(source.data, NULL, STATUS_TOO_BIG, "more than 8388608 bytes");
    buf_fini(&source);
}

/* out is as it was; missing variables are refused where they are shown. */
static void strictness(void **state)
{
    static const struct {
        const char *source, *want;
    } cases[] = {
        {"{{ a.b }}", "line 1, column 4: there is no variable \"a.b\""},
        {"{{ a.c }}{{ n }}", "1"},
        {"{{ x | upcase }}", "line 1, column 4: there is no variable \"x\""},
        {"{{ x | default: 'y' }}", "y"},
        {"{{{x|y}}}", "y"},
        {"{{{x}}}", "line 1, column 4: there is no variable \"x\""},
        {"{% if x %}{% elsif x.y == 1 %}{% else %}n{% endif %}", "n"},
        {"{% for i in x %}{% endfor %}",
         "line 1, column 13: there is no variable \"x\""},
        {"{{ 'a' | append: x }}",
         "line 1, column 18: there is no variable \"x\""},
        {"{% assign x = 1 %}{{ x }}", "1"},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct liquid_case c = {cases[i].source,
                                "{\"a\": {\"c\": 1}, \"n\": null}", NULL};

        (void)liquid_render(&c,
                            (struct template_options){.strict_variables = true},
                            (struct template_values){0}, &out);
        assert_string_equal(out.data, cases[i].want);
    }
    buf_fini(&out);
}

static void note(void *context, const char *name, size_t len)
{
    buf_addf(context, "%.*s;", (int)len, name);
}

/* Told of all that is missing, nothing fails; what has a default is not. */
static void missing_ones(void **state)
{
    const struct liquid_case c = {
        "{{ a }}{{ b.c }}{{ d | default: 'x' }}{{ e }}{{ n }}{{{ f|y }}}"
        "{% for i in g %}{% endfor %}{% if h %}{% endif %}{{ a }}",
        "{\"n\": null, \"b\": {}}", NULL};
    json_t *defaults = json_loads("{\"e\": \"E\", \"n\": 3}", 0, NULL);
    struct buf out = {0}, names = {0};

    (void)state;
    assert_int_equal(
        liquid_render(&c, (struct template_options){.strict_variables = true},
                      (struct template_values){.defaults = defaults,
                                               .missing = note,
                                               .missing_context = &names},
                      &out),
        STATUS_OK);
    assert_string_equal(out.data, "xE3y");
    assert_string_equal(names.data, "a;b.c;g;a;");
    json_decref(defaults);
    buf_fini(&names);
    buf_fini(&out);
}

static void named_partials(void **state)
{
    static const struct {
        const char *source;
        bool named;
    } cases[] = {{"{% render 'a' %}{% include 'b' %}", false},
                 {"{% if x %}{% include x %}{% endif %}", true}};
    struct template_options options = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *source = cases[i].source;
        struct template *t;

        assert_int_equal(
            template_compile_with(source, strlen(source), &options, &t, NULL),
            STATUS_OK);
        assert_int_equal(template_names_partials(t), cases[i].named);
        template_free(t);
    }
}

static void faults(void **state)
{
    struct template_fault f = {0};
    struct template_options options = {.fault = &f};
    struct template *t;

    (void)state;
    assert_int_equal(template_compile_with("a\n{{ | }}", 9, &options, &t, NULL),
                     STATUS_INVALID);
    assert_int_equal(f.line, 2);
    assert_int_equal(f.column, 4);
    assert_string_equal(f.message, "expected a value, found \"| }}\"");
    assert_string_equal(f.partial, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders),      cmocka_unit_test(mistakes),
        cmocka_unit_test(sources),      cmocka_unit_test(strictness),
        cmocka_unit_test(missing_ones), cmocka_unit_test(named_partials),
        cmocka_unit_test(faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
