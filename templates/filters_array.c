#include "templates/filter.h"
#include "templates/number.h"
#include <string.h>
#include <strings.h>

/* Items. */

static size_t flat_count(struct run *r, const struct value *v)
{
    size_t n = 0;

    for (size_t i = 0; i < value_count(v); i++) {
        struct value item = value_at(v, i);

        if (run_charge(r, 1) != STATUS_OK)
            return 0;
        n += value_is_array(&item) ? flat_count(r, &item) : 1;
    }
    return n;
}

static void flatten(const struct value *v, struct list *to, size_t *at)
{
    for (size_t i = 0; i < value_count(v); i++) {
        struct value item = value_at(v, i);

        if (value_is_array(&item))
            flatten(&item, to, at);
        else
            to->items[(*at)++] = item;
    }
}

static bool is_flat(const struct value *v)
{
    for (size_t i = 0; i < value_count(v); i++) {
        struct value item = value_at(v, i);

        if (value_is_array(&item))
            return false;
    }
    return true;
}

struct value filter_items(struct run *r, const struct value *v)
{
    static const struct list empty;
    struct list *list;
    size_t at = 0;

    if (v->kind == VALUE_NIL)
        return value_list(&empty);
    if (v->kind == VALUE_RANGE || (value_is_array(v) && is_flat(v))) {
        if (value_count(v) > TEMPLATE_LOOPS_MAX)
            run_limit(r, "items", TEMPLATE_LOOPS_MAX);
        return r->status == STATUS_OK ? *v : value_list(&empty);
    }
    if (!value_is_array(v)) {
        list = run_list(r, 1);
        if (list)
            list->items[0] = *v;
        return list ? value_list(list) : value_list(&empty);
    }
    list = run_list(r, flat_count(r, v));
    if (!list || r->status != STATUS_OK)
        return value_list(&empty);
    flatten(v, list, &at);
    return value_list(list);
}

enum property { PROPERTY_READ, PROPERTY_WRONG, PROPERTY_NONE };

/* Ruby's [] of a text by a number: a character; of an integer: one bit. */
static struct value by_number(const struct value *item, int64_t i)
{
    if (item->kind == VALUE_STRING)
        return run_character(item, i);
    if (i < 0)
        return value_integer(0);
    return value_integer(i < 63 ? item->integer >> i & 1 : item->integer < 0);
}

/* item[key]: a text's is the key where the text has it in it. */
static enum property property_of(struct run *r, const struct value *item,
                                 const struct value *key, struct value *out)
{
    struct name name = {key->text, key->len};
    bool number = key->kind == VALUE_INTEGER || key->kind == VALUE_REAL;

    *out = value_nil();
    if (item->kind == VALUE_STRING && key->kind == VALUE_STRING) {
        if (memmem(item->text, item->len, key->text, key->len))
            *out = *key;
        return PROPERTY_READ;
    }
    if (item->kind == VALUE_STRING || item->kind == VALUE_INTEGER) {
        if (number)
            *out = by_number(item, key->kind == VALUE_INTEGER
                                       ? key->integer
                                       : number_truncate(key->real));
        return number ? PROPERTY_READ : PROPERTY_WRONG;
    }
    if (item->kind == VALUE_OBJECT && key->kind == VALUE_STRING)
        *out = value_of_json(json_object_getn(item->json, key->text, key->len));
    else if (item->kind == VALUE_SELF && key->kind == VALUE_STRING)
        *out = run_variable(r, item->frame, &name);
    else if (item->kind != VALUE_OBJECT && item->kind != VALUE_SELF)
        return PROPERTY_NONE;
    return PROPERTY_READ;
}

static void wrong_property(struct run *r, const struct value *key)
{
    struct value text = run_text(r, key);

    run_fail(r, "the items have no property \"%.*s\"",
             text.len > 40 ? 40 : (int)text.len, text.text);
}

static void set_list(struct value *v, struct list *list)
{
    *v = list ? value_list(list) : value_nil();
}

