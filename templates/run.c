#include "templates/run.h"
#include "base/utf8.h"
#include "templates/fault.h"
#include "templates/filter.h"
#include "templates/lex.h"
#include "templates/number.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_PER_STEP = 64 };

/* Status. */

static enum status report(struct run *r, enum status status, const char *what)
{
    const char *source = r->partial ? r->partial->source : r->t->source;
    char partial[64] = "";

    if (r->status != STATUS_OK)
        return r->status;
    if (r->partial)
        snprintf(partial, sizeof partial, "%.*s", (int)r->partial->name.len,
                 r->partial->name.text);
    r->status = fault_report(r->values->fault, r->err, status, partial, source,
                             source + r->at, what);
    return r->status;
}

enum status run_fail(struct run *r, const char *fmt, ...)
{
    char what[ERROR_TEXT_MAX - 160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return report(r, STATUS_INVALID, what);
}

enum status run_limit(struct run *r, const char *what, long limit)
{
    char text[128];

    snprintf(text, sizeof text, "more than %ld %s", limit, what);
    return report(r, STATUS_TOO_BIG, text);
}

enum status run_charge(struct run *r, size_t steps)
{
    r->steps += steps;
    if (r->steps > r->steps_max)
        return run_limit(r, "steps in one render", (long)r->steps_max);
    return r->status;
}

static void charge_object(struct run *r, const json_t *json)
{
    json_t *object = (json_t *)(uintptr_t)json;

    for (void *at = json_object_iter(object); at && r->status == STATUS_OK;
         at = json_object_iter_next(object, at)) {
        struct value item = value_of_json(json_object_iter_value(at));

        run_charge(r, 1 + json_object_iter_key_len(at) / BYTES_PER_STEP);
        run_charge_value(r, &item);
    }
}

enum status run_charge_value(struct run *r, const struct value *v)
{
    size_t n = value_count(v);

    if (v->kind == VALUE_STRING)
        return run_charge(r, v->len / BYTES_PER_STEP);
    if (v->kind == VALUE_OBJECT)
        charge_object(r, v->json);
    else
        run_charge(r, n);
    for (size_t i = 0; value_is_array(v) && i < n && r->status == STATUS_OK;
         i++) {
        struct value item = value_at(v, i);

        run_charge_value(r, &item);
    }
    return r->status;
}

/* Memory. */

bool run_room(struct run *r, size_t n)
{
    if (n <= TEMPLATE_MEMORY_MAX && r->memory <= TEMPLATE_MEMORY_MAX - n)
        return r->status == STATUS_OK;
    run_limit(r, "bytes of values in one render", TEMPLATE_MEMORY_MAX);
    return false;
}

void *run_take(struct run *r, size_t n)
{
    run_room(r, n);
    r->memory += n;
    return arena_take(r->arena, n);
}

struct list *run_list(struct run *r, size_t n)
{
    struct list *list;

    if (n > TEMPLATE_MEMORY_MAX ||
        !run_room(r, sizeof *list + n * sizeof *list->items))
        return NULL;
    list = run_take(r, sizeof *list + n * sizeof *list->items);
    list->n = n;
    return list;
}

struct value run_cut(struct run *r, size_t mark)
{
    size_t len = r->out->len - mark;
    char *copy;

    if (len == 0 || !run_room(r, len))
        return value_text("", 0);
    copy = run_take(r, len);
    memcpy(copy, r->out->data + mark, len);
    r->out->len = mark;
    return value_text(copy, len);
}

struct value run_text(struct run *r, const struct value *v)
{
    size_t mark = r->out->len;

