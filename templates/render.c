#include "templates/filter.h"
#include "templates/run.h"
#include <string.h>

ENUM_DEFINE(node_kind, NODE_TABLE);

/* Output. */

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

void html_escape(struct buf *out, const char *text, size_t len)
{
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        const char *instead = reference(text[i]);

        if (!instead)
            continue;
        buf_add(out, text + from, i - from);
        buf_add_text(out, instead);
        from = i + 1;
    }
    buf_add(out, text + from, len - from);
}

static void check_output(struct run *r)
{
    if (r->out->len - r->start > TEMPLATE_OUTPUT_MAX)
        run_limit(r, "bytes of output", TEMPLATE_OUTPUT_MAX);
}

void run_write(struct run *r, const struct value *v)
{
    size_t mark = r->out->len;
    struct value text;

    if (v->kind == VALUE_NIL || run_charge_value(r, v) != STATUS_OK)
        return;
    if (v->kind == VALUE_STRING && r->escapes && !v->safe) {
        html_escape(r->out, v->text, v->len);
    } else {
        value_write(v, r->out);
        if (r->escapes && (value_is_array(v) || v->kind == VALUE_OBJECT)) {
            text = run_cut(r, mark);
            html_escape(r->out, text.text, text.len);
        }
    }
    check_output(r);
}

/* Filters. */

static void apply(struct run *r, const struct call *c, struct value *v)
{
    struct value args[FILTER_ARGUMENTS_MAX + 1] = {0};
    size_t n = 0;

    r->at = c->at;
    for (const struct item *i = c->arguments; i && n < FILTER_ARGUMENTS_MAX;
         i = i->next)
        args[n++] = run_shown(r, i->expr);
    for (size_t i = 0; i < n; i++)
        if (args[i].kind == VALUE_STRING)
            run_charge_value(r, &args[i]);
    r->at = c->at;
    if (c->allow_false)
        args[FILTER_ARGUMENTS_MAX] = run_expr(r, c->allow_false);
    if (c->filter && run_charge(r, 1) == STATUS_OK &&
        run_charge_value(r, v) == STATUS_OK)
        c->filter->function(r, v, args, n);
}

/* Behind `default` a variable may be missing. */
struct value run_chain(struct run *r, const struct chain *c)
{
    struct value v;

    if (!c->expr)
        return value_nil();
    v = c->calls && c->calls->filter &&
                c->calls->filter->function == filter_default
            ? run_expr(r, c->expr)
            : run_shown(r, c->expr);
    for (const struct call *call = c->calls; call && r->status == STATUS_OK;
         call = call->next)
        apply(r, call, &v);
    return v;
}

/* Conditions. */

static bool has_order(const struct value *v)
{
    return v->kind == VALUE_INTEGER || v->kind == VALUE_REAL ||
           v->kind == VALUE_STRING;
}

static bool contains(struct run *r, const struct value *a,
                     const struct value *b)
{
    if (!value_is_true(a) || !value_is_true(b) ||
        run_charge_value(r, a) != STATUS_OK)
        return false;
    if (a->kind == VALUE_STRING) {
        struct value text = run_text(r, b);

        return memmem(a->text, a->len, text.text, text.len) != NULL;
    }
    if (a->kind == VALUE_OBJECT && b->kind == VALUE_STRING)
        return json_object_getn(a->json, b->text, b->len) != NULL;
    if (a->kind == VALUE_RANGE)
        return b->kind == VALUE_INTEGER && b->integer >= a->from &&
               b->integer <= a->to;
    for (size_t i = 0; value_is_array(a) && i < value_count(a); i++) {
        struct value item = value_at(a, i);

        if (value_equal(&item, b))
            return true;
    }
    return false;
}

static bool ordered(struct run *r, const struct condition *c,
                    const struct value *a, const struct value *b)
{
    int order;

    if (!has_order(a) || !has_order(b))
        return false;
    if ((a->kind == VALUE_STRING) != (b->kind == VALUE_STRING)) {
        r->at = c->at;
        run_fail(r, "comparison of %s with %s failed", value_kind_text(a),
                 value_kind_text(b));
        return false;
    }
    run_charge_value(r, a);
    if (!value_order(a, b, &order))
        return false;
    switch (c->comparison) {
    case COMPARISON_LESS: return order < 0;
    case COMPARISON_LESS_EQUAL: return order <= 0;
    case COMPARISON_GREATER: return order > 0;
    case COMPARISON_GREATER_EQUAL: return order >= 0;
    case COMPARISON_NONE:
    case COMPARISON_EQUAL:
    case COMPARISON_UNEQUAL:
    case COMPARISON_CONTAINS: break;
    }
    return false;
}

static bool holds(struct run *r, const struct condition *c)
{
    struct value a = run_expr(r, c->left), b;

    if (c->comparison == COMPARISON_NONE)
        return value_is_true(&a);
    b = run_expr(r, c->right);
    if (c->comparison == COMPARISON_CONTAINS)
        return contains(r, &a, &b);
    if (c->comparison != COMPARISON_EQUAL &&
        c->comparison != COMPARISON_UNEQUAL)
        return ordered(r, c, &a, &b);
    if (a.kind == VALUE_STRING || a.kind == b.kind ||
        (value_is_array(&a) && value_is_array(&b)))
        run_charge_value(r, &a);
    if (b.kind == VALUE_STRING)
        run_charge_value(r, &b);
    return value_equal(&a, &b) == (c->comparison == COMPARISON_EQUAL);
}