/* Selecting. */

enum selection { SELECTED, REJECTED, UNREADABLE };

static enum selection select_item(struct run *r, const struct value *item,
                                  const struct value *args, size_t n)
{
    struct value found;

    switch (property_of(r, item, &args[0], &found)) {
    case PROPERTY_NONE: return UNREADABLE;
    case PROPERTY_WRONG: wrong_property(r, &args[0]); return UNREADABLE;
    case PROPERTY_READ: break;
    }
    if (n < 2 || args[1].kind == VALUE_NIL)
        return value_is_true(&found) ? SELECTED : REJECTED;
    run_charge_value(r, &found);
    return value_equal(&found, &args[1]) ? SELECTED : REJECTED;
}

static void keep(struct run *r, struct value *v, const struct value *args,
                 size_t n, enum selection kept)
{
    struct value items = filter_items(r, v);
    size_t count = value_count(&items), to = 0;
    struct list *list = run_list(r, count);

    run_charge_value(r, &items);
    for (size_t i = 0; list && i < count && r->status == STATUS_OK; i++) {
        struct value item = value_at(&items, i);
        enum selection s = select_item(r, &item, args, n);

        if (s == UNREADABLE) {
            *v = value_nil();
            return;
        }
        if (s == kept)
            list->items[to++] = item;
    }
    if (list)
        list->n = to;
    set_list(v, list);
}

void filter_where(struct run *r, struct value *v, const struct value *args,
                  size_t n)
{
    keep(r, v, args, n, SELECTED);
}

void filter_reject(struct run *r, struct value *v, const struct value *args,
                   size_t n)
{
    keep(r, v, args, n, REJECTED);
}

/* The first that is selected, and its index. REJECTED: there is none;
 * UNREADABLE: an item before it has no properties. */
static enum selection find_first(struct run *r, const struct value *v,
                                 const struct value *args, size_t n,
                                 struct value *item, size_t *index)
{
    struct value items = filter_items(r, v);
    size_t count = value_count(&items);

    run_charge_value(r, &items);
    for (*index = 0; *index < count && r->status == STATUS_OK; ++*index) {
        *item = value_at(&items, *index);
        enum selection s = select_item(r, item, args, n);

        if (s != REJECTED)
            return s;
    }
    return REJECTED;
}

void filter_find(struct run *r, struct value *v, const struct value *args,
                 size_t n)
{
    struct value item;
    size_t i;

    *v = find_first(r, v, args, n, &item, &i) == SELECTED ? item : value_nil();
}

void filter_find_index(struct run *r, struct value *v, const struct value *args,
                       size_t n)
{
    struct value item;
    size_t i;

    *v = find_first(r, v, args, n, &item, &i) == SELECTED
             ? value_integer((int64_t)i)
             : value_nil();
}

void filter_has(struct run *r, struct value *v, const struct value *args,
                size_t n)
{
    struct value item;
    size_t i;

    enum selection s = find_first(r, v, args, n, &item, &i);

    *v = s == UNREADABLE ? value_nil() : value_bool(s == SELECTED);
}

/* The items' properties; the items themselves without key. *whole: each item
 * has properties at all; where one has not, its own is nil. */
static struct list *keys_of(struct run *r, const struct value *items,
                            const struct value *key, bool *whole)
{
    size_t count = value_count(items);
    struct list *keys = run_list(r, count);

    *whole = true;
    run_charge_value(r, items);
    for (size_t i = 0; keys && i < count && r->status == STATUS_OK; i++) {
        struct value item = value_at(items, i);
        enum property p = PROPERTY_READ;

        keys->items[i] = item;
        if (key)
            p = property_of(r, &item, key, &keys->items[i]);
        if (p == PROPERTY_WRONG && *whole)
            wrong_property(r, key);
        *whole = *whole && p != PROPERTY_NONE;
    }
    return r->status == STATUS_OK ? keys : NULL;
}

