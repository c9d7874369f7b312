/*
 * templates/run - one render while it lasts: the variables in scope, what is
 * left of its limits, and the text so far. Internal to templates/.
 *
 * A failure is told once and sticks in r->status; what still runs then may
 * give nonsense, which nobody sees. The end of out is scratch for texts that
 * are being made.
 */
#ifndef TEMPLATES_RUN_H
#define TEMPLATES_RUN_H

#include "templates/program.h"

struct binding {
    struct name name;
    struct value value;
};

struct bindings {
    struct binding *items;
    size_t n, cap;
};

/* forloop and tablerowloop. */
struct loop {
    const struct name *name;
    const struct loop *parent;
    int64_t length, index; /* from 0 */
    int64_t col, row, cols;
};

/* The next place of a cycle, or of `for ... offset: continue`. */
struct place {
    struct place *next;
    struct name key;
    const void *owner; /* the tag; NULL: who has the same key */
    size_t index;
};

/* The variables that a template and what it includes share; each `render` has
 * a frame of its own. */
struct frame {
    struct bindings locals; /* of loops and includes; the last wins */
    struct bindings assigned;
    struct bindings counters;
    const struct loop *loop;
    struct place *cycles, *offsets;
    struct name changed; /* what ifchanged wrote */
    bool isolated;
};

enum interrupt { INTERRUPT_NONE, INTERRUPT_BREAK, INTERRUPT_CONTINUE };

struct run {
    const struct template *t;
    const struct template_values *values;
    struct arena *arena;
    struct buf *out;
    size_t start; /* of the output in out */
    struct frame *frame;
    const struct partial *partial; /* NULL: the template itself */
    size_t at;                     /* in the source, for errors */
    enum interrupt interrupt;
    enum status status;
    size_t memory, steps, steps_max, loops;
    int depth, includes;
    bool escapes;
    struct template *dynamic; /* partials that this render compiled */
    struct error *err;
};

/* Status. All return r->status. */
PRINTF(2, 3) enum status run_fail(struct run *r, const char *fmt, ...);
enum status run_limit(struct run *r, const char *what, long limit);
enum status run_charge(struct run *r, size_t steps);
/* For work on each byte or item of v. */
enum status run_charge_value(struct run *r, const struct value *v);

/* Memory of the render; run_room is false, and the render failed, if there is
 * no more of it. Sizes known to be a value's need no run_room. */
bool run_room(struct run *r, size_t n);
void *run_take(struct run *r, size_t n);
struct list *run_list(struct run *r, size_t n); /* NULL: no room */

/* The text of v: its own, or written. */
struct value run_text(struct run *r, const struct value *v);
/* What was written to out behind mark, taken away from there. */
struct value run_cut(struct run *r, size_t mark);

/* Variables. */
struct value *bindings_find(const struct bindings *b, const struct name *name);
void bindings_push(struct run *r, struct bindings *b, const struct name *name,
                   const struct value *v);
void run_assign(struct run *r, const struct name *name, const struct value *v);
struct value run_variable(struct run *r, struct frame *f,
                          const struct name *name);
struct value run_pair(struct run *r, const char *key, size_t len,
                      const json_t *value);

/* Expressions. On failure nil. run_shown also refuses missing variables where
 * they are to be refused. */
struct value run_expr(struct run *r, const struct expr *e);
struct value run_shown(struct run *r, const struct expr *e);
struct value run_chain(struct run *r, const struct chain *c);
bool run_condition(struct run *r, const struct condition *c);

/* An integer, or the text of one. False, and the render failed, if not. */
bool run_integer(struct run *r, const struct value *v, int64_t *out);

/* Output. */
void run_write(struct run *r, const struct value *v);
void run_body(struct run *r, const struct body *body);
void run_for(struct run *r, const struct loop_tag *tag);
void run_tablerow(struct run *r, const struct loop_tag *tag);
void run_cycle(struct run *r, const struct cycle_tag *tag);
void run_partial(struct run *r, const struct partial_tag *tag);

/* Compiles the partials that t names; templates/partial.c. */
MUST_USE enum status partials_compile(struct template *t,
                                      struct template_fault *fault,
                                      struct error *err);
#endif
