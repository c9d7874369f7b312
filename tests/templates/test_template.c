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
    struct arena scratch = {0};
    struct template_values values = {
        .object = object, .builtins = BUILTINS, .n_builtins = 1};
    st = template_render(t, &values, &scratch, out, err);
    arena_fini(&scratch);
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
         "0.1 1.0e+21 0.30000000000000004 2.5 3.0"},
        {"{{ json }}", "{\"k\"=>[\"<\", \"\xc3\xa9\"]}"},
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
        {"{{{ nope | you {there} }}},", "you {there},"},
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
        {"{{ json }}", "{&quot;k&quot;=&gt;[&quot;&lt;&quot;, &quot;\xc3\xa9"
                       "&quot;]}"},
        {"{{ email }}", "jo&amp;@example.com"},
    };

    (void)state;
    check(cases, sizeof cases / sizeof *cases, TEMPLATE_HTML);
}

static const struct rendering refusals[] = {
    {"{{ 1x }}", "line 1, column 5: expected a filter or the end of the tag, "
                 "found \"x }}\""},
    {"{{ name", "line 1, column 1: expected }} behind {{, found \"{{ name\""},
    {"{{ name }",
     "line 1, column 1: expected }} behind {{, found \"{{ name }\""},
    {"{{ name other }}", "line 1, column 9: expected a filter or the end of "
                         "the tag, found \"other }}\""},
    {"{{ name - }}", "line 1, column 9: expected a filter or the end of the "
                     "tag, found \"- }}\""},
    {"{{ name ?\n",
     "line 1, column 1: expected }} behind {{, found \"{{ name ?\""},
    {"{{ a.\n}}",
     "line 2, column 1: expected a name behind \".\", found \"}}\""},
    {"{{ a..b }}", "line 1, column 5: expected a filter or the end of the tag, "
                   "found \"..b }}\""},
    {"{{ a[ }}", "line 1, column 7: expected a value, found \"}}\""},
    {"{{ a[1 }}", "line 1, column 8: expected ], found \"}}\""},
    {"{{ a['x }}", "line 1, column 6: a quotation mark is not closed: 'x }}"},
    {"{{ [a] }}", "line 1, column 4: expected a value, found \"[\": a variable "
                  "whose name is not fixed is written self[...]"},
    {"{{ a.1 }}",
     "line 1, column 6: expected a name behind \".\", found \"1 }}\""},
    {"{{ a | }}",
     "line 1, column 8: expected the name of a filter, found \"}}\""},
    {"{{ a | upcase: 1 }}",
     "line 1, column 8: the filter upcase takes 0 arguments, found 1"},
    {"{{ a | append }}",
     "line 1, column 8: the filter append takes 1 argument, found 0"},
    {"{{ a | upcse }}",
     "line 1, column 8: there is no filter \"upcse\", is \"upcase\" meant?"},
    {"{{ a | default: 'x' other }}", "line 1, column 21: expected a filter or "
                                     "the end of the tag, found \"other }}\""},
    {"{{ (1..2 }}",
     "line 1, column 10: expected \")\" behind a range, found \"}}\""},
    {"{{ (1,2) }}",
     "line 1, column 6: expected \"..\" of a range, found \",2) }}\""},
    {"{{ a & b }}", "line 1, column 6: expected a filter or the end of the "
                    "tag, found \"& b }}\""},
    {"{% if a %}", "line 1, column 1: {% if %} is not closed by {% endif %}"},
    {"{% if %}x{% endif %}",
     "line 1, column 7: expected a value, found \"%}x{% endif %}\""},
    {"{% if a == %}x{% endif %}",
     "line 1, column 12: expected a value, found \"%}x{% endif %}\""},
    {"{% if a %}x{% endfor %}", "line 1, column 12: expected {% endif %} or a "
                                "known tag, found \"endfor\""},
    {"{% if a %}x{% elsif %}{% endif %}",
     "line 1, column 21: expected a value, found \"%}{% endif %}\""},
    {"{% endif %}", "line 1, column 1: expected a tag, found \"endif\""},
    {"{% iff a %}",
     "line 1, column 1: expected a tag, found \"iff\", is \"if\" meant?"},
    {"{% else %}", "line 1, column 1: expected a tag, found \"else\""},
    {"{% for x of y %}{% endfor %}",
     "line 1, column 10: expected \"in\", found \"of y %}{% endfor %}\""},
    {"{% for x in y limits: 2 %}{% endfor %}",
     "line 1, column 15: expected limit or offset, found \"limits: 2 %}{% "
     "endfo\""},
    {"{% for x in y limit 2 %}{% endfor %}",
     "line 1, column 21: expected \":\", found \"2 %}{% endfor %}\""},
    {"{% case a %}{% when %}{% endcase %}",
     "line 1, column 21: expected a value, found \"%}{% endcase %}\""},
    {"{% case a %}{% else x %}{% endcase %}",
     "line 1, column 21: expected the end of the tag, found \"x %}{% endcase "
     "%}\""},
    {"{% assign a %}",
     "line 1, column 11: expected name = value, found \"a %}\""},
    {"{% assign a.b = 1 %}",
     "line 1, column 12: expected =, found \".b = 1 %}\""},
    {"{% assign a = %}{{",
     "line 1, column 17: expected }} behind {{, found \"{{\""},
    {"{% capture %}{% endcapture %}",
     "line 1, column 12: expected the name of a variable, found \"%}{% "
     "endcapture %}\""},
    {"{% increment 1 %}",
     "line 1, column 14: expected the name of a variable, found \"1 %}\""},
    {"{% cycle %}", "line 1, column 10: expected a value, found \"%}\""},
    {"{% tablerow x in y rows: 2 %}{% endtablerow %}",
     "line 1, column 20: expected cols, limit, offset or range, found \"rows: "
     "2 %}{% endtabl\""},
    {"{% render name %}", "line 1, column 11: expected the partial's name in "
                          "quotation marks, found \"name %}\""},
    {"{% render 'x' %}", "line 1, column 1: there is no partial \"x\""},
    {"{% include 'x' with %}",
     "line 1, column 21: expected a value, found \"%}\""},
    {"{% raw x %}{% endraw %}", "line 1, column 8: expected the end of the "
                                "tag, found \"x %}{% endraw %}\""},
    {"{% raw %}x", "line 1, column 1: {% raw %} is not closed by {% endraw %}"},
    {"{% doc %}{% doc %}{% enddoc %}",
     "line 1, column 10: expected {% enddoc %}, found a doc in a doc"},
    {"{% comment %}x",
     "line 1, column 1: {% comment %} is not closed by {% endcomment %}"},
    {"{% # a\n b %}", "line 2, column 2: expected # before each line of the "
                      "comment, found \"b\""},
    {"{% liquid\n if a\n%}",
     "line 2, column 2: {% if %} is not closed by {% endif %}"},
    {"{% liquid endif %}",
     "line 1, column 11: expected a tag, found \"endif\""},
    {"{% if a", "line 1, column 1: expected %} behind {%, found none"},
    {"{{{ name }}", "line 1, column 1: expected }}} behind {{{, found none"},
    {"{{{ name | x }}",
     "line 1, column 1: expected }}} behind {{{, found none"},
    {"{{{ 'x' }}}",
     "line 1, column 5: expected the name of a variable, found \"'x' }}}\""},
    {"{{{ a b }}}", "line 1, column 7: expected }}} or | behind the variable, "
                    "found \"b }}}\""},
    {"a\n\xc3\xb6 {{ 1x }}", "line 2, column 7: expected a filter or the end "
                             "of the tag, found \"x }}\""},
    {"{{", "line 1, column 1: expected }} behind {{, found \"{{\""},
    {"{{ a aaaaaaaaaaaaaaaaaaaaaaaaaaaaa }}",
     "line 1, column 6: expected a filter or the end of the tag, found "
     "\"aaaaaaaaaaaaaaaaaaaa\""},
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
        cmocka_unit_test(text),
        cmocka_unit_test(html),
        cmocka_unit_test(errors),
        cmocka_unit_test(constants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
