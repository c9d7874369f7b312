/*
 * api/lacking - which variables a template shows that its recipients have not,
 * and who these are: counted while a sample is rendered. No I/O.
 */
#ifndef API_LACKING_H
#define API_LACKING_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    LACKING_NAMES_MAX = 50, /* further ones are not told */
    LACKING_NAME_MAX = 128, /* bytes, cut */
    LACKING_EXAMPLES_MAX = 3,
    LACKING_EXAMPLE_MAX = 320,
};

struct lacking_name {
    char name[LACKING_NAME_MAX];
    size_t recipients, last; /* the last one counted, from 1 */
    char examples[LACKING_EXAMPLES_MAX][LACKING_EXAMPLE_MAX];
};

struct lacking {
    struct lacking_name *names;
    size_t n;
    size_t recipients; /* looked at */
    const char *recipient;
};

/* {0} is empty. */
void lacking_fini(struct lacking *l);

/* The recipient that is rendered from here on; borrowed until the next. */
void lacking_next(struct lacking *l, const char *recipient);

/* A template_missing_function; l is its context. */
void lacking_note(void *l, const char *name, size_t len);

/* [{"variable":"name","recipients":12,"examples":["a@b.example"]}] */
void lacking_add_json(const struct lacking *l, struct buf *out);

/* "`name` (12 of 100, one is a@b.example), `city` ..." */
void lacking_add_text(const struct lacking *l, struct buf *out);
#endif
