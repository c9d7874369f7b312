/*
 * templates/value - what a variable, a literal or a filter gives, and what
 * Liquid thinks of it: truth, equality, order, its text. Internal to
 * templates/.
 *
 * A value borrows: from the recipient's data, the program or the arena of the
 * render. It is copied freely and owns nothing. No I/O; allocates nothing but
 * the growth of the buf that a text is written to.
 */
#ifndef TEMPLATES_VALUE_H
#define TEMPLATES_VALUE_H

#include "base/buf.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum value_kind {
    VALUE_NIL,
    VALUE_BOOL,
    VALUE_INTEGER,
    VALUE_REAL,
    VALUE_STRING,
    VALUE_ARRAY, /* of the data */
    VALUE_LIST,  /* an array made by the template */
    VALUE_OBJECT,
    VALUE_RANGE,
    VALUE_FORLOOP,
    VALUE_TABLEROW,
    VALUE_SELF,  /* the word `self`: the variables in scope */
    VALUE_EMPTY, /* the word `empty` where it is compared with */
    VALUE_BLANK,
};

struct list;
struct loop;
struct frame;

struct value {
    enum value_kind kind;
    bool safe;    /* a string that is HTML already */
    bool missing; /* nil because there is no such variable */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const char *text;
            size_t len;
        };
        struct {
            int64_t from, to; /* both included; from > to: empty */
        };
        const json_t *json;
        const struct list *list;
        const struct loop *loop;
        struct frame *frame;
    };
};

struct list {
    size_t n;
    struct value items[];
};

struct value value_nil(void);
struct value value_bool(bool b);
struct value value_integer(int64_t i);
struct value value_real(double d);
struct value value_text(const char *text, size_t len);
struct value value_list(const struct list *list);
struct value value_of_json(const json_t *json);

bool value_is_true(const struct value *v); /* all but nil and false */
bool value_is_array(const struct value *v);

/* Of arrays, ranges; also of objects, whose items only loops see. */
size_t value_count(const struct value *v);

/* The item of an array or range; nil beyond its end. */
struct value value_at(const struct value *v, size_t i);

/* "", nil, {} or [] where `empty` or `blank` says so. */
bool value_is_empty(const struct value *v);
bool value_is_blank(const struct value *v);

/* As == of the language compares. */
bool value_equal(const struct value *a, const struct value *b);

/* a <=> b. False if they have no order. */
bool value_order(const struct value *a, const struct value *b, int *order);

/* What {{ v }} writes, nothing escaped: arrays item by item. */
void value_write(const struct value *v, struct buf *out);

/* The text that filters work on: an array in its written form, ["a", 1]. */
void value_inspect(const struct value *v, struct buf *out);

/* "Integer", "String": for errors. */
const char *value_kind_text(const struct value *v);
#endif