/* From left to right; what comes first decides whether to look further. */
bool run_condition(struct run *r, const struct condition *c)
{
    bool result = false;

    for (; c; c = c->next) {
        run_charge(r, 1);
        result = holds(r, c);
        if (c->relation == RELATION_NONE ||
            result == (c->relation == RELATION_OR))
            break;
    }
    return result;
}

/* Nodes. */

static void run_if(struct run *r, const struct branch *b)
{
    for (; b; b = b->next)
        if (!b->condition || run_condition(r, b->condition) != b->negated) {
            run_body(r, &b->body);
            return;
        }
}

/* Every when that equals the subject renders, each time it does. */
static void run_case(struct run *r, const struct node *n)
{
    bool matched = false;

    for (const struct branch *b = n->branches; b; b = b->next) {
        if (!b->when && !matched)
            run_body(r, &b->body);
        for (const struct item *i = b->when; i; i = i->next) {
            struct value subject = run_expr(r, n->subject);
            struct value v = run_expr(r, i->expr);

            run_charge(r, 1);
            run_charge_value(r, &subject);
            if (!value_equal(&subject, &v))
                continue;
            matched = true;
            run_body(r, &b->body);
        }
    }
}

/* What the body writes has been escaped on its way. */
static struct value capture(struct run *r, const struct body *body)
{
    size_t mark = r->out->len;
    struct value v;

    run_body(r, body);
    v = run_cut(r, mark);
    v.safe = r->escapes;
    return v;
}

static void run_ifchanged(struct run *r, const struct body *body)
{
    struct value v = capture(r, body);
    struct name *old = &r->frame->changed;

    if (old->text && old->len == v.len && memcmp(old->text, v.text, v.len) == 0)
        return;
    *old = (struct name){v.text, v.len};
    buf_add(r->out, v.text, v.len);
}

static void count(struct run *r, const struct name *name, bool up)
{
    struct value *v = bindings_find(&r->frame->counters, name);
    const struct value zero = value_integer(0);

    run_charge(r, r->frame->counters.n / 16);
    if (!v) {
        bindings_push(r, &r->frame->counters, name, &zero);
        v = bindings_find(&r->frame->counters, name);
    }
    v->integer -= !up;
    run_write(r, v);
    v->integer += up;
}

/* {{{ name|fallback }}}, and raw, which is a fallback for nothing. */
static void run_fallback(struct run *r, const struct node *n)
{
    const struct expr *e = n->chain.expr;
    struct value v = value_text(n->name.text ? n->name.text : "", n->name.len);

    if (!e) {
        buf_add(r->out, v.text, v.len);
        check_output(r);
        return;
    }
    struct value found = n->name.text ? run_expr(r, e) : run_shown(r, e);
    if (found.kind != VALUE_NIL &&
        !(found.kind == VALUE_STRING && found.len == 0))
        v = found;
    run_write(r, &v);
}

static void run_node(struct run *r, const struct node *n)
{
    struct value v;

    r->at = n->at;
    switch (n->kind) {
    case NODE_TEXT:
        buf_add(r->out, n->name.text, n->name.len);
        check_output(r);
        break;
    case NODE_OUTPUT:
        v = run_chain(r, &n->chain);
        run_write(r, &v);
        break;
    case NODE_FALLBACK: run_fallback(r, n); break;
    case NODE_ASSIGN:
        v = run_chain(r, &n->chain);
        run_assign(r, &n->name, &v);
        break;
    case NODE_CAPTURE:
        v = capture(r, n->body);
        run_assign(r, &n->name, &v);
        break;
    case NODE_IF: run_if(r, n->branches); break;
    case NODE_CASE: run_case(r, n); break;
    case NODE_FOR: run_for(r, n->loop); break;
    case NODE_TABLEROW: run_tablerow(r, n->loop); break;
    case NODE_CYCLE: run_cycle(r, n->cycle); break;
    case NODE_INCREMENT: count(r, &n->name, true); break;
    case NODE_DECREMENT: count(r, &n->name, false); break;
    case NODE_BREAK: r->interrupt = INTERRUPT_BREAK; break;
    case NODE_CONTINUE: r->interrupt = INTERRUPT_CONTINUE; break;
    case NODE_PARTIAL: run_partial(r, n->partial); break;
    case NODE_IFCHANGED: run_ifchanged(r, n->body); break;
    case NODE_NOTHING: break;
    }
}

void run_body(struct run *r, const struct body *body)
{
    if (r->depth == TEMPLATE_DEPTH_MAX) {
        run_limit(r, "blocks in blocks", TEMPLATE_DEPTH_MAX);
        return;
    }
    r->depth++;
    for (const struct node *n = body->first; n; n = n->next) {
        if (run_charge(r, 1) != STATUS_OK)
            break;
        run_node(r, n);
        if (r->interrupt != INTERRUPT_NONE && n->kind != NODE_TEXT)
            break;
    }
    r->depth--;
}
