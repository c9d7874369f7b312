/*
 * templates/program - what a template is compiled to: bodies of nodes, whose
 * expressions have their literals ready and their filters looked up. Internal
 * to templates/.
 *
 * All of it lies in the template's arena and points into its source; nothing
 * changes once it is compiled, so that threads share it. `at` is a place in
 * the source, for errors.
 */
#ifndef TEMPLATES_PROGRAM_H
#define TEMPLATES_PROGRAM_H

#include "base/arena.h"
#include "templates/template.h"
#include "templates/value.h"

struct name {
    const char *text;
    size_t len;
};

struct expr;
struct filter;

enum step_kind {
    STEP_KEY,   /* .name */
    STEP_SIZE,  /* .size: a key, else the count */
    STEP_FIRST, /* .first */
    STEP_LAST,  /* .last */
    STEP_INDEX, /* [expression] */
};

struct step {
    struct step *next;
    enum step_kind kind;
    struct name key;
    const struct expr *index;
};

enum expr_kind { EXPR_VALUE, EXPR_PATH, EXPR_RANGE };

struct expr {
    enum expr_kind kind;
    size_t at, end; /* in the source: also how errors show it */
    struct value value;
    struct name name; /* of a path */
    struct step *steps;
    const struct expr *from, *to; /* of a range */
};

/* A list of expressions: arguments, values of cycle and when. */
struct item {
    struct item *next;
    struct name key; /* of a named argument, else empty */
    const struct expr *expr;
};

struct call {
    struct call *next;
    const struct filter *filter; /* NULL: unknown, gives what it takes */
    struct item *arguments;
    size_t n_arguments;
    const struct expr *allow_false; /* the named argument of default */
    size_t at;
};

struct chain {
    const struct expr *expr; /* NULL: {{ }} */
    struct call *calls;
};

struct node;

struct body {
    struct node *first, *last;
    bool blank; /* shows nothing but white space */
};

enum relation { RELATION_NONE, RELATION_AND, RELATION_OR };

enum comparison {
    COMPARISON_NONE,
    COMPARISON_EQUAL,
    COMPARISON_UNEQUAL,
    COMPARISON_LESS,
    COMPARISON_LESS_EQUAL,
    COMPARISON_GREATER,
    COMPARISON_GREATER_EQUAL,
    COMPARISON_CONTAINS,
};

struct condition {
    const struct expr *left, *right;
    enum comparison comparison;
    enum relation relation; /* to the next */
    struct condition *next;
    size_t at;
};

/* if, elsif, else of if, unless and case. */
struct branch {
    struct branch *next;
    struct condition *condition; /* of if; NULL: else */
    bool negated;                /* unless */
    struct item *when;           /* of case; NULL: else */
    struct body body;
};

struct loop_tag {
    struct name variable, name; /* name: "item-collection" */
    const struct expr *collection, *limit, *offset, *cols;
    bool reversed, continues;
    struct body body, otherwise;
};

struct cycle_tag {
    const struct expr *group; /* NULL: these values are the group */
    bool shared;              /* ... wherever they stand in the same words */
    struct name words;
    struct item *items;
    size_t n_items;
};

struct partial_tag {
    bool isolated; /* render; else include */
    bool each;     /* for, not with */
    const struct expr *name, *with;
    struct name alias;
    struct item *arguments;
};

#define NODE_TABLE(X)                                                          \
    X(NODE_TEXT, "text")                                                       \
    X(NODE_OUTPUT, "output")                                                   \
    X(NODE_FALLBACK, "output with a fallback")                                 \
    X(NODE_ASSIGN, "assign")                                                   \
    X(NODE_CAPTURE, "capture")                                                 \
    X(NODE_IF, "if")                                                           \
    X(NODE_CASE, "case")                                                       \
    X(NODE_FOR, "for")                                                         \
    X(NODE_TABLEROW, "tablerow")                                               \
    X(NODE_CYCLE, "cycle")                                                     \
    X(NODE_INCREMENT, "increment")                                             \
    X(NODE_DECREMENT, "decrement")                                             \
    X(NODE_BREAK, "break")                                                     \
    X(NODE_CONTINUE, "continue")                                               \
    X(NODE_PARTIAL, "partial")                                                 \
    X(NODE_IFCHANGED, "ifchanged")                                             \
    X(NODE_NOTHING, "nothing")
ENUM_DECLARE(node_kind, NODE_TABLE);

struct node {
    struct node *next;
    enum node_kind kind;
    size_t at;
    struct name name; /* the variable; the text of NODE_TEXT and its kin */
    struct chain chain;
    union {
        struct body *body;
        struct {
            const struct expr *subject; /* of case */
            struct branch *branches;
        };
        struct loop_tag *loop;
        struct cycle_tag *cycle;
        struct partial_tag *partial;
    };
};

/* A partial, compiled. Part of its template's memory. */
struct partial {
    struct partial *next;
    struct name name;
    struct name file;   /* the name's last part: what `with` is called */
    const char *source; /* NULL: there is none of this name */
    size_t len;
    struct body body;
};

struct template
{
    struct arena arena;
    const char *source;
    size_t len;
    struct template_options options;
    struct body body;
    struct partial *partials;
    size_t n_partials, partials_len;
    bool names_partials; /* by variables */
    size_t taken;        /* of the arena, by what was parsed */
};
#endif
