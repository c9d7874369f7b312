#include "base/quantity.h"
#include <string.h>

/* value is in the smallest unit of its kind: bytes, milliseconds. */
static const struct {
    const char *name;
    int64_t value;
} sizes[] = {{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}},
  spans[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

/* The unit's value in smallest units, or 0. bare is that of no unit. */
static int64_t unit_value(enum quantity_kind kind, const char *unit,
                          int64_t bare)
{
    if (!*unit)
        return bare;
    switch (kind) {
    case QUANTITY_COUNT: break;
    case QUANTITY_BYTES:
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            if (!strcmp(unit, sizes[i].name))
                return sizes[i].value;
        break;
    case QUANTITY_SECONDS:
    case QUANTITY_MILLISECONDS:
        for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
            if (!strcmp(unit, spans[i].name))
                return spans[i].value;
        break;
    }
    return 0;
}

static const char *wanted(enum quantity_kind kind)
{
    switch (kind) {
    case QUANTITY_COUNT: return "a whole number";
    case QUANTITY_BYTES: return "a size such as 65536, 64k, 10m or 1g";
    case QUANTITY_SECONDS:
    case QUANTITY_MILLISECONDS:
        return "a duration such as 500ms, 30s, 5m, 4h or 3d";
    }
    return "";
}

enum status quantity_parse(enum quantity_kind kind, const char *text,
                           int64_t *out, struct error *err)
{
    int64_t bare = kind == QUANTITY_SECONDS ? 1000 : 1, value = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *p - '0', &value))
            return fail(err, STATUS_INVALID, "the number is too large");
    int64_t unit = unit_value(kind, p, bare);
    if (p == text || !unit)
        return fail(err, STATUS_INVALID, "%s is wanted", wanted(kind));
    if (__builtin_mul_overflow(value, unit, &value))
        return fail(err, STATUS_INVALID, "the number is too large");
    if (value % bare)
        return fail(err, STATUS_INVALID, "whole seconds are wanted");
    *out = value / bare;
    return STATUS_OK;
}
