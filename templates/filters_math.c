#include "templates/filter.h"
#include "templates/number.h"
#include <math.h>

static void operate(struct run *r, struct value *v, const struct value *arg,
                    enum number_operation operation)
{
    struct number a = number_of(v), b = number_of(arg), out;

    if (number_operate(operation, &a, &b, &out))
        *v = number_value(&out);
    else
        run_fail(r, "divided by 0");
}

#define OPERATION_TABLE(X)                                                     \
    X(filter_plus, NUMBER_PLUS)                                                \
    X(filter_minus, NUMBER_MINUS)                                              \
    X(filter_times, NUMBER_TIMES)                                              \
    X(filter_divided_by, NUMBER_DIVIDED_BY)                                    \
    X(filter_modulo, NUMBER_MODULO)

#define X_(function, operation)                                                \
    void function(struct run *r, struct value *v, const struct value *args,    \
                  size_t n)                                                    \
    {                                                                          \
        (void)n;                                                               \
        operate(r, v, &args[0], operation);                                    \
    }
OPERATION_TABLE(X_)
#undef X_

void filter_abs(struct run *r, struct value *v, const struct value *args,
                size_t n)
{
    const struct value zero = value_integer(0);
    struct number a = number_of(v), none = number_of(&zero);

    (void)args, (void)n;
    *v = number_value(&a);
    if (v->kind == VALUE_REAL && v->real == 0)
        v->real = 0; /* not -0.0 */
    if (number_compare(&a, &none) < 0)
        operate(r, v, &(struct value){.kind = VALUE_INTEGER, .integer = -1},
                NUMBER_TIMES);
}

void filter_at_least(struct run *r, struct value *v, const struct value *args,
                     size_t n)
{
    struct number a = number_of(v), b = number_of(&args[0]);

    (void)r, (void)n;
    *v = number_value(number_compare(&b, &a) > 0 ? &b : &a);
}

void filter_at_most(struct run *r, struct value *v, const struct value *args,
                    size_t n)
{
    struct number a = number_of(v), b = number_of(&args[0]);

    (void)r, (void)n;
    *v = number_value(number_compare(&b, &a) < 0 ? &b : &a);
}

static void round_to(struct run *r, struct value *v, enum number_rounding how,
                     int64_t digits)
{
    enum { DIGITS_MAX = 300 };
    struct number a = number_of(v), out;

    if (a.kind == NUMBER_REAL && digits <= 0 && !isfinite(a.real)) {
        run_fail(r, "%s can't be rounded",
                 isnan(a.real) ? "what is no number" : "infinity");
        return;
    }
    digits = digits > DIGITS_MAX    ? DIGITS_MAX
             : digits < -DIGITS_MAX ? -DIGITS_MAX
                                    : digits;
    out = number_round(&a, how, digits);
    *v = number_value(&out);
}

void filter_round(struct run *r, struct value *v, const struct value *args,
                  size_t n)
{
    struct number digits = number_of(&args[0]);

    (void)n;
    digits = number_round(&digits, NUMBER_FLOOR, 0);
    round_to(r, v, NUMBER_ROUND, digits.integer);
}

void filter_ceil(struct run *r, struct value *v, const struct value *args,
                 size_t n)
{
    (void)args, (void)n;
    round_to(r, v, NUMBER_CEIL, 0);
}

void filter_floor(struct run *r, struct value *v, const struct value *args,
                  size_t n)
{
    (void)args, (void)n;
    round_to(r, v, NUMBER_FLOOR, 0);
}

void filter_sum(struct run *r, struct value *v, const struct value *args,
                size_t n)
{
    struct value sum = value_integer(0), items;

    if (n > 0 && args[0].kind != VALUE_NIL)
        filter_map(r, v, args, n);
    items = filter_items(r, v);
    for (size_t i = 0; i < value_count(&items) && r->status == STATUS_OK; i++) {
        struct value item = value_at(&items, i);

        run_charge(r, 1);
        operate(r, &sum, &item, NUMBER_PLUS);
    }
    *v = sum;
}
