/* One template, rendered with data in JSON: for tables of cases. */
#ifndef TESTS_TEMPLATES_LIQUID_H
#define TESTS_TEMPLATES_LIQUID_H

#include "templates/template.h"
#include <string.h>

/* Partials: an object of sources. */
static inline bool liquid_partial(void *context, const char *name, size_t len,
                                  const char **source, size_t *source_len)
{
    const json_t *text = json_object_getn(context, name, len);

    *source = json_string_value(text);
    *source_len = json_string_length(text);
    return text != NULL;
}

/* 2024-01-01T00:01:58Z */
#define LIQUID_NOW_US INT64_C(1704067318000000)

struct liquid_case {
    const char *source, *data, *want;
};

/* The output, or the error, in out. */
static inline enum status liquid_render(const struct liquid_case *c,
                                        struct template_options options,
                                        struct template_values values,
                                        struct buf *out)
{
    json_t *data = json_loads(c->data ? c->data : "{}", 0, NULL);
    struct arena scratch = {0};
    struct template *t;
    struct error err;
    enum status st;

    buf_reset(out);
    buf_add(out, "", 0);
    options.partial = liquid_partial;
    options.partial_context = json_object_get(data, "partials");
    values.object = data;
    values.now_us = LIQUID_NOW_US;
    st =
        template_compile_with(c->source, strlen(c->source), &options, &t, &err);
    if (st == STATUS_OK) {
        st = template_render(t, &values, &scratch, out, &err);
        template_free(t);
    }
    if (st != STATUS_OK)
        buf_add_text(out, err.text);
    arena_fini(&scratch);
    json_decref(data);
    return st;
}
#endif