static const struct value *key_of(const struct value *args)
{
    return args[0].kind == VALUE_NIL ? NULL : &args[0];
}

void filter_map(struct run *r, struct value *v, const struct value *args,
                size_t n)
{
    struct value items = filter_items(r, v);
    size_t count = value_count(&items);
    struct list *list = run_list(r, count);

    (void)n;
    run_charge_value(r, &items);
    for (size_t i = 0; list && i < count && r->status == STATUS_OK; i++) {
        struct value item = value_at(&items, i);

        if (property_of(r, &item, &args[0], &list->items[i]) == PROPERTY_WRONG)
            wrong_property(r, &args[0]);
    }
    set_list(v, r->status == STATUS_OK ? list : NULL);
}

void filter_compact(struct run *r, struct value *v, const struct value *args,
                    size_t n)
{
    struct value items = filter_items(r, v);
    bool whole;
    struct list *keys = keys_of(r, &items, key_of(args), &whole), *list;
    size_t to = 0;

    (void)n;
    list = keys && whole ? run_list(r, keys->n) : NULL;
    for (size_t i = 0; list && i < keys->n; i++)
        if (keys->items[i].kind != VALUE_NIL)
            list->items[to++] = value_at(&items, i);
    if (list)
        list->n = to;
    set_list(v, list);
}

void filter_uniq(struct run *r, struct value *v, const struct value *args,
                 size_t n)
{
    struct value items = filter_items(r, v);
    bool whole;
    /* One item is not looked at: whatever it is, it is there once. */
    const struct value *key = value_count(&items) > 1 ? key_of(args) : NULL;
    struct list *keys = keys_of(r, &items, key, &whole), *list;
    size_t to = 0;

    (void)n;
    list = keys && whole ? run_list(r, keys->n) : NULL;
    for (size_t i = 0; list && i < keys->n; i++) {
        size_t old = 0, before = r->steps;

        /* It is compared with all that are kept so far. */
        run_charge_value(r, &keys->items[i]);
        run_charge(r, to / 4 + (r->steps - before) * to);
        if (r->status != STATUS_OK)
            break;
        while (old < to && !value_equal(&keys->items[old], &keys->items[i]))
            old++;
        if (old < to)
            continue;
        list->items[to] = value_at(&items, i);
        keys->items[to++] = keys->items[i];
    }
    if (list)
        list->n = to;
    set_list(v, list);
}

/* Order. */

struct sortable {
    struct value key, item;
};

struct order {
    struct run *r;
    bool natural;
};

static int compare_natural(struct run *r, const struct value *a,
                           const struct value *b)
{
    struct value x = run_text(r, a), y = run_text(r, b);
    size_t n = x.len < y.len ? x.len : y.len;
    int order = n ? strncasecmp(x.text, y.text, n) : 0;

    return order ? order : (x.len > y.len) - (x.len < y.len);
}

/* nil goes last; of two, sort_natural takes the second first, as the reference
 * does. */
static int compare(struct order *o, const struct value *a,
                   const struct value *b)
{
    int order;

    run_charge(o->r, 1);
    run_charge_value(o->r, a);
    if (a->kind == VALUE_NIL || b->kind == VALUE_NIL)
        return o->natural && a->kind == VALUE_NIL
                   ? 1
                   : (a->kind == VALUE_NIL) - (b->kind == VALUE_NIL);
    if (o->natural)
        return compare_natural(o->r, a, b);
    if (!value_order(a, b, &order))
        run_fail(o->r, "%s and %s can't be sorted", value_kind_text(a),
                 value_kind_text(b));
    return order;
}

/* Stable, so that equal items stay as they are. */
static void merge_sort(struct order *o, struct sortable *items,
                       struct sortable *spare, size_t n)
{
    size_t half = n / 2, i = 0, j = half, to = 0;

