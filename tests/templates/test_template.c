#include "templates/template.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char VALUES[] =
    "{\"name\": \"Jo\", \"html\": \"<b>&\\\"'</b>\", \"empty\": \"\","
    " \"null\": null, \"yes\": true, \"no\": false, \"n\": -12, \"zero\": 0,"
    " \"big\": 9223372036854775807,"
    " \"least\": -9223372036854775808, \"r\": 0.1, \"third\": 1e21,"
    " \"precise\": 0.30000000000000004, \"half\": 2.5, \"whole\": 3.0,"
    " \"contact\": {\"first_name\": \"Ann\", \"a b\": \"key\"},"
    " \"items\": [{\"x\": \"first\"}, {\"x\": 2}], \"rows\": [[1, [\"in\"]]],"
    " \"a-b\": \"dash\", \"_u1\": \"under\", \"pr\xc3\xa9nom\": \"Zo\xc3\xab\","
    " \"json\": {\"k\": [\"<\", \"\xc3\xa9\"]}}";

static const struct template_builtin BUILTINS[] = {
    {"email", "jo&@example.com"},

};

static enum status render(const char *source, enum template_escape escape,
                          struct buf *out, struct error *err)
{
    size_t len = strlen(source);
    char *copy = memcpy(malloc(len + !len), source, len);
    struct template *t;
    enum status st = template_compile(copy, len, escape, &t, err);

    free(copy); /* the template keeps its own */
    if (st != STATUS_OK)
        return st;
    json_t *object = json_loads(VALUES, 0, NULL);
    struct template_values values = {object, BUILTINS, 1};
    st = template_render(t, &values, out, err);
    template_free(t);
    json_decref(object);
    return st;
}

struct rendering {
    const char *source, *want;
};

static void check(const struct rendering *cases, size_t n,
                  enum template_escape escape)
{
    for (size_t i = 0; i < n; i++) {
        struct buf out = {0};
        struct error err = {0};

        buf_add_text(&out, ">");
        if (render(cases[i].source, escape, &out, &err) != STATUS_OK)
            fail_msg("%s: %s", cases[i].source, err.text);
        assert_string_equal(out.data + 1, cases[i].want);
        buf_fini(&out);
    }
}

static void text(void **state)
{
    static const struct rendering cases[] = {
        {"", ""},
        {"plain { brace } %} }}", "plain { brace } %} }}"},
        {"{", "{"},
        {"{{name}}", "Jo"},
        {"a{{ name }}b{{\tname\n}}c", "aJobJoc"},
        {"{{ contact.first_name }}", "Ann"},
        {"{{ contact[\"first_name\"] }}", "Ann"},
        {"{{ contact['a b'] }}", "key"},
        {"{{ items[0].x }}{{ items[1].x }}", "first2"},
        {"{{ rows[0][1][0] }}", "in"},
        {"{{ a-b }}{{ _u1 }}{{ pr\xc3\xa9nom }}", "dashunderZo\xc3\xab"},
        /* Missing in every way. */
        {"[{{ nope }}]", "[]"},
        {"[{{ nope.nope[3] }}]", "[]"},
        {"[{{ name.x }}]", "[]"},
        {"[{{ name[0] }}]", "[]"},
        {"[{{ items[2] }}]", "[]"},
        {"[{{ items.x }}]", "[]"},
        {"[{{ contact[0] }}]", "[]"},
        {"[{{ Name }}]", "[]"},
        /* Values. */
        {"[{{ null }}{{ empty }}]", "[]"},
        {"{{ yes }} {{ no }}", "true false"},
        {"{{ n }} {{ zero }} {{ big }}", "-12 0 9223372036854775807"},
        {"{{ least }}", "-9223372036854775808"},
        {"{{ r }} {{ third }} {{ precise }} {{ half }} {{ whole }}",
         "0.1 1e+21 0.30000000000000004 2.5 3"},
        {"{{ json }}", "{\"k\":[\"<\",\"\xc3\xa9\"]}"},
        {"{{ html }}", "<b>&\"'</b>"},
        /* White space. */
        {"a \n {{- name -}} \t b", "aJob"},
        {"a {{-name}} b", "aJo b"},
        {"a {{name-}} b", "a Job"},
        {"{{ name -}}  {{- name }}", "JoJo"},
        {"{{ name -}}  ", "Jo"},
        {"{{ a-b-}} x", "dashx"},
        /* Fallbacks. */
        {"{{{name}}}", "Jo"},
        {"{{{ name | there }}}", "Jo"},
        {"{{{nope|there}}}", "there"},
        {"{{{nope| you {there} }}}", " you {there} "},
        {"{{{nope|}}}", ""},
        {"{{{empty|there}}}", "there"},
        {"{{{null|there}}}", "there"},
        {"{{{zero|there}}}{{{no|there}}}", "0false"},
        {"{{{contact.last_name|there}}}", "there"},
        /* Built in, unless passed. */
        {"{{ email }}", "jo&@example.com"},
        {"{{{email|x}}}", "jo&@example.com"},
        {"[{{ email.x }}{{ contact.email }}]", "[]"},
    };

    (void)state;
    check(cases, sizeof cases / sizeof *cases, TEMPLATE_TEXT);
}

static void html(void **state)
{
    static const struct rendering cases[] = {
        {"<p>&{{ name }}", "<p>&Jo"},
        {"{{ html }}", "&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;"},
        {"{{{ html }}}", "&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;"},
        {"{{{nope|<you>}}}", "&lt;you&gt;"},
        {"{{ json }}", "{&quot;k&quot;:[&quot;&lt;&quot;,&quot;\xc3\xa9"
                       "&quot;]}"},
        {"{{ email }}", "jo&amp;@example.com"},
    };

    (void)state;
    check(cases, sizeof cases / sizeof *cases, TEMPLATE_HTML);
}

