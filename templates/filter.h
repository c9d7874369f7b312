/*
 * templates/filter - the filters, and how they are called. Internal to
 * templates/.
 */
#ifndef TEMPLATES_FILTER_H
#define TEMPLATES_FILTER_H

#include "templates/run.h"
#include "templates/tables.h"

enum { FILTER_ARGUMENTS_MAX = 2 };

/* Replaces *v. args[n] and what follows is nil, but for the named argument
 * allow_false, which is args[FILTER_ARGUMENTS_MAX]. Failures stick in r. */
typedef void filter_function(struct run *r, struct value *v,
                             const struct value *args, size_t n);

struct filter {
    const char *name;
    filter_function *function;
    size_t arguments_min, arguments_max;
    const char *help;
};

#define X_(name, function, min, max, help) filter_function function;
FILTER_TABLE(X_)
#undef X_

/* NULL if there is none of this name. */
const struct filter *filter_look_up(const char *name, size_t len);
const char *filter_nearest(const char *name);

/* Shared by the files of filters: run_size and run_end are those of a path. */
struct value run_size(const struct value *v);
struct value run_end(struct run *r, const struct value *v, bool last);

/* The text's character i, counted from the end if negative; nil beyond. */
struct value run_character(const struct value *text, int64_t i);

/* The items that a filter of arrays sees: nil has none, an object or a text
 * is one, arrays in arrays are laid flat. */
struct value filter_items(struct run *r, const struct value *v);

/* HTML's & < > " ' as references, to out. */
void html_escape(struct buf *out, const char *text, size_t len);
#endif
