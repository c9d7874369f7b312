#include "templates/number.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_MAX = 36, SCALE_MAX = 60 };

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

enum { POWERS_EXACT = sizeof POWERS / sizeof *POWERS };

static const double EXACT_BELOW = 1e15; /* every integer fits a double */
static const double POINT_FROM = 1e-4;  /* smaller ones have an exponent */

/* Writing. */

size_t number_write_integer(int64_t v, char text[static NUMBER_TEXT_MAX])
{
    char digits[24], *end = digits + sizeof digits, *at = end;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    size_t n = 0;

    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (v < 0)
        *--at = '-';
    for (; at < end; at++)
        text[n++] = *at;
    text[n] = 0;
    return n;
}

/* v as digits / 10^scale with at most 15 digits: these are then the fewest
 * that read back as v. */
static bool short_decimal(double v, int64_t *digits, int *scale)
{
    enum { SCALES = 7 };

    for (int k = 0; k < SCALES; k++) {
        double shifted = v * POWERS[k];

        if (!(fabs(shifted) < EXACT_BELOW))
            return false;
        if (shifted == rint(shifted) && shifted / POWERS[k] == v) {
            *digits = (int64_t)shifted;
            for (*scale = k; *scale > 0 && *digits % 10 == 0; --*scale)
                *digits /= 10;
            return true;
        }
    }
    return false;
}

static size_t write_short(int64_t digits, int scale, bool negative,
                          char text[static NUMBER_TEXT_MAX])
{
    char all[NUMBER_TEXT_MAX] = "";
    size_t n = number_write_integer(digits < 0 ? -digits : digits, all);
    size_t whole = n > (size_t)scale ? n - (size_t)scale : 0, to = 0;

    if (negative)
        text[to++] = '-';
    for (size_t i = 0; i < whole; i++)
        text[to++] = all[i];
    if (whole == 0)
        text[to++] = '0';
    text[to++] = '.';
    for (size_t i = n; i < (size_t)scale; i++)
        text[to++] = '0';
    for (size_t i = whole; i < n; i++)
        text[to++] = all[i];
    if (scale == 0)
        text[to++] = '0';
    text[to] = 0;
    return to;
}

/* The fewest significant digits, and the place of the point before the first
 * of them. Returns how many. */
static int shortest(double v, char digits[static NUMBER_TEXT_MAX], int *point)
{
    char text[NUMBER_TEXT_MAX];
    int n = 0;

    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, fabs(v));
        if (strtod(text, NULL) == fabs(v))
            break;
    }
    for (const char *p = text; *p && *p != 'e'; p++)
        if (*p != '.')
            digits[n++] = *p;
    *point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = 0;
    return n;
}

size_t number_write_real(double v, char text[static NUMBER_TEXT_MAX])
{
    char digits[NUMBER_TEXT_MAX];
    const char *sign = signbit(v) ? "-" : "";
    int64_t few;
    int n, point, written;

    if (isnan(v) || isinf(v))
        return (size_t)snprintf(text, NUMBER_TEXT_MAX, "%s",
                                isnan(v) ? "NaN"
                                : v < 0  ? "-Infinity"
                                         : "Infinity");
    if ((v == 0 || fabs(v) >= POINT_FROM) && short_decimal(v, &few, &n))
        return write_short(few, n, signbit(v), text);
    n = shortest(v, digits, &point);
    if (point > -4 && point <= 0)
        written = snprintf(text, NUMBER_TEXT_MAX, "%s0.%.*s%s", sign, -point,
                           "000", digits);
    else if (point > 0 && point <= 16 && point < n)
        written = snprintf(text, NUMBER_TEXT_MAX, "%s%.*s.%s", sign, point,
                           digits, digits + point);
    else if (point > 0 && point <= 16)
        written = snprintf(text, NUMBER_TEXT_MAX, "%s%s%.*s.0", sign, digits,
                           point - n, "0000000000000000");
    else
        written = snprintf(text, NUMBER_TEXT_MAX, "%s%c.%se%+03d", sign,
                           digits[0], n > 1 ? digits + 1 : "0", point - 1);
    return (size_t)written;
}

/* Reading. */

static struct number integer(int64_t v)
{
    return (struct number){.kind = NUMBER_INTEGER, .integer = v, .digits = v};
}

static struct number inexact(double v)
{
    return (struct number){.kind = NUMBER_REAL, .real = v};
}

/* Decimals have no negative zero. */
static struct number negative_zero(void)
{
    return inexact(-0.0);
}

static struct number decimal(number_digits digits, int scale)
{
    return (struct number){
        .kind = NUMBER_DECIMAL, .digits = digits, .scale = scale};
}

int64_t number_leading(const char *text, size_t len)
{
    size_t i = 0;
    bool negative = false;
    int64_t v = 0;

    while (i < len && (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r')))
        i++;
    if (i < len && (text[i] == '-' || text[i] == '+'))
        negative = text[i++] == '-';
    for (; i < len; i++) {
        if (text[i] == '_' && i + 1 < len && v > 0)
            continue;
        if (text[i] < '0' || text[i] > '9')
            break;
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, text[i] - '0', &v))
            return negative ? INT64_MIN : INT64_MAX;
    }
    return negative ? -v : v;
}

