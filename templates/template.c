#include "templates/template.h"
#include "base/memory.h"
#include "templates/fault.h"
#include "templates/parse.h"
#include "templates/run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status compile(struct template *t, const char *source,
                           struct template_fault *fault, struct error *err)
{
    struct parse p = {.t = t, .partial = "", .fault = fault, .err = err};
    enum status st;

    t->source = arena_copy(&t->arena, source, t->len);
    st = parse_source(&p, t->source, t->len, &t->body);
    return st == STATUS_OK ? partials_compile(t, fault, err) : st;
}

enum status template_compile_with(const char *source, size_t len,
                                  const struct template_options *options,
                                  struct template **out, struct error *err)
{
    if (len > TEMPLATE_SOURCE_MAX) {
        char text[64];

        snprintf(text, sizeof text, "more than %d bytes", TEMPLATE_SOURCE_MAX);
        return fault_report(options->fault, err, STATUS_TOO_BIG, "", NULL, NULL,
                            text);
    }
    struct template *t = memory_new(1, sizeof *t);
    t->len = len;
    t->options = *options;
    t->options.fault = NULL;
    enum status st = compile(t, source, options->fault, err);

    if (st != STATUS_OK) {
        template_free(t);
        return st;
    }
    *out = t;
    return STATUS_OK;
}

enum status template_compile(const char *source, size_t len,
                             enum template_escape escape, struct template **out,
                             struct error *err)
{
    const struct template_options options = {
        .escape = escape, .strict_filters = true, .strict_partials = true};

    return template_compile_with(source, len, &options, out, err);
}

void template_free(struct template *t)
{
    if (!t)
        return;
    arena_fini(&t->arena);
    free(t);
}

bool template_is_constant(const struct template *t)
{
    size_t len = 0;

    for (const struct node *n = t->body.first; n; n = n->next) {
        if (n->kind != NODE_TEXT)
            return false;
        len += n->name.len;
    }
    return len == t->len;
}

bool template_names_partials(const struct template *t)
{
    return t->names_partials;
}

enum status template_render(const struct template *t,
                            const struct template_values *values,
                            struct arena *scratch, struct buf *out,
                            struct error *err)
{
    struct frame frame = {0};
    struct run r = {
        .t = t,
        .values = values,
        .arena = scratch,
        .out = out,
        .start = out->len,
        .frame = &frame,
        .steps_max = values->steps_max ? values->steps_max : TEMPLATE_STEPS_MAX,
        .escapes = t->options.escape == TEMPLATE_HTML,
        .err = err,
    };

    run_body(&r, &t->body);
    template_free(r.dynamic);
    if (r.status != STATUS_OK) {
        out->len = r.start;
        if (out->data)
            out->data[out->len] = 0;
    }
    return r.status;
}
