/*
 * Partials. Those whose names stand in the source are compiled with it, each
 * once; a name that is a variable is looked up and compiled by the render that
 * meets it, and forgotten with it.
 */
#include "base/memory.h"
#include "templates/parse.h"
#include "templates/run.h"
#include <stdio.h>
#include <string.h>

static struct partial *find(const struct template *t, const struct name *name)
{
    for (struct partial *p = t ? t->partials : NULL; p; p = p->next)
        if (p->name.len == name->len &&
            memcmp(p->name.text, name->text, name->len) == 0)
            return p;
    return NULL;
}

/* Asks the caller for the source and keeps a copy. */
static struct partial *fetch(struct template *t, const struct name *name)
{
    struct partial *p = arena_take(&t->arena, sizeof *p);
    const char *source = NULL, *slash;
    size_t len = 0;

    *p = (struct partial){.name = *name, .file = *name};
    slash = memrchr(name->text, '/', name->len);
    if (slash)
        p->file = (struct name){slash + 1,
                                name->len - (size_t)(slash + 1 - name->text)};
    if (t->options.partial &&
        t->options.partial(t->options.partial_context, name->text, name->len,
                           &source, &len)) {
        t->partials_len += len;
        p->len = len;
        if (t->partials_len <= TEMPLATE_SOURCES_MAX &&
            len <= TEMPLATE_SOURCE_MAX)
            p->source = arena_copy(&t->arena, source, len);
    }
    p->next = t->partials;
    t->partials = p;
    t->n_partials++;
    return p;
}

static enum status compile(struct template *t, struct partial *partial,
                           struct template_fault *fault, struct error *err)
{
    char name[64];
    struct parse p = {.t = t, .partial = name, .fault = fault, .err = err};

    snprintf(name, sizeof name, "%.*s", (int)partial->name.len,
             partial->name.text);
    if (!partial->source)
        return STATUS_OK;
    return parse_source(&p, partial->source, partial->len, &partial->body);
}

/* Compiling. */

static enum status walk(struct parse *p, const struct body *body);

static enum status missing(struct parse *p, const struct node *n)
{
    const struct value *name = &n->partial->name->value;

    return parse_fail(p, p->source + n->at, "there is no partial \"%.*s\"",
                      name->len > 64 ? 64 : (int)name->len, name->text);
}

static enum status meet(struct parse *p, const struct node *n)
{
    struct template *t = p->t;
    const struct expr *e = n->partial->name;
    struct partial *partial;
    enum status st;

    if (e->kind != EXPR_VALUE || e->value.kind != VALUE_STRING) {
        t->names_partials = true;
        return STATUS_OK;
    }
    struct name name = {e->value.text, e->value.len};
    partial = find(t, &name);
    if (!partial) {
        if (t->n_partials == TEMPLATE_PARTIALS_MAX)
            return parse_fail(p, p->source + n->at, "more than %d partials",
                              TEMPLATE_PARTIALS_MAX);
        partial = fetch(t, &name);
        if (partial->len && !partial->source)
            return parse_fail(p, p->source + n->at,
                              "the partials have more than %d bytes",
                              TEMPLATE_SOURCES_MAX);
        st = compile(t, partial, p->fault, p->err);
        if (st != STATUS_OK)
            return st;
    }
    if (!partial->source && t->options.strict_partials)
        return missing(p, n);
    return STATUS_OK;
}

static enum status walk_node(struct parse *p, const struct node *n)
{
    enum status st = STATUS_OK;

    if (n->kind == NODE_PARTIAL)
        return meet(p, n);
    if (n->kind == NODE_CAPTURE || n->kind == NODE_IFCHANGED)
        return walk(p, n->body);
    if (n->kind == NODE_FOR || n->kind == NODE_TABLEROW) {
        st = walk(p, &n->loop->body);
        return st == STATUS_OK ? walk(p, &n->loop->otherwise) : st;
    }
    if (n->kind == NODE_IF || n->kind == NODE_CASE)
        for (const struct branch *b = n->branches; b && st == STATUS_OK;
             b = b->next)
            st = walk(p, &b->body);
    return st;
}

static enum status walk(struct parse *p, const struct body *body)
{
    enum status st = STATUS_OK;

    for (const struct node *n = body->first; n && st == STATUS_OK; n = n->next)
        st = walk_node(p, n);
    return st;
}

/* New partials stand before those that are walked: until there are none. */
enum status partials_compile(struct template *t, struct template_fault *fault,
                             struct error *err)
{
    struct parse p = {.t = t, .partial = "", .fault = fault, .err = err};
    const struct partial *done = NULL;
    enum status st;

    p.source = t->source;
    st = walk(&p, &t->body);
    while (st == STATUS_OK && t->partials != done) {
        const struct partial *first = t->partials;

        for (const struct partial *at = first; at != done && st == STATUS_OK;
             at = at->next) {
            char name[64];

            snprintf(name, sizeof name, "%.*s", (int)at->name.len,
                     at->name.text);
            p.partial = name;
            p.source = at->source;
            st = walk(&p, &at->body);
        }
        p.partial = "";
        done = first;
    }
    return st;
}

/* Rendering. */

static struct partial *compile_now(struct run *r, const struct name *name)
{
    struct partial *partial;

