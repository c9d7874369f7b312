#include "templates/number.h"
#include "templates/run.h"
#include <string.h>

/* The next item comes; false: too many of them. */
static bool iterate(struct run *r)
{
    if (r->loops++ == TEMPLATE_LOOPS_MAX)
        run_limit(r, "iterations in one render", TEMPLATE_LOOPS_MAX);
    return r->status == STATUS_OK;
}

/* Objects as lists of pairs, texts as lists of one; what can't be looped
 * through has no items. */
static struct value items_of(struct run *r, const struct value *v)
{
    struct list *list = run_list(
        r, v->kind == VALUE_OBJECT ? value_count(v)
                                   : v->kind == VALUE_STRING && v->len > 0);
    size_t i = 0;

    if (!list)
        return value_nil();
    if (v->kind == VALUE_STRING && v->len > 0)
        list->items[0] = *v;
    if (v->kind == VALUE_OBJECT) {
        json_t *object = (json_t *)(uintptr_t)v->json;

        for (void *at = json_object_iter(object); at;
             at = json_object_iter_next(object, at))
            list->items[i++] = run_pair(r, json_object_iter_key(at),
                                        json_object_iter_key_len(at),
                                        json_object_iter_value(at));
    }
    return value_list(list);
}

static bool is_sequence(const struct value *v)
{
    return value_is_array(v) || v->kind == VALUE_RANGE;
}

struct slice {
    struct value items;
    size_t from, n;
};

/* The items from `from` on, up to `to` if there is a limit. */
static struct slice cut_slice(const struct value *v, const struct value *items,
                              int64_t from, bool limited, int64_t to)
{
    size_t count = value_count(items), first = from > 0 ? (size_t)from : 0;
    size_t end = !limited ? count : to > 0 ? (size_t)to : 0;

    if (v->kind == VALUE_STRING) /* no slices of a text */
        return (struct slice){*items, 0, count};
    if (end > count)
        end = count;
    if (end > INT64_MAX) /* of the widest ranges */
        end = INT64_MAX;
    if (first > end)
        first = end;
    return (struct slice){*items, first, end - first};
}

static struct place *find_place(struct run *r, struct place **list,
                                const struct name *key, const void *owner)
{
    struct place *p = *list;

    for (; p; p = p->next) {
        run_charge(r, 1);
        if (p->owner == owner && p->key.len == key->len &&
            memcmp(p->key.text, key->text, key->len) == 0)
            return p;
    }
    p = run_take(r, sizeof *p);
    *p = (struct place){.next = *list, .key = *key, .owner = owner};
    *list = p;
    return p;
}

/* for */

static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static bool take_slice(struct run *r, const struct loop_tag *tag,
                       struct slice *out)
{
    struct place *place = NULL;
    struct value v, bound, items;
    int64_t from = 0, limit = 0;

    place = find_place(r, &r->frame->offsets, &tag->name, NULL);
    if (tag->continues) {
        from = (int64_t)place->index;
    } else if (tag->offset) {
        bound = run_expr(r, tag->offset);
        if (bound.kind != VALUE_NIL && !run_integer(r, &bound, &from))
            return false;
    }
    v = run_shown(r, tag->collection);
    bound = tag->limit ? run_expr(r, tag->limit) : value_nil();
    if (bound.kind != VALUE_NIL && !run_integer(r, &bound, &limit))
        return false;
    items = is_sequence(&v) ? v : items_of(r, &v);
    *out =
        cut_slice(&v, &items, from, bound.kind != VALUE_NIL, add(from, limit));
    place->index = (size_t)(from > 0 ? from : 0) + out->n;
    if (from < 0) { /* what stands before the first item counts, too */
        size_t before = 0 - (size_t)from;

        place->index = out->n > before ? out->n - before : 0;
    }
    return r->status == STATUS_OK;
}

static const struct name FORLOOP = {"forloop", 7};
static const struct name TABLEROWLOOP = {"tablerowloop", 12};

/* Pushes the variables of a loop; they are popped by setting locals.n back. */
static size_t open_loop(struct run *r, const struct name *name,
                        enum value_kind kind, struct loop *loop,
                        const struct name *variable)
{
    struct bindings *locals = &r->frame->locals;
    const struct value drop = {.kind = kind, .loop = loop}, nil = value_nil();

    bindings_push(r, locals, name, &drop);
    bindings_push(r, locals, variable, &nil);
    return locals->n - 1;
}

