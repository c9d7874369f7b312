/*
 * templates/number - Liquid's arithmetic: 64-bit integers, and decimals that
 * are exact as long as their digits fit (0.1 + 0.2 is 0.3). What overflows
 * goes on as a double. No I/O, allocates nothing.
 */
#ifndef TEMPLATES_NUMBER_H
#define TEMPLATES_NUMBER_H

#include "templates/value.h"

__extension__ typedef __int128 number_digits; /* pedantic C has no name */

/* An integer, or a decimal digits / 10^scale, or (inexact) only real. */
struct number {
    enum number_kind { NUMBER_INTEGER, NUMBER_DECIMAL, NUMBER_REAL } kind;
    int64_t integer;
    number_digits digits;
    int scale;
    double real; /* of NUMBER_REAL */
};

enum number_operation {
    NUMBER_PLUS,
    NUMBER_MINUS,
    NUMBER_TIMES,
    NUMBER_DIVIDED_BY,
    NUMBER_MODULO,
};

enum number_rounding { NUMBER_ROUND, NUMBER_FLOOR, NUMBER_CEIL };

enum { NUMBER_TEXT_MAX = 32 };

/* "12", "-1.5" and the numbers; all else counts as 0, or as the integer that
 * a text begins with. */
struct number number_of(const struct value *v);
struct value number_value(const struct number *n);

/* False for a division by zero. */
bool number_operate(enum number_operation operation, const struct number *a,
                    const struct number *b, struct number *out);

int number_compare(const struct number *a, const struct number *b);

/* To that many digits behind the point; with 0 or fewer to an integer. */
struct number number_round(const struct number *n, enum number_rounding how,
                           int64_t digits);

/* What is written for a real: the fewest digits that read back as the same,
 * always with a point; below 0.0001 and from 1e16 on with an exponent.
 * Returns the length. */
size_t number_write_real(double v, char text[static NUMBER_TEXT_MAX]);
size_t number_write_integer(int64_t v, char text[static NUMBER_TEXT_MAX]);

/* Towards zero; what is too far out, to the nearest that fits. */
int64_t number_truncate(double v);

/* The integer that a text begins with, else 0: "12abc" is 12. */
int64_t number_leading(const char *text, size_t len);
#endif
