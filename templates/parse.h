/*
 * templates/parse - from a template's source to its program. Internal to
 * templates/; others include template.h.
 */
#ifndef TEMPLATES_PARSE_H
#define TEMPLATES_PARSE_H

#include "base/status.h"
#include "templates/template.h"

/* One step of a path: a key of an object or an index of an array. */
struct step {
    const char *key; /* into source; NULL for an index */
    size_t len;      /* of the key, or the index itself */
};

enum op_kind {
    OP_LITERAL,
    OP_VARIABLE,
};

/* text is what OP_LITERAL writes, and the fallback of OP_VARIABLE. */
struct op {
    enum op_kind kind;
    const char *text; /* into source */
    size_t len;
    size_t step, n_steps; /* of OP_VARIABLE: a slice of steps */
};

struct template
{
    char *source; /* a copy, which all texts point into */
    size_t source_len;
    enum template_escape escape;
    struct op *ops;
    size_t n_ops;
    struct step *steps;
    size_t n_steps;
};

/* Fills ops and steps from source; grows them itself. */
MUST_USE enum status template_parse(struct template *t, struct error *err);
#endif
