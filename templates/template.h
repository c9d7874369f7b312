/*
 * templates/template - Liquid: a text with variables, tags and filters,
 * compiled once, rendered for each recipient.
 *
 * The language is Shopify's, as Liquid 5 reads it in its strict2 mode: what it
 * refuses, this refuses. docs/reference/templates.md lists tags, filters and
 * the differences: output is HTML-escaped in HTML, and {{{ NAME|fallback }}}
 * is another way to write {{ NAME | default: "fallback" }}.
 *
 * Takes valid UTF-8, from strangers: every way to be big, deep or slow has a
 * limit below. No I/O; the clock, the time zone and the partials are the
 * caller's. A compiled template never changes: threads may share it. A render
 * takes its memory from the caller's arena; warm, it allocates nothing.
 */
#ifndef TEMPLATES_TEMPLATE_H
#define TEMPLATES_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TEMPLATE_SOURCE_MAX = 8 * 1024 * 1024,   /* of one source */
    TEMPLATE_SOURCES_MAX = 32 * 1024 * 1024, /* with all its partials */
    TEMPLATE_NODES_MAX = 500000,             /* outputs, tags, texts */
    TEMPLATE_PROGRAM_MAX = 96 * 1024 * 1024, /* bytes it is compiled to */
    TEMPLATE_PARTIALS_MAX = 1000,
    TEMPLATE_NAME_MAX = 255, /* bytes of a partial's name that is a variable */
    TEMPLATE_NESTING_MAX = 100, /* blocks in blocks; brackets in brackets */
    TEMPLATE_PATH_MAX = 100,    /* steps of one variable's path */
    /* Of one render: */
    TEMPLATE_OUTPUT_MAX = 16 * 1024 * 1024,
    TEMPLATE_MEMORY_MAX = 64 * 1024 * 1024, /* of values it makes */
    TEMPLATE_LOOPS_MAX = 1000000,           /* iterations, all together */
    TEMPLATE_STEPS_MAX = 5000000, /* nodes, filters; long values cost more */
    TEMPLATE_INCLUDES_MAX = 90,   /* partials in partials */
    TEMPLATE_DEPTH_MAX = 250,     /* blocks in blocks through all of them */
};

enum template_escape {
    TEMPLATE_TEXT, /* output as it is */
    TEMPLATE_HTML, /* & < > " ' of output as references, unless marked safe */
};

/* Where a compile or render failed; counted from 1, the column in characters,
 * 0 if no place is to blame. */
struct template_fault {
    size_t line, column;
    char partial[64]; /* "" for the template itself */
    char message[ERROR_TEXT_MAX];
};

/* Gives the source of a partial, which it goes on owning until the compile or
 * render ends. False: there is none of this name. */
typedef bool template_partial_function(void *context, const char *name,
                                       size_t len, const char **source,
                                       size_t *source_len);

struct template_options {
    enum template_escape escape;
    bool strict_variables; /* a variable that is shown but missing fails */
    bool strict_filters;   /* an unknown filter is refused, not ignored */
    bool strict_partials;  /* so is a partial that is not there */
    /* NULL: there are no partials. Called again by renders for names that are
     * themselves variables: it then has to outlive the template. */
    template_partial_function *partial;
    void *partial_context;
    struct template_fault *fault; /* NULL, or filled when compiling fails */
};

struct template;

/* On success *out is the caller's: template_free. source is not kept. Errors
 * say where and what was expected: "line 3, column 14: expected ...". */
MUST_USE enum status template_compile_with(
    const char *source, size_t len, const struct template_options *options,
    struct template **out, struct error *err);

/* With filters and partials strict, no partials, and variables that may be
 * missing: as a mail wants it. */
MUST_USE enum status template_compile(const char *source, size_t len,
                                      enum template_escape escape,
                                      struct template **out, struct error *err);

void template_free(struct template *t);

/* Is its output the same for everybody? (Then it is its source.) */
bool template_is_constant(const struct template *t);

/* Does it include partials by names that only its renders know? */
bool template_names_partials(const struct template *t);

/* A variable that exists without being passed. */
struct template_builtin {
    const char *name, *value;
};

/* Seconds east of UTC at that time (seconds since 1970), and the zone's
 * abbreviation, which outlives the render. */
typedef int32_t template_zone_function(void *context, int64_t utc_seconds,
                                       const char **abbreviation);

/* A variable that would be shown is missing: as it stands in the source. */
typedef void template_missing_function(void *context, const char *name,
                                       size_t len);

struct template_values {
    const json_t *object;                    /* or NULL */
    const json_t *defaults;                  /* where object has no such name */
    const struct template_builtin *builtins; /* where object has no such name */
    size_t n_builtins;
    int64_t now_us;               /* what "now" means to the date filter */
    template_zone_function *zone; /* NULL: UTC */
    void *zone_context;
    /* Not NULL: told of each missing variable, also of one that is asked for
     * again; strict_variables does not fail the render then. */
    template_missing_function *missing;
    void *missing_context;
    size_t steps_max;             /* 0: TEMPLATE_STEPS_MAX */
    struct template_fault *fault; /* NULL, or filled when rendering fails */
};

/* Appends to out, which is also scratch: on failure it is as before.
 * STATUS_TOO_BIG: a limit; STATUS_INVALID: a mistake that only values show
 * (a number compared with a text). scratch is the caller's to reset. */
MUST_USE enum status template_render(const struct template *t,
                                     const struct template_values *values,
                                     struct arena *scratch, struct buf *out,
                                     struct error *err);
#endif
