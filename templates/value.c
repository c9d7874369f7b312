#include "templates/value.h"
#include "templates/number.h"
#include <string.h>

struct value value_nil(void)
{
    return (struct value){.kind = VALUE_NIL};
}

struct value value_bool(bool b)
{
    return (struct value){.kind = VALUE_BOOL, .boolean = b};
}

struct value value_integer(int64_t i)
{
    return (struct value){.kind = VALUE_INTEGER, .integer = i};
}

struct value value_real(double d)
{
    return (struct value){.kind = VALUE_REAL, .real = d};
}

struct value value_text(const char *text, size_t len)
{
    return (struct value){.kind = VALUE_STRING, .text = text, .len = len};
}

struct value value_list(const struct list *list)
{
    return (struct value){.kind = VALUE_LIST, .list = list};
}

struct value value_of_json(const json_t *json)
{
    if (!json)
        return value_nil();
    switch (json_typeof(json)) {
    case JSON_STRING:
        return value_text(json_string_value(json), json_string_length(json));
    case JSON_INTEGER: return value_integer(json_integer_value(json));
    case JSON_REAL: return value_real(json_real_value(json));
    case JSON_TRUE: return value_bool(true);
    case JSON_FALSE: return value_bool(false);
    case JSON_NULL: return value_nil();
    case JSON_OBJECT: return (struct value){.kind = VALUE_OBJECT, .json = json};
    case JSON_ARRAY: return (struct value){.kind = VALUE_ARRAY, .json = json};
    }
    return value_nil();
}

bool value_is_true(const struct value *v)
{
    return v->kind != VALUE_NIL && (v->kind != VALUE_BOOL || v->boolean);
}

bool value_is_array(const struct value *v)
{
    return v->kind == VALUE_ARRAY || v->kind == VALUE_LIST;
}

size_t value_count(const struct value *v)
{
    if (v->kind == VALUE_ARRAY)
        return json_array_size(v->json);
    if (v->kind == VALUE_OBJECT)
        return json_object_size(v->json);
    if (v->kind == VALUE_LIST)
        return v->list->n;
    if (v->kind == VALUE_RANGE && v->from <= v->to) {
        uint64_t width = (uint64_t)v->to - (uint64_t)v->from;
        return width < SIZE_MAX ? (size_t)width + 1 : SIZE_MAX;
    }
    return 0;
}

struct value value_at(const struct value *v, size_t i)
{
    if (v->kind == VALUE_ARRAY)
        return value_of_json(json_array_get(v->json, i));
    if (v->kind == VALUE_LIST && i < v->list->n)
        return v->list->items[i];
    if (v->kind == VALUE_RANGE && i < value_count(v))
        return value_integer((int64_t)((uint64_t)v->from + i));
    return value_nil();
}

bool value_is_empty(const struct value *v)
{
    if (v->kind == VALUE_STRING)
        return v->len == 0;
    return (value_is_array(v) || v->kind == VALUE_OBJECT) &&
           value_count(v) == 0;
}

bool value_is_blank(const struct value *v)
{
    if (v->kind == VALUE_STRING) {
        for (size_t i = 0; i < v->len; i++)
            if (v->text[i] != ' ' && (v->text[i] < '\t' || v->text[i] > '\r'))
                return false;
        return true;
    }
    return !value_is_true(v) || value_is_empty(v);
}

static bool is_number(const struct value *v)
{
    return v->kind == VALUE_INTEGER || v->kind == VALUE_REAL;
}

static bool equal_arrays(const struct value *a, const struct value *b)
{
    size_t n = value_count(a);

    if (value_count(b) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct value x = value_at(a, i), y = value_at(b, i);

        if (!value_equal(&x, &y))
            return false;
    }
    return true;
}

static bool equal_to_word(const struct value *word, const struct value *v)
{
    return word->kind == VALUE_EMPTY ? value_is_empty(v)
           : v->kind == VALUE_EMPTY || v->kind == VALUE_BLANK
               ? false
               : value_is_blank(v);
}

static bool equal_in_kind(const struct value *a, const struct value *b)
{
    switch (a->kind) {
    case VALUE_BOOL: return a->boolean == b->boolean;
    case VALUE_INTEGER: return a->integer == b->integer;
    case VALUE_REAL: return a->real == b->real;
    case VALUE_STRING:
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    case VALUE_OBJECT: return json_equal(a->json, b->json);
    case VALUE_RANGE: return a->from == b->from && a->to == b->to;
    case VALUE_FORLOOP:
    case VALUE_TABLEROW: return a->loop == b->loop;
    case VALUE_SELF: return a->frame == b->frame;
    case VALUE_NIL:
    case VALUE_ARRAY:
    case VALUE_LIST:
    case VALUE_EMPTY:
    case VALUE_BLANK: return true;
    }
    return false;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->kind == VALUE_EMPTY || a->kind == VALUE_BLANK)
        return equal_to_word(a, b);
    if (b->kind == VALUE_EMPTY || b->kind == VALUE_BLANK)
        return equal_to_word(b, a);
    if (value_is_array(a) && value_is_array(b))
        return equal_arrays(a, b);
    if (is_number(a) && is_number(b) && a->kind != b->kind)
        return (a->kind == VALUE_REAL ? a->real : (double)a->integer) ==
               (b->kind == VALUE_REAL ? b->real : (double)b->integer);
    return a->kind == b->kind && equal_in_kind(a, b);
}

static bool order_arrays(const struct value *a, const struct value *b,
                         int *order)
{
    size_t n = value_count(a), m = value_count(b);

    for (size_t i = 0; i < n && i < m; i++) {
        struct value x = value_at(a, i), y = value_at(b, i);

        if (!value_order(&x, &y, order))
            return false;
        if (*order != 0)
            return true;
    }
    *order = (n > m) - (n < m);
    return true;
}

