#include "templates/template.h"
#include "base/memory.h"
#include "templates/parse.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status template_compile(const char *source, size_t len,
                             enum template_escape escape, struct template **out,
                             struct error *err)
{
    if (len > TEMPLATE_SOURCE_MAX)
        return fail(err, STATUS_TOO_BIG, "more than %d bytes",
                    TEMPLATE_SOURCE_MAX);
    struct template *t = memory_new(1, sizeof *t);

    t->source = text_copy_n(source, len);
    t->source_len = len;
    t->escape = escape;
    enum status st = template_parse(t, err);

    if (st != STATUS_OK) {
        template_free(t);
        return st;
    }
    *out = t;
    return STATUS_OK;
}

void template_free(struct template *t)
{
    if (!t)
        return;
    free(t->source);
    free(t->ops);
    free(t->steps);
    free(t);
}

bool template_is_constant(const struct template *t)
{
    for (size_t i = 0; i < t->n_ops; i++)
        if (t->ops[i].kind != OP_LITERAL)
            return false;
    return true;
}

struct run {
    const struct template *t;
    const struct template_values *values;
    struct buf *out;
};

static const char *reference(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

static void put(struct run *r, const char *text, size_t len)
{
    size_t from = 0;

    if (r->t->escape == TEMPLATE_HTML)
        for (size_t i = 0; i < len; i++) {
            const char *instead = reference(text[i]);

            if (!instead)
                continue;
            buf_add(r->out, text + from, i - from);
            buf_add_text(r->out, instead);
            from = i + 1;
        }
    buf_add(r->out, text + from, len - from);
}

static int put_json(const char *text, size_t len, void *run)
{
    put(run, text, len);
    return 0;
}

/* By hand: snprintf would cost as much as all else that a variable costs. */
static void put_integer(struct run *r, json_int_t v)
{
    char text[24], *end = text + sizeof text, *at = end;
    unsigned long long rest =
        v < 0 ? 0 - (unsigned long long)v : (unsigned long long)v;

    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (v < 0)
        *--at = '-';
    put(r, at, (size_t)(end - at));
}

/* The fewest digits that read back as the same number, "." always the mark:
 * no program here calls setlocale. */
static void put_real(struct run *r, double v)
{
    char text[32];
    int n = 0;

    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    put(r, text, (size_t)n);
}

static void put_value(struct run *r, const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_STRING:
        put(r, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER: put_integer(r, json_integer_value(v)); break;
    case JSON_REAL: put_real(r, json_real_value(v)); break;
    case JSON_TRUE: put(r, "true", 4); break;
    case JSON_FALSE: put(r, "false", 5); break;
    case JSON_NULL: break;
    case JSON_OBJECT:
    case JSON_ARRAY:
        (void)json_dump_callback(v, put_json, r, JSON_COMPACT);
        break;
    }
}

/* NULL where the path leads nowhere. */
static const json_t *look_up(const struct run *r, const struct op *op)
{
    const struct step *step = r->t->steps + op->step;
    const json_t *v = r->values->object;

    for (size_t i = 0; i < op->n_steps && v; i++, step++)
        v = step->key ? json_object_getn(v, step->key, step->len)
                      : json_array_get(v, step->len);
    return v;
}

static const char *look_up_builtin(const struct run *r, const struct op *op)
{
    const struct step *step = r->t->steps + op->step;

    for (size_t i = 0; i < r->values->n_builtins && op->n_steps == 1; i++) {
        const struct template_builtin *b = &r->values->builtins[i];

        if (strlen(b->name) == step->len &&
            memcmp(b->name, step->key, step->len) == 0)
            return b->value;
    }
    return NULL;
}

static bool is_empty(const json_t *v)
{
    return !v || json_is_null(v) ||
           (json_is_string(v) && json_string_length(v) == 0);
}

static void put_variable(struct run *r, const struct op *op)
{
    const json_t *v = look_up(r, op);
    const char *builtin;

    if (!is_empty(v)) {
        put_value(r, v);
        return;
    }
    builtin = look_up_builtin(r, op);
    if (builtin)
        put(r, builtin, strlen(builtin));
    else if (op->text)
        put(r, op->text, op->len);
}

enum status template_render(const struct template *t,
                            const struct template_values *values,
                            struct buf *out, struct error *err)
{
    struct run r = {t, values, out};
    size_t start = out->len;

    for (size_t i = 0; i < t->n_ops; i++) {
        const struct op *op = &t->ops[i];

        if (op->kind == OP_LITERAL)
            buf_add(out, op->text, op->len);
        else
            put_variable(&r, op);
        if (out->len - start > TEMPLATE_OUTPUT_MAX) {
            out->len = start;
            out->data[start] = 0;
            return fail(err, STATUS_TOO_BIG, "the text has more than %d bytes",
                        TEMPLATE_OUTPUT_MAX);
        }
    }
    return STATUS_OK;
}