static const struct rendering refusals[] = {
    {"{{", "line 1, column 3: expected the name of a variable, found the "
           "end of the text"},
    {"{{ }}", "line 1, column 4: expected the name of a variable, found "
              "\"}}\""},
    {"a\n\xc3\xb6 {{ 1x }}", "line 2, column 6: expected the name of a "
                             "variable, found \"1x }}\""},
    {"{{ name", "line 1, column 8: expected }} behind the variable, found "
                "the end of the text"},
    {"{{ name }", "line 1, column 9: expected }} behind the variable, "
                  "found \"}\""},
    {"{{ name other }}", "line 1, column 9: expected }} behind the "
                         "variable, found \"other }}\""},
    {"{{ name - }}", "line 1, column 10: expected }} behind the variable, "
                     "found \" }}\""},
    {"{{ name ?\n", "line 1, column 9: expected }} behind the variable, "
                    "found \"?\""},
    {"{{ a.\n}}", "line 1, column 6: expected the name of a variable, "
                  "found the end of the line"},
    {"{{ a..b }}", "line 1, column 6: expected the name of a variable, "
                   "found \".b }}\""},
    {"{{ a[ }}", "line 1, column 6: expected an index, or a key in "
                 "quotation marks, found \" }}\""},
    {"{{ a[", "line 1, column 6: expected an index, or a key in "
              "quotation marks, found the end of the text"},
    {"{{ a[-1] }}", "line 1, column 6: expected an index, or a key in "
                    "quotation marks, found \"-1] }}\""},
    {"{{ a[1 }}", "line 1, column 7: expected ], found \" }}\""},
    {"{{ a['x }}", "line 1, column 6: a quotation mark is not closed"},
    {"{{ a[1234567890] }}",
     "line 1, column 6: the index has more than 9 digits"},
    {"{{ name | upcase }}",
     "line 1, column 9: filters are not supported yet (a fallback is "
     "written {{{name|fallback}}})"},
    {"x\n\n  {% if a %}",
     "line 3, column 3: tags are not supported yet, found \"{%\""},
    {"{{{ name }}", "line 1, column 10: expected }}} or | behind the "
                    "variable, found \"}}\""},
    {"{{{ name | x }}", "line 1, column 16: expected }}} behind the "
                        "fallback, found the end of the text"},
    {"{{{{ name }}}}", "line 1, column 4: expected the name of a "
                       "variable, found \"{ name }}}}\""},
    {"{{ a aaaaaaaaaaaaaaaaaaaaaaaaaaaaa }}",
     "line 1, column 6: expected }} behind the variable, found "
     "\"aaaaaaaaaaaaaaaaaaaa\""},
    {"{{ a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q }}",
     "line 1, column 37: the path has more than 16 steps"},
};

static void errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct buf out = {0};
        struct error err = {0};

        assert_int_equal(render(refusals[i].source, TEMPLATE_TEXT, &out, &err),
                         STATUS_INVALID);
        assert_string_equal(err.text, refusals[i].want);
        buf_fini(&out);
    }
}

static void limits(void **state)
{
    struct buf source = {0}, out = {0};
    struct error err;
    struct template *t;

    (void)state;
    for (int i = 0; i < TEMPLATE_VARIABLES_MAX; i++)
        buf_add_text(&source, "{{a}}\n");
    assert_int_equal(
        template_compile(source.data, source.len, TEMPLATE_TEXT, &t, &err),
        STATUS_OK);

    /* 10,000 times 2,000 bytes are too many; out is as before. */
    char long_value[2001];
    memset(long_value, 'x', sizeof long_value - 1);
    long_value[sizeof long_value - 1] = 0;
    struct template_builtin a = {"a", long_value};
    struct template_values values = {NULL, &a, 1};
    buf_add_text(&out, "before");
    assert_int_equal(template_render(t, &values, &out, &err), STATUS_TOO_BIG);
    assert_string_equal(err.text, "the text has more than 16777216 bytes");
    assert_string_equal(out.data, "before");
    template_free(t);

    buf_add_text(&source, "{{a}}");
    assert_int_equal(
        template_compile(source.data, source.len, TEMPLATE_TEXT, &t, &err),
        STATUS_INVALID);
    assert_string_equal(err.text,
                        "line 10001, column 1: more than 10000 variables");
    buf_reserve(&source, TEMPLATE_SOURCE_MAX);
    memset(source.data, ' ', TEMPLATE_SOURCE_MAX + 1);
    assert_int_equal(template_compile(source.data, TEMPLATE_SOURCE_MAX + 1,
                                      TEMPLATE_TEXT, &t, &err),
                     STATUS_TOO_BIG);
    buf_fini(&source);
    buf_fini(&out);
}

static void constants(void **state)
{
    struct template *t;
    struct error err;

    (void)state;
    assert_int_equal(template_compile("{ a }", 5, TEMPLATE_HTML, &t, &err),
                     STATUS_OK);
    assert_true(template_is_constant(t));
    template_free(t);
    assert_int_equal(template_compile("{{ a }}", 7, TEMPLATE_HTML, &t, &err),
                     STATUS_OK);
    assert_false(template_is_constant(t));
    template_free(t);
    template_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),      cmocka_unit_test(html),
        cmocka_unit_test(errors),    cmocka_unit_test(limits),
        cmocka_unit_test(constants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
