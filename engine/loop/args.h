/*
 * loop/args - the parameters of one statement, in PostgreSQL's binary format.
 *
 * The caller embeds the struct ({0} is empty), adds parameters in order and
 * resets it for the next statement; warm, it allocates nothing. SQL must cast
 * each parameter ($1::bigint[]), so that the server expects the type that was
 * added.
 */
#ifndef LOOP_ARGS_H
#define LOOP_ARGS_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARGS_MAX = 32 };

struct args {
    struct buf bytes;
    int n;
    size_t at[ARGS_MAX];
    int length[ARGS_MAX]; /* -1: null */
};

void args_fini(struct args *a);
void args_reset(struct args *a);

void args_null(struct args *a);
void args_bool(struct args *a, bool v);
void args_int(struct args *a, int32_t v);
void args_bigint(struct args *a, int64_t v);
void args_text(struct args *a, const char *s, size_t len); /* NULL: null */
void args_uuid(struct args *a, const unsigned char uuid[16]);
/* Microseconds since 1970, as clock_wall_us gives them; INT64_MAX: infinity,
 * INT64_MIN: -infinity. */
void args_time(struct args *a, int64_t wall_us);

/* A one-dimensional array; args_array_end closes it. Elements are added
 * between the two. The values are the types' OIDs. */
enum args_element {
    ARGS_ELEMENT_BOOL = 16,
    ARGS_ELEMENT_BYTEA = 17, /* added by args_element_text */
    ARGS_ELEMENT_BIGINT = 20,
    ARGS_ELEMENT_SMALLINT = 21,
    ARGS_ELEMENT_INT = 23,
    ARGS_ELEMENT_TEXT = 25,
    ARGS_ELEMENT_TIME = 1184,
    ARGS_ELEMENT_UUID = 2950,
};
void args_array_start(struct args *a, enum args_element type);
void args_element_null(struct args *a);
void args_element_bool(struct args *a, bool v);
void args_element_smallint(struct args *a, int16_t v);
void args_element_int(struct args *a, int32_t v);
void args_element_bigint(struct args *a, int64_t v);
void args_element_text(struct args *a, const char *s, size_t len);
void args_element_uuid(struct args *a, const unsigned char uuid[16]);
void args_element_time(struct args *a, int64_t wall_us);
void args_array_end(struct args *a);

/* As libpq wants them; valid until the next add. values has ARGS_MAX. */
void args_values(const struct args *a, const char **values);
#endif
