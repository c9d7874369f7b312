/* The promise of templates/template that, warm, a render takes nothing from the
 * heap, whatever its tags and filters. Counted by standing in for malloc, which
 * the sanitizers do as well: under them there is nothing to count. */
#include "templates/liquid.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static size_t taken;

#ifndef __SANITIZE_ADDRESS__
/* NOLINTBEGIN(bugprone-reserved-identifier): the names are glibc's. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    taken++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    taken++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    taken++;
    return __libc_realloc(p, n);
}
/* NOLINTEND(bugprone-reserved-identifier) */
#endif

/* clang-format off */
static const char SOURCE[] =
    "{% for i in l limit: 3 %}{{ forloop.index }}"
    "{{ i.n | times: 1.1 | round: 2 }}"
    "{% cycle 'a', 'b' %}{% else %}x{% endfor %}"
    "{% assign s = l | sort: 'n' | map: 'k' | join: '-' | upcase %}{{ s }}"
    "{% capture c %}{{ t | escape | truncate: 9 }}{{ t | split: ' ' | last }}"
    "{% endcapture %}{{ c | append: s | replace: 'A', 'bb' | strip_html }}"
    "{{ now | date: '%F %T %c %B %-d %s' }}{{ 'now' | date: '%x' }}"
    "{% case t %}{% when 'a' %}1{% else %}2{% endcase %}{{{ nope | you }}}"
    "{% if l contains 3 or t == blank %}{% endif %}{{ nope | default: t }}"
    "{% tablerow i in (1..4) cols: 2 %}{{ i }}{% endtablerow %}"
    "{% render 'p', x: 1 %}{% render 'p' for l as x %}{% increment z %}"
    "{{ l | where: 'n', 2 | size }}{{ l | uniq | compact | reverse | size }}"
    "{{ 10 | divided_by: 3.0 }}{{ 1234567890123 | plus: 0.1 }}{{ r }}{{ l }}{{ o }}"
    "{{ t | url_encode | base64_encode }}"
    "{{ t | truncatewords: 1 | capitalize }}"
    "{% for p in o %}{{ p[0] }}{{ p.last }}{% endfor %}{{ l | sum: 'n' }}";

static const char DATA[] =
    "{\"l\": [{\"n\": 3, \"k\": \"c\"}, {\"n\": 1, \"k\": \"a\"},"
    "{\"n\": 2}], \"t\": \"Zo\xc3\xab <b>&</b> M\\u00fcller\","
    "\"now\": 1709647389, \"r\": 0.1,"
    "\"o\": {\"a\": 1, \"b\": [1, 2]}, \"partials\": {\"p\": \"[{{ x.k }}]\"}}";
/* clang-format on */

static void warm_renders_take_nothing(void **state)
{
    json_t *data = json_loads(DATA, 0, NULL);
    const struct template_options options = {
        .escape = TEMPLATE_HTML,
        .strict_filters = true,
        .strict_partials = true,
        .partial = liquid_partial,
        .partial_context = json_object_get(data, "partials"),
    };
    const struct template_values values = {.object = data,
                                           .now_us = LIQUID_NOW_US};
    struct arena scratch = {0};
    struct buf out = {0};
    struct template *t;
    struct error err;
    size_t before = 0, len = 0;

    (void)state;
    if (template_compile_with(SOURCE, strlen(SOURCE), &options, &t, &err) !=
        STATUS_OK)
        fail_msg("%s", err.text);
    for (int i = 0; i < 3; i++) {
        before = taken;
        buf_reset(&out);
        arena_reset(&scratch);
        if (template_render(t, &values, &scratch, &out, &err) != STATUS_OK)
            fail_msg("%s", err.text);
        assert_true(i == 0 || out.len == len);
        len = out.len;
    }
    assert_int_equal(taken, before);
    assert_true(len > 500);
    template_free(t);
    arena_fini(&scratch);
    buf_fini(&out);
    json_decref(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warm_renders_take_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