/* "-"? digits "." digits, nothing else. */
static bool read_decimal(const char *text, size_t len, struct number *out)
{
    number_digits digits = 0;
    size_t i = len > 0 && text[0] == '-', start = i, point = 0, n = 0;
    char copy[64];

    for (; i < len; i++) {
        if (text[i] == '.' && !point && i > start) {
            point = i;
            continue;
        }
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (++n <= DIGITS_MAX)
            digits = digits * 10 + (text[i] - '0');
    }
    if (!point || point + 1 == len)
        return false;
    *out = start && digits == 0
               ? negative_zero()
               : decimal(start ? -digits : digits, (int)(len - point - 1));
    if (n > DIGITS_MAX) {
        size_t cut = len < sizeof copy ? len : sizeof copy - 1;

        memcpy(copy, text, cut);
        copy[cut] = 0;
        *out = inexact(strtod(copy, NULL));
    }
    return true;
}

static struct number of_real(double v)
{
    char digits[NUMBER_TEXT_MAX];
    int64_t few;
    int n, point;

    if (v == 0 && signbit(v))
        return negative_zero();
    if (short_decimal(v, &few, &n))
        return decimal(few, n);
    if (!isfinite(v))
        return inexact(v);
    n = shortest(v, digits, &point);
    if (point > DIGITS_MAX || n - point > SCALE_MAX)
        return inexact(v);
    number_digits all = strtoll(digits, NULL, 10);
    int scale = n - point;
    for (; scale < 0; scale++)
        all *= 10;
    return decimal(v < 0 ? -all : all, scale);
}

static struct number of_text(const char *text, size_t len)
{
    struct number n;

    while (len > 0 && (*text == ' ' || (*text >= '\t' && *text <= '\r')))
        text++, len--;
    while (len > 0 && (text[len - 1] == ' ' ||
                       (text[len - 1] >= '\t' && text[len - 1] <= '\r')))
        len--;
    return read_decimal(text, len, &n) ? n : integer(number_leading(text, len));
}

struct number number_of(const struct value *v)
{
    if (v->kind == VALUE_INTEGER)
        return integer(v->integer);
    if (v->kind == VALUE_REAL)
        return of_real(v->real);
    if (v->kind == VALUE_STRING)
        return of_text(v->text, v->len);
    return integer(0);
}

static double to_real(const struct number *n)
{
    const number_digits exact = INT64_C(1) << 53;
    char text[64];
    char *at = text + sizeof text - 16;

    if (n->kind == NUMBER_REAL)
        return n->real;
    if (n->kind == NUMBER_INTEGER)
        return (double)n->integer;
    if (n->digits < exact && n->digits > -exact && n->scale < POWERS_EXACT)
        return (double)n->digits / POWERS[n->scale];
    snprintf(at, 16, "e%d", -n->scale);
    number_digits rest = n->digits < 0 ? -n->digits : n->digits;
    do
        *--at = (char)('0' + (int)(rest % 10));
    while (rest /= 10);
    double v = strtod(at, NULL);
    return n->digits < 0 ? -v : v;
}

struct value number_value(const struct number *n)
{
    return n->kind == NUMBER_INTEGER ? value_integer(n->integer)
                                     : value_real(to_real(n));
}

/* Computing. */

/* Both with the same scale, or false. */
static bool align(struct number *a, struct number *b)
{
    struct number *low = a->scale < b->scale ? a : b;
    struct number *high = low == a ? b : a;

    while (low->scale < high->scale) {
        if (__builtin_mul_overflow(low->digits, 10, &low->digits))
            return false;
        low->scale++;
    }
    return true;
}

static bool integers(enum number_operation operation, int64_t a, int64_t b,
                     int64_t *out)
{
    switch (operation) {
    case NUMBER_PLUS: return !__builtin_add_overflow(a, b, out);
    case NUMBER_MINUS: return !__builtin_sub_overflow(a, b, out);
    case NUMBER_TIMES: return !__builtin_mul_overflow(a, b, out);
    case NUMBER_DIVIDED_BY:
        if (a == INT64_MIN && b == -1)
            return false;
        *out = a / b - (a % b != 0 && (a < 0) != (b < 0));
        return true;
    case NUMBER_MODULO:
        *out = b == -1 ? 0 : a % b;
        if (*out != 0 && (*out < 0) != (b < 0))
            *out += b;
        return true;
    }
    return false;
}

static bool decimals(enum number_operation operation, struct number a,
                     struct number b, struct number *out)
{
    number_digits digits;