void run_for(struct run *r, const struct loop_tag *tag)
{
    struct frame *f = r->frame;
    size_t depth = f->locals.n, at;
    struct loop *loop;
    struct slice slice;

    if (!take_slice(r, tag, &slice))
        return;
    if (slice.n == 0) {
        run_body(r, &tag->otherwise);
        return;
    }
    loop = run_take(r, sizeof *loop); /* an assign may outlive the loop */
    *loop = (struct loop){
        .name = &tag->name, .parent = f->loop, .length = (int64_t)slice.n};
    f->loop = loop;
    at = open_loop(r, &FORLOOP, VALUE_FORLOOP, loop, &tag->variable);
    for (size_t i = 0; i < slice.n && iterate(r); i++) {
        size_t from = tag->reversed ? slice.n - 1 - i : i;

        f->locals.items[at].value = value_at(&slice.items, slice.from + from);
        run_body(r, &tag->body);
        loop->index++;
        enum interrupt interrupt = r->interrupt;
        r->interrupt = INTERRUPT_NONE;
        if (interrupt == INTERRUPT_BREAK)
            break;
    }
    f->loop = loop->parent;
    f->locals.n = depth;
}

/* tablerow */

/* Whatever it is: what it begins with, else 0. */
static bool loose_integer(struct run *r, const struct expr *e, int64_t *out)
{
    struct value v = run_expr(r, e);
    struct value text = v;

    *out = 0;
    if (v.kind == VALUE_REAL) {
        *out = number_truncate(v.real);
        return true;
    }
    if (v.kind == VALUE_NIL)
        return true;
    if (v.kind == VALUE_STRING) {
        for (size_t i = 0; i < text.len && i < 18; i++) {
            if (text.text[i] < '0' || text.text[i] > '9')
                break;
            *out = *out * 10 + (text.text[i] - '0');
        }
        return true;
    }
    return run_integer(r, &v, out);
}

static void next_cell(struct run *r, struct loop *l)
{
    buf_add_text(r->out, "</td>");
    if (r->interrupt == INTERRUPT_BREAK)
        return;
    if (l->col == l->cols && l->index != l->length - 1)
        buf_addf(r->out, "</tr>\n<tr class=\"row%lld\">",
                 (long long)l->row + 1);
    l->index++;
    if (l->col == l->cols) {
        l->col = 1;
        l->row++;
    } else {
        l->col++;
    }
}

static void run_rows(struct run *r, const struct loop_tag *tag,
                     const struct slice *slice, int64_t cols)
{
    struct frame *f = r->frame;
    size_t depth = f->locals.n, at;
    struct loop *loop = run_take(r, sizeof *loop);

    *loop = (struct loop){.name = &tag->name,
                          .length = (int64_t)slice->n,
                          .col = 1,
                          .row = 1,
                          .cols = cols};
    buf_add_text(r->out, "<tr class=\"row1\">\n");
    at = open_loop(r, &TABLEROWLOOP, VALUE_TABLEROW, loop, &tag->variable);
    for (size_t i = 0; i < slice->n && iterate(r); i++) {
        f->locals.items[at].value = value_at(&slice->items, slice->from + i);
        buf_addf(r->out, "<td class=\"col%lld\">", (long long)loop->col);
        run_body(r, &tag->body);
        next_cell(r, loop);
        enum interrupt interrupt = r->interrupt;
        r->interrupt = INTERRUPT_NONE;
        if (interrupt == INTERRUPT_BREAK)
            break;
    }
    f->locals.n = depth;
    buf_add_text(r->out, "</tr>\n");
}

void run_tablerow(struct run *r, const struct loop_tag *tag)
{
    struct value v = run_shown(r, tag->collection), items;
    int64_t from = 0, limit = 0, cols = 0;
    struct slice slice;

    if (!value_is_true(&v))
        return;
    if ((tag->offset && !loose_integer(r, tag->offset, &from)) ||
        (tag->limit && !loose_integer(r, tag->limit, &limit)) ||
        (tag->cols && !loose_integer(r, tag->cols, &cols)))
        return;
    items = is_sequence(&v) ? v : items_of(r, &v);
    slice = cut_slice(&v, &items, from, tag->limit != NULL, add(from, limit));
    run_rows(r, tag, &slice, tag->cols ? cols : (int64_t)slice.n);
}

/* cycle */

static struct place *cycle_place(struct run *r, const struct cycle_tag *tag)
{
    size_t mark = r->out->len;
    struct value key;
    struct name name = tag->words;

    if (!tag->group)
        return find_place(r, &r->frame->cycles, &name,
                          tag->shared ? NULL : (const void *)tag);
    /* A group's kind is part of its name: 1 is not "1". */
    key = run_expr(r, tag->group);
    run_charge_value(r, &key);
    buf_addf(r->out, "%d:", (int)key.kind);
    value_inspect(&key, r->out);
    key = run_cut(r, mark);
    name = (struct name){key.text, key.len};
    return find_place(r, &r->frame->cycles, &name, &r->frame->cycles);
}

void run_cycle(struct run *r, const struct cycle_tag *tag)
{
    struct place *place = cycle_place(r, tag);
    const struct item *item = tag->items;
    struct value v;

    for (size_t i = 0; i < place->index && item; i++)
        item = item->next;
    if (item) {
        v = run_expr(r, item->expr);
        run_write(r, &v);
    }
    place->index++;
    if (place->index >= tag->n_items)
        place->index = 0;
}