    if (v->kind == VALUE_STRING)
        return *v;
    if (v->kind == VALUE_NIL || run_charge_value(r, v) != STATUS_OK)
        return value_text("", 0);
    value_inspect(v, r->out);
    return run_cut(r, mark);
}

/* Variables. */

struct value *bindings_find(const struct bindings *b, const struct name *name)
{
    for (size_t i = b->n; i-- > 0;) {
        const struct name *n = &b->items[i].name;

        if (n->len == name->len && memcmp(n->text, name->text, n->len) == 0)
            return &b->items[i].value;
    }
    return NULL;
}

void bindings_push(struct run *r, struct bindings *b, const struct name *name,
                   const struct value *v)
{
    enum { FIRST = 8 };

    if (b->n == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : FIRST;
        struct binding *more = run_take(r, cap * sizeof *more);

        if (b->n)
            memcpy(more, b->items, b->n * sizeof *more);
        b->items = more;
        b->cap = cap;
    }
    b->items[b->n++] = (struct binding){*name, *v};
}

void run_assign(struct run *r, const struct name *name, const struct value *v)
{
    struct value *old = bindings_find(&r->frame->assigned, name);

    run_charge(r, r->frame->assigned.n / 16);
    if (old)
        *old = *v;
    else
        bindings_push(r, &r->frame->assigned, name, v);
}

static struct value missing(void)
{
    return (struct value){.kind = VALUE_NIL, .missing = true};
}

static struct value of_builtins(const struct run *r, const struct name *name)
{
    for (size_t i = 0; i < r->values->n_builtins; i++) {
        const struct template_builtin *b = &r->values->builtins[i];

        if (strlen(b->name) == name->len &&
            memcmp(b->name, name->text, name->len) == 0)
            return value_text(b->value, strlen(b->value));
    }
    return missing();
}

struct value run_variable(struct run *r, struct frame *f,
                          const struct name *name)
{
    const struct value *v = bindings_find(&f->locals, name);
    const json_t *json;

    run_charge(r, (f->locals.n + f->assigned.n + f->counters.n) / 16);
    if (!v && f->assigned.n)
        v = bindings_find(&f->assigned, name);
    if (!v && f->counters.n)
        v = bindings_find(&f->counters, name);
    if (v)
        return *v;
    json = json_object_getn(r->values->object, name->text, name->len);
    if (!json || json_is_null(json)) {
        const json_t *standard =
            json_object_getn(r->values->defaults, name->text, name->len);

        json = standard ? standard : json;
    }
    if (json && !json_is_null(json))
        return value_of_json(json);
    struct value builtin = of_builtins(r, name);
    if (builtin.kind == VALUE_NIL && name->len == 4 &&
        memcmp(name->text, "self", 4) == 0)
        return (struct value){.kind = VALUE_SELF, .frame = f};
    if (json && builtin.missing)
        builtin.missing = false;
    return builtin;
}

/* Paths. */

#define LOOP_TABLE(X)                                                          \
    X("length", l->length)                                                     \
    X("index", l->index + 1)                                                   \
    X("index0", l->index)                                                      \
    X("rindex", l->length - l->index)                                          \
    X("rindex0", l->length - l->index - 1)

#define ROW_TABLE(X)                                                           \
    X("col", l->col)                                                           \
    X("col0", l->col - 1)                                                      \
    X("row", l->row)

static struct value of_loop(const struct value *v, const struct name *key)
{
    const struct loop *l = v->loop;
    bool rows = v->kind == VALUE_TABLEROW;

#define X_(word, number)                                                       \
    if (key->len == sizeof word - 1 &&                                         \
        memcmp(key->text, word, sizeof word - 1) == 0)                         \
        return value_integer(number);
    LOOP_TABLE(X_)
    if (rows) {
        ROW_TABLE(X_)
    }
#undef X_
    struct value k = value_text(key->text, key->len);
    const struct {
        struct value name, value;
    } others[] = {
        {value_text("first", 5), value_bool(l->index == 0)},
        {value_text("last", 4), value_bool(l->index == l->length - 1)},
        {value_text("col_first", 9), value_bool(l->col == 1)},
        {value_text("col_last", 8), value_bool(l->col == l->cols)},
    };
    for (size_t i = 0; i < (rows ? 4 : 2); i++)
        if (value_equal(&others[i].name, &k))
            return others[i].value;
    if (!rows && key->len == 4 && memcmp(key->text, "name", 4) == 0)
        return value_text(l->name->text, l->name->len);
    if (!rows && key->len == 10 && memcmp(key->text, "parentloop", 10) == 0)
        return l->parent
                   ? (struct value){.kind = VALUE_FORLOOP, .loop = l->parent}
                   : value_nil();
    return missing();
}

struct value run_pair(struct run *r, const char *key, size_t len,
                      const json_t *value)
{
    struct list *pair = run_list(r, 2);

    if (!pair)
        return value_nil();
    pair->items[0] = value_text(key, len);
    pair->items[1] = value_of_json(value);
    return value_list(pair);
}

static bool of_key(struct run *r, const struct value *v, const struct name *key,
                   struct value *out)
{
    const json_t *json;

    if (v->kind == VALUE_OBJECT) {
        json = json_object_getn(v->json, key->text, key->len);
        *out = value_of_json(json);
        return json != NULL;
    }
    if (v->kind == VALUE_FORLOOP || v->kind == VALUE_TABLEROW)
        *out = of_loop(v, key);
    else if (v->kind == VALUE_SELF)
        *out = run_variable(r, v->frame, key);
    else
        return false;
    return true;
}

static struct value count_characters(const struct value *v)
{
    int64_t n = 0;

    for (size_t i = 0; i < v->len; i++)
        n += ((unsigned char)v->text[i] & 0xc0) != 0x80;
    return value_integer(n);
}

struct value run_size(const struct value *v)
{
    if (v->kind == VALUE_STRING)
        return count_characters(v);
    if (v->kind == VALUE_INTEGER)
        return value_integer(sizeof v->integer); /* as Ruby's Integer#size */
    if (value_is_array(v) || v->kind == VALUE_RANGE || v->kind == VALUE_OBJECT)
        return value_integer((int64_t)value_count(v));
    return missing();
}

struct value run_end(struct run *r, const struct value *v, bool last)
{
    size_t n = value_count(v);
    void *at;