    if (operation == NUMBER_TIMES) {
        if (__builtin_mul_overflow(a.digits, b.digits, &digits) ||
            a.scale + b.scale > SCALE_MAX)
            return false;
        *out = digits == 0 && (a.digits < 0 || b.digits < 0)
                   ? negative_zero()
                   : decimal(digits, a.scale + b.scale);
        return true;
    }
    if (operation == NUMBER_DIVIDED_BY || !align(&a, &b))
        return false;
    if (operation == NUMBER_MODULO) {
        digits = a.digits % b.digits;
        if (digits != 0 && (digits < 0) != (b.digits < 0))
            digits += b.digits;
    } else if (operation == NUMBER_PLUS
                   ? __builtin_add_overflow(a.digits, b.digits, &digits)
                   : __builtin_sub_overflow(a.digits, b.digits, &digits)) {
        return false;
    }
    *out = decimal(digits, a.scale);
    return true;
}

static long double wide(const struct number *n)
{
    long double v;

    if (n->kind == NUMBER_REAL)
        return n->real;
    v = (long double)n->digits;
    for (int i = 0; i < n->scale; i++)
        v /= 10;
    return v;
}

static double quotient(const struct number *a, const struct number *b)
{
    struct number x = *a, y = *b;

    if (a->kind != NUMBER_REAL && b->kind != NUMBER_REAL && align(&x, &y))
        return (double)((long double)x.digits / (long double)y.digits);
    return (double)(wide(a) / wide(b));
}

static double reals(enum number_operation operation, const struct number *a,
                    const struct number *b)
{
    double x = to_real(a), y = to_real(b);

    switch (operation) {
    case NUMBER_PLUS: return x + y;
    case NUMBER_MINUS: return x - y;
    case NUMBER_TIMES: return x * y;
    case NUMBER_DIVIDED_BY: return quotient(a, b);
    case NUMBER_MODULO: return x - floor(x / y) * y;
    }
    return 0;
}

/* Of decimals, a quotient is no error. */
static bool by_zero(enum number_operation operation, const struct number *a,
                    const struct number *b, struct number *out)
{
    double x = to_real(a);

    *out = inexact(x == 0 ? NAN : x < 0 ? -INFINITY : INFINITY);
    return operation == NUMBER_DIVIDED_BY &&
           (a->kind != NUMBER_INTEGER || b->kind != NUMBER_INTEGER);
}

bool number_operate(enum number_operation operation, const struct number *a,
                    const struct number *b, struct number *out)
{
    bool divides = operation == NUMBER_DIVIDED_BY || operation == NUMBER_MODULO;
    int64_t v;

    if (divides && to_real(b) == 0)
        return by_zero(operation, a, b, out);
    if (a->kind == NUMBER_INTEGER && b->kind == NUMBER_INTEGER &&
        integers(operation, a->integer, b->integer, &v))
        *out = integer(v);
    else if (a->kind == NUMBER_REAL || b->kind == NUMBER_REAL ||
             !decimals(operation, *a, *b, out))
        *out = inexact(reals(operation, a, b));
    return true;
}

int number_compare(const struct number *a, const struct number *b)
{
    struct number x = *a, y = *b;

    if (a->kind != NUMBER_REAL && b->kind != NUMBER_REAL && align(&x, &y))
        return (x.digits > y.digits) - (x.digits < y.digits);
    double p = to_real(a), q = to_real(b);
    return (p > q) - (p < q);
}

int64_t number_truncate(double v)
{
    if (isnan(v))
        return 0;
    return v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

static struct number whole(double v)
{
    return v >= -0x1p63 && v < 0x1p63 ? integer((int64_t)v) : inexact(v);
}

static double round_real(double v, enum number_rounding how)
{
    switch (how) {
    case NUMBER_ROUND: return round(v);
    case NUMBER_FLOOR: return floor(v);
    case NUMBER_CEIL: return ceil(v);
    }
    return v;
}

/* digits / by, rounded. */
static number_digits shrink(number_digits digits, number_digits by,
                            enum number_rounding how)
{
    number_digits down = digits / by, rest = digits % by;

    if (rest < 0) {
        down--;
        rest += by;
    }
    switch (how) {
    case NUMBER_FLOOR: return down;
    case NUMBER_CEIL: return down + (rest != 0);
    case NUMBER_ROUND: /* the half goes away from zero */
        return down + (digits < 0 ? rest > by - rest : rest >= by - rest);
    }
    return down;
}

struct number number_round(const struct number *n, enum number_rounding how,
                           int64_t digits)
{
    number_digits by = 1;
    int64_t cut = n->scale - digits;

    if (n->kind == NUMBER_REAL)
        return digits > 0 ? *n : whole(round_real(n->real, how));
    if (digits > 0 && (n->kind == NUMBER_INTEGER || cut <= 0))
        return *n;
    if (cut > DIGITS_MAX)
        return integer(0);
    for (int64_t i = 0; i < cut; i++)
        by *= 10;
    number_digits kept = shrink(n->digits, by, how);
    if (digits > 0 && kept == 0 && n->digits < 0)
        return negative_zero();
    if (digits > 0)
        return decimal(kept, (int)digits);
    for (int64_t i = digits; i < 0; i++)
        if (__builtin_mul_overflow(kept, 10, &kept))
            return inexact(to_real(n));
    if (kept > INT64_MAX || kept < INT64_MIN)
        return inexact(to_real(n));
    return integer((int64_t)kept);
}