    if (!r->dynamic) {
        r->dynamic = memory_new(1, sizeof *r->dynamic);
        r->dynamic->options = r->t->options;
    }
    partial = find(r->dynamic, name);
    if (partial)
        return partial;
    if (r->dynamic->n_partials == TEMPLATE_PARTIALS_MAX) {
        run_limit(r, "partials", TEMPLATE_PARTIALS_MAX);
        return NULL;
    }
    char *copy = arena_copy(&r->dynamic->arena, name->text, name->len);
    partial = fetch(r->dynamic, &(struct name){copy, name->len});
    run_charge(r, partial->len / 8);
    if (r->status == STATUS_OK)
        r->status = compile(r->dynamic, partial, r->values->fault, r->err);
    return partial;
}

static struct partial *look_up(struct run *r, const struct partial_tag *tag)
{
    struct value v = run_expr(r, tag->name);
    struct partial *partial;

    if (v.kind != VALUE_STRING) {
        run_fail(r, "expected the name of a partial, found no text");
        return NULL;
    }
    struct name name = {v.text, v.len};
    partial = find(r->t, &name);
    if (!partial && name.len > TEMPLATE_NAME_MAX)
        run_limit(r, "bytes in the name of a partial", TEMPLATE_NAME_MAX);
    else if (!partial)
        partial = compile_now(r, &name);
    if (partial && !partial->source)
        run_fail(r, "there is no partial \"%.*s\"",
                 name.len > 64 ? 64 : (int)name.len, name.text);
    return r->status == STATUS_OK ? partial : NULL;
}

static void run_source(struct run *r, const struct partial *partial)
{
    const struct partial *outer = r->partial;
    size_t at = r->at;

    r->partial = partial;
    run_body(r, &partial->body);
    if (r->status == STATUS_OK) {
        r->partial = outer;
        r->at = at;
    }
}

static void push_arguments(struct run *r, struct frame *to,
                           const struct item *arguments)
{
    for (const struct item *i = arguments; i; i = i->next) {
        struct value v = run_shown(r, i->expr);

        bindings_push(r, &to->locals, &i->key, &v);
    }
}

static const struct name *alias_of(const struct partial_tag *tag,
                                   const struct partial *partial)
{
    return tag->alias.len ? &tag->alias : &partial->file;
}

static void run_include(struct run *r, const struct partial_tag *tag,
                        const struct partial *partial)
{
    struct bindings *locals = &r->frame->locals;
    const struct name *alias = alias_of(tag, partial);
    size_t depth = locals->n, at;
    struct value with = tag->with ? run_shown(r, tag->with)
                                  : run_variable(r, r->frame, &partial->name);
    const struct value nil = value_nil();

    push_arguments(r, r->frame, tag->arguments);
    bindings_push(r, locals, alias, &nil);
    at = locals->n - 1;
    if (!value_is_array(&with)) {
        locals->items[at].value = with;
        run_source(r, partial);
    }
    for (size_t i = 0; value_is_array(&with) && i < value_count(&with) &&
                       run_charge(r, 1) == STATUS_OK;
         i++) {
        locals->items[at].value = value_at(&with, i);
        run_source(r, partial);
    }
    locals->n = depth;
}

/* In a frame of its own: it sees its arguments and the recipient's data. */
static void run_isolated(struct run *r, const struct partial_tag *tag,
                         const struct partial *partial,
                         const struct value *with, const struct loop *loop)
{
    static const struct name forloop = {"forloop", 7};
    struct frame *outer = r->frame, inner = {.isolated = true};
    const struct value drop = {.kind = VALUE_FORLOOP, .loop = loop};

    if (loop)
        bindings_push(r, &inner.locals, &forloop, &drop);
    push_arguments(r, &inner, tag->arguments);
    if (with->kind != VALUE_NIL)
        bindings_push(r, &inner.locals, alias_of(tag, partial), with);
    r->frame = &inner;
    run_source(r, partial);
    r->frame = outer;
    r->interrupt = INTERRUPT_NONE;
}

static void run_render(struct run *r, const struct partial_tag *tag,
                       const struct partial *partial)
{
    struct value with = tag->with ? run_shown(r, tag->with) : value_nil();
    struct loop *loop;

    if (!tag->each || (!value_is_array(&with) && with.kind != VALUE_RANGE &&
                       with.kind != VALUE_OBJECT)) {
        run_isolated(r, tag, partial, &with, NULL);
        return;
    }
    loop = run_take(r, sizeof *loop);
    *loop = (struct loop){.name = &partial->name,
                          .length = (int64_t)value_count(&with)};
    json_t *object =
        with.kind == VALUE_OBJECT ? (json_t *)(uintptr_t)with.json : NULL;
    void *pair = json_object_iter(object);
    for (; loop->index < loop->length && run_charge(r, 1) == STATUS_OK;
         loop->index++) {
        struct value item = pair ? run_pair(r, json_object_iter_key(pair),
                                            json_object_iter_key_len(pair),
                                            json_object_iter_value(pair))
                                 : value_at(&with, (size_t)loop->index);

        run_isolated(r, tag, partial, &item, loop);
        pair = json_object_iter_next(object, pair);
    }
}

void run_partial(struct run *r, const struct partial_tag *tag)
{
    struct partial *partial;

    if (!tag->isolated && r->frame->isolated) {
        run_fail(r, "include is not allowed in a partial of render");
        return;
    }
    if (r->includes == TEMPLATE_INCLUDES_MAX) {
        run_limit(r, "partials in partials", TEMPLATE_INCLUDES_MAX);
        return;
    }
    partial = look_up(r, tag);
    if (!partial)
        return;
    r->includes++;
    if (tag->isolated)
        run_render(r, tag, partial);
    else
        run_include(r, tag, partial);
    r->includes--;
}