    if (v->kind == VALUE_RANGE)
        return value_integer(last ? v->to : v->from);
    if (value_is_array(v))
        return n ? value_at(v, last ? n - 1 : 0) : value_nil();
    if (v->kind == VALUE_STRING) {
        size_t from = last && v->len ? v->len - 1 : 0;

        while (from > 0 && ((unsigned char)v->text[from] & 0xc0) == 0x80)
            from--;
        return value_text(v->text + from,
                          utf8_char(v->text + from, v->len - from));
    }
    if (v->kind != VALUE_OBJECT || last)
        return missing();
    at = json_object_iter((json_t *)(uintptr_t)v->json);
    return at ? run_pair(r, json_object_iter_key(at),
                         json_object_iter_key_len(at),
                         json_object_iter_value(at))
              : value_nil();
}

static struct value step_index(struct run *r, const struct value *v,
                               const struct expr *e)
{
    struct value key = run_expr(r, e), found;

    if (key.kind == VALUE_STRING) {
        struct name name = {key.text, key.len};

        run_charge_value(r, &key);
        return of_key(r, v, &name, &found) ? found : missing();
    }
    if (key.kind != VALUE_INTEGER || !value_is_array(v))
        return missing();
    int64_t n = (int64_t)value_count(v);
    int64_t i = key.integer < 0 ? key.integer + n : key.integer;
    return i >= 0 && i < n ? value_at(v, (size_t)i) : missing();
}

static struct value step(struct run *r, const struct value *v,
                         const struct step *s)
{
    struct value found;

    if (s->kind == STEP_INDEX)
        return step_index(r, v, s->index);
    if (of_key(r, v, &s->key, &found))
        return found;
    switch (s->kind) {
    case STEP_SIZE:
        if (v->kind == VALUE_STRING)
            run_charge_value(r, v);
        return run_size(v);
    case STEP_FIRST: return run_end(r, v, false);
    case STEP_LAST: return run_end(r, v, true);
    case STEP_KEY:
    case STEP_INDEX: break;
    }
    return missing();
}

static bool bound(struct run *r, const struct value *v, int64_t *out)
{
    struct value text = *v;

    if (v->kind == VALUE_NIL || v->kind == VALUE_STRING) {
        struct value number = value_integer(0);

        if (v->kind == VALUE_STRING) {
            char copy[24];
            size_t n = v->len < sizeof copy - 1 ? v->len : sizeof copy - 1;

            memcpy(copy, v->text, n);
            copy[n] = 0;
            number.integer = strtoll(copy, NULL, 10);
        }
        text = number;
    }
    return run_integer(r, &text, out);
}

static struct value run_range(struct run *r, const struct expr *e)
{
    struct value range = {.kind = VALUE_RANGE};
    struct value from = run_expr(r, e->from), to = run_expr(r, e->to);

    /* Literal bounds are cut, as the reference does when it parses. */
    if (e->from->kind == EXPR_VALUE && from.kind == VALUE_REAL)
        from = value_integer(number_truncate(from.real));
    if (e->to->kind == EXPR_VALUE && to.kind == VALUE_REAL)
        to = value_integer(number_truncate(to.real));
    if (!bound(r, &from, &range.from) || !bound(r, &to, &range.to))
        return value_nil();
    return range;
}

struct value run_expr(struct run *r, const struct expr *e)
{
    struct value v;

    if (e->kind == EXPR_VALUE)
        return e->value;
    if (e->kind == EXPR_RANGE)
        return run_range(r, e);
    v = run_variable(r, r->frame, &e->name);
    for (const struct step *s = e->steps; s; s = s->next)
        v = step(r, &v, s);
    return v;
}

struct value run_shown(struct run *r, const struct expr *e)
{
    struct value v = run_expr(r, e);
    const char *source = r->partial ? r->partial->source : r->t->source;

    if (v.missing && r->values->missing) {
        r->values->missing(r->values->missing_context, source + e->at,
                           e->end - e->at);
    } else if (v.missing && r->t->options.strict_variables) {
        r->at = e->at;
        run_fail(r, "there is no variable \"%.*s\"", (int)(e->end - e->at),
                 source + e->at);
    }
    return v;
}

bool run_integer(struct run *r, const struct value *v, int64_t *out)
{
    struct value text;
    char copy[64], *end;

    if (v->kind == VALUE_INTEGER) {
        *out = v->integer;
        return true;
    }
    /* Only integers that are too big for 64 bits are this far out. */
    if (v->kind == VALUE_REAL && !(v->real > -0x1p63 && v->real < 0x1p63)) {
        *out = v->real < 0 ? INT64_MIN : INT64_MAX;
        return true;
    }
    text = run_text(r, v);
    if (text.len > 0 && text.len < sizeof copy && v->kind != VALUE_REAL) {
        memcpy(copy, text.text, text.len);
        copy[text.len] = 0;
        *out = strtoll(copy, &end, 0);
        while (*end && lex_is_space(*end))
            end++;
        if (end == copy + text.len)
            return true;
    }
    run_fail(r, "expected an integer, found \"%.*s\"",
             text.len > 40 ? 40 : (int)text.len, text.text);
    return false;
}