    if (n < 2 || o->r->status != STATUS_OK)
        return;
    merge_sort(o, items, spare, half);
    merge_sort(o, items + half, spare, n - half);
    while (i < half && j < n)
        spare[to++] = compare(o, &items[i].key, &items[j].key) > 0 ? items[j++]
                                                                   : items[i++];
    while (i < half)
        spare[to++] = items[i++];
    memcpy(items, spare, to * sizeof *items);
}

/* Can each item be asked for properties? */
static bool have_properties(const struct value *items)
{
    for (size_t i = 0; i < value_count(items); i++) {
        const struct value v = value_at(items, i);

        if (v.kind != VALUE_STRING && v.kind != VALUE_INTEGER &&
            v.kind != VALUE_OBJECT && v.kind != VALUE_SELF)
            return false;
    }
    return true;
}

/* A single item is not asked. */
static void sort(struct run *r, struct value *v, const struct value *key,
                 bool natural)
{
    struct value items = filter_items(r, v);
    bool asks = key && value_count(&items) > 1, whole;
    struct order o = {r, natural};
    struct list *keys, *list;
    struct sortable *all;

    if (key && !have_properties(&items)) {
        *v = value_nil();
        return;
    }
    keys = keys_of(r, &items, asks ? key : NULL, &whole);
    if (!keys || !run_room(r, 2 * keys->n * sizeof *all))
        return;
    all = run_take(r, 2 * keys->n * sizeof *all);
    for (size_t i = 0; i < keys->n; i++)
        all[i] = (struct sortable){keys->items[i], value_at(&items, i)};
    merge_sort(&o, all, all + keys->n, keys->n);
    list = run_list(r, keys->n);
    for (size_t i = 0; list && i < keys->n; i++)
        list->items[i] = all[i].item;
    set_list(v, list);
}

void filter_sort(struct run *r, struct value *v, const struct value *args,
                 size_t n)
{
    (void)n;
    sort(r, v, key_of(args), false);
}

void filter_sort_natural(struct run *r, struct value *v,
                         const struct value *args, size_t n)
{
    (void)n;
    sort(r, v, key_of(args), true);
}

void filter_reverse(struct run *r, struct value *v, const struct value *args,
                    size_t n)
{
    struct value items = filter_items(r, v);
    size_t count = value_count(&items);
    struct list *list = run_list(r, count);

    (void)args, (void)n;
    run_charge(r, count);
    for (size_t i = 0; list && i < count; i++)
        list->items[i] = value_at(&items, count - 1 - i);
    set_list(v, list);
}

/* Joining. */

void filter_concat(struct run *r, struct value *v, const struct value *args,
                   size_t n)
{
    struct value a = filter_items(r, v), b = args[0];
    size_t first = value_count(&a), second = value_count(&b);
    struct list *list;

    (void)n;
    if (!value_is_array(&b)) {
        run_fail(r, "concat takes an array, found %s", value_kind_text(&b));
        return;
    }
    list = run_list(r, first + second);
    run_charge(r, first + second);
    for (size_t i = 0; list && i < first; i++)
        list->items[i] = value_at(&a, i);
    for (size_t i = 0; list && i < second; i++)
        list->items[first + i] = value_at(&b, i);
    set_list(v, list);
}

void filter_join(struct run *r, struct value *v, const struct value *args,
                 size_t n)
{
    struct value items = filter_items(r, v), glue = value_text(" ", 1);
    size_t mark, count = value_count(&items);

    if (n > 0)
        glue = run_text(r, &args[0]);
    run_charge_value(r, &items);
    mark = r->out->len;
    for (size_t i = 0; i < count && r->status == STATUS_OK; i++) {
        struct value item = value_at(&items, i);

        if (i)
            buf_add(r->out, glue.text, glue.len);
        value_inspect(&item, r->out);
        if (r->out->len - mark > TEMPLATE_OUTPUT_MAX)
            run_limit(r, "bytes of output", TEMPLATE_OUTPUT_MAX);
    }
    *v = run_cut(r, mark);
}
