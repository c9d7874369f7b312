#include "templates/filter.h"
#include "base/nearest.h"
#include <string.h>

static const struct filter filters[] = {
#define X_(name, function, min, max, help) {name, function, min, max, help},
    FILTER_TABLE(X_)
#undef X_
};

enum { FILTERS = sizeof filters / sizeof *filters };

const struct filter *filter_look_up(const char *name, size_t len)
{
    for (size_t i = 0; i < FILTERS; i++)
        if (strlen(filters[i].name) == len &&
            memcmp(filters[i].name, name, len) == 0)
            return &filters[i];
    return NULL;
}

const char *filter_nearest(const char *name)
{
    const char *names[FILTERS];

    for (size_t i = 0; i < FILTERS; i++)
        names[i] = filters[i].name;
    return nearest_word(name, names, FILTERS);
}

/* nil, false, "", [] and {}; with allow_false, false is a value. */
void filter_default(struct run *r, struct value *v, const struct value *args,
                    size_t n)
{
    bool allow_false = value_is_true(&args[FILTER_ARGUMENTS_MAX]);
    bool absent = v->kind == VALUE_NIL || (!allow_false && !value_is_true(v));

    (void)r;
    if (absent || value_is_empty(v))
        *v = n ? args[0] : value_text("", 0);
}

void filter_size(struct run *r, struct value *v, const struct value *args,
                 size_t n)
{
    (void)r, (void)args, (void)n;
    *v = run_size(v);
    if (v->kind == VALUE_NIL)
        *v = value_integer(0);
}

void filter_first(struct run *r, struct value *v, const struct value *args,
                  size_t n)
{
    (void)args, (void)n;
    *v = run_end(r, v, false);
    v->missing = false;
}

void filter_last(struct run *r, struct value *v, const struct value *args,
                 size_t n)
{
    (void)args, (void)n;
    *v = run_end(r, v, true);
    v->missing = false;
}