bool value_order(const struct value *a, const struct value *b, int *order)
{
    *order = 0;
    if (a->kind == VALUE_INTEGER && b->kind == VALUE_INTEGER) {
        *order = (a->integer > b->integer) - (a->integer < b->integer);
        return true;
    }
    if (is_number(a) && is_number(b)) {
        double x = a->kind == VALUE_REAL ? a->real : (double)a->integer;
        double y = b->kind == VALUE_REAL ? b->real : (double)b->integer;

        *order = (x > y) - (x < y);
        return x == x && y == y; /* not a number: no order */
    }
    if (a->kind == VALUE_STRING && b->kind == VALUE_STRING) {
        size_t n = a->len < b->len ? a->len : b->len;

        *order = n ? memcmp(a->text, b->text, n) : 0;
        if (*order == 0)
            *order = (a->len > b->len) - (a->len < b->len);
        return true;
    }
    if (value_is_array(a) && value_is_array(b))
        return order_arrays(a, b, order);
    return value_equal(a, b);
}

/* Text. */

/* The letter behind the backslash, or 0. */
static char escape_letter(char c)
{
    switch (c) {
    case '\a': return 'a';
    case '\b': return 'b';
    case '\t': return 't';
    case '\n': return 'n';
    case '\v': return 'v';
    case '\f': return 'f';
    case '\r': return 'r';
    case '\033': return 'e';
    case '"': return '"';
    case '\\': return '\\';
    default: return 0;
    }
}

static void inspect_text(const char *text, size_t len, struct buf *out)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        char c = text[i], letter = escape_letter(c);
        bool marks =
            c == '#' && i + 1 < len &&
            (text[i + 1] == '{' || text[i + 1] == '$' || text[i + 1] == '@');

        if (letter || marks)
            buf_addf(out, "\\%c", letter ? letter : c);
        else if ((unsigned char)c < ' ' || c == 0x7f)
            buf_addf(out, "\\u%04X", (unsigned)c);
        else
            buf_add_char(out, c);
    }
    buf_add_char(out, '"');
}

static void inspect(const struct value *v, struct buf *out);

static void inspect_object(const struct value *v, struct buf *out)
{
    const char *separator = "{";
    void *at = json_object_iter((json_t *)(uintptr_t)v->json);

    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)v->json, at)) {
        struct value item = value_of_json(json_object_iter_value(at));

        buf_add_text(out, separator);
        inspect_text(json_object_iter_key(at), json_object_iter_key_len(at),
                     out);
        buf_add_text(out, "=>");
        inspect(&item, out);
        separator = ", ";
    }
    buf_add_text(out, json_object_size(v->json) ? "}" : "{}");
}

static void inspect(const struct value *v, struct buf *out)
{
    if (v->kind == VALUE_STRING) {
        inspect_text(v->text, v->len, out);
    } else if (v->kind == VALUE_NIL) {
        buf_add_text(out, "nil");
    } else if (value_is_array(v)) {
        buf_add_char(out, '[');
        for (size_t i = 0; i < value_count(v); i++) {
            struct value item = value_at(v, i);

            if (i)
                buf_add_text(out, ", ");
            inspect(&item, out);
        }
        buf_add_char(out, ']');
    } else {
        value_inspect(v, out);
    }
}

void value_inspect(const struct value *v, struct buf *out)
{
    char text[NUMBER_TEXT_MAX];

    switch (v->kind) {
    case VALUE_NIL:
    case VALUE_EMPTY:
    case VALUE_BLANK: break;
    case VALUE_BOOL: buf_add_text(out, v->boolean ? "true" : "false"); break;
    case VALUE_INTEGER:
        buf_add(out, text, number_write_integer(v->integer, text));
        break;
    case VALUE_REAL:
        buf_add(out, text, number_write_real(v->real, text));
        break;
    case VALUE_STRING: buf_add(out, v->text, v->len); break;
    case VALUE_ARRAY:
    case VALUE_LIST: inspect(v, out); break;
    case VALUE_OBJECT: inspect_object(v, out); break;
    case VALUE_RANGE:
        buf_addf(out, "%lld..%lld", (long long)v->from, (long long)v->to);
        break;
    case VALUE_FORLOOP: buf_add_text(out, "Liquid::ForloopDrop"); break;
    case VALUE_TABLEROW: buf_add_text(out, "Liquid::TablerowloopDrop"); break;
    case VALUE_SELF: buf_add_text(out, "Liquid::SelfDrop"); break;
    }
}

void value_write(const struct value *v, struct buf *out)
{
    if (!value_is_array(v)) {
        value_inspect(v, out);
        return;
    }
    for (size_t i = 0; i < value_count(v); i++) {
        struct value item = value_at(v, i);

        value_write(&item, out);
    }
}

const char *value_kind_text(const struct value *v)
{
    switch (v->kind) {
    case VALUE_NIL:
    case VALUE_EMPTY:
    case VALUE_BLANK: return "nil";
    case VALUE_BOOL: return v->boolean ? "true" : "false";
    case VALUE_INTEGER: return "Integer";
    case VALUE_REAL: return "Float";
    case VALUE_STRING: return "String";
    case VALUE_ARRAY:
    case VALUE_LIST: return "Array";
    case VALUE_OBJECT: return "Hash";
    case VALUE_RANGE: return "Range";
    case VALUE_FORLOOP:
    case VALUE_TABLEROW:
    case VALUE_SELF: return "drop";
    }
    return "value";
}
