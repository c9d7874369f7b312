#include "dns/align.h"
#include <string.h>

ENUM_DEFINE(aligned, ALIGNED_TABLE);

static bool is_below(const char *name, const char *above)
{
    size_t n = strlen(name), k = strlen(above);

    return n > k && strcmp(name + n - k, above) == 0 && name[n - k - 1] == '.';
}

/* The parent, if it has two labels at least. */
static const char *parent_of(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot && strchr(dot + 1, '.') ? dot + 1 : NULL;
}

enum aligned domains_aligned(const char *from, const char *other, bool strict)
{
    if (strcmp(from, other) == 0)
        return ALIGNED_YES;
    if (strict)
        return ALIGNED_NO;
    if (is_below(from, other) || is_below(other, from))
        return ALIGNED_YES;
    for (const char *up = from; (up = parent_of(up));)
        if (is_below(other, up))
            return ALIGNED_MAYBE;
    return ALIGNED_NO;
}
