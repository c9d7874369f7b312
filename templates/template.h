/*
 * templates/template - a text with variables, compiled once, run for each
 * recipient.
 *
 *   {{ name }}  {{ contact.first_name }}  {{ items[0].x }}  {{ a["b c"] }}
 *   {{- name -}}               takes the white space before and behind with it
 *   {{{ NAME }}}  {{{NAME|there}}}   the same, with a text used where the
 *                                    variable is missing, null or ""
 *
 * A variable that is not there renders as nothing. Strings stand as they are,
 * integers in decimal, reals in the fewest digits that read back the same,
 * true and false as words, null as nothing, arrays and objects as JSON.
 * "{%" is refused for now: tags and filters get their place here.
 *
 * Takes valid UTF-8, from strangers. No I/O. Rendering allocates nothing but
 * the growth of out (and what jansson needs to print an array or object).
 */
#ifndef TEMPLATES_TEMPLATE_H
#define TEMPLATES_TEMPLATE_H

#include "base/buf.h"
#include "base/status.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    TEMPLATE_SOURCE_MAX = 8 * 1024 * 1024,
    TEMPLATE_VARIABLES_MAX = 10000, /* places in one template */
    TEMPLATE_PATH_MAX = 16,         /* steps of one variable's path */
    TEMPLATE_OUTPUT_MAX = 16 * 1024 * 1024,
};

enum template_escape {
    TEMPLATE_TEXT, /* values as they are */
    TEMPLATE_HTML, /* & < > " ' of values, fallbacks too, as references */
};

struct template;

/* On success *out is the caller's: template_free. source is not kept. Errors
 * say where and what was expected: "line 3, column 14: expected }} ...". */
MUST_USE enum status template_compile(const char *source, size_t len,
                                      enum template_escape escape,
                                      struct template **out, struct error *err);

void template_free(struct template *t);

/* Is its output the same for everybody? */
bool template_is_constant(const struct template *t);

/* A variable that exists without being passed. */
struct template_builtin {
    const char *name, *value;
};

struct template_values {
    const json_t *object;                    /* or NULL */
    const struct template_builtin *builtins; /* where object has no such name */
    size_t n_builtins;
};

/* Appends to out. Fails only with STATUS_TOO_BIG (TEMPLATE_OUTPUT_MAX); out
 * is then as before. */
MUST_USE enum status template_render(const struct template *t,
                                     const struct template_values *values,
                                     struct buf *out, struct error *err);
#endif
