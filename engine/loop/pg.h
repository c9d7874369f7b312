/*
 * loop/pg - one PostgreSQL connection on a libuv loop, never blocking.
 *
 * Statements are prepared at first use and sent in libpq's pipeline mode;
 * those between two pg_sync calls are one transaction (the implicit one of
 * the extended protocol) unless they say BEGIN and COMMIT themselves. COPY
 * leaves pipeline mode for its duration, so it starts on an idle connection.
 *
 * A lost connection answers everything outstanding with NULL, is reported
 * once, and is made again with a growing pause until pg_free.
 */
#ifndef LOOP_PG_H
#define LOOP_PG_H

#include "base/buf.h"
#include "loop/args.h"
#include <libpq-fe.h>
#include <stdbool.h>
#include <uv.h>

struct pg;

struct pg_events {
    void (*up)(struct pg *pg, void *owner);
    void (*down)(struct pg *pg, const char *why, void *owner);
    void (*notified)(struct pg *pg, const char *channel, const char *payload,
                     void *owner); /* may be NULL */
};

/* Static; its address is its identity. */
struct pg_statement {
    const char *name, *sql;
};

/* result is NULL if the connection was lost: whether the statement took
 * effect is then unknown. Else it may be an error; it lives until return. */
typedef void pg_done(void *arg, const PGresult *result);

/* Starts to connect. events, name (for logs) and conninfo are copied. */
struct pg *pg_new(uv_loop_t *loop, const char *name, const char *conninfo,
                  const struct pg_events *events, void *owner);

/* Outstanding statements are dropped without an answer. NULL is allowed. */
void pg_free(struct pg *pg);

bool pg_is_up(const struct pg *pg);

/* Up, and nothing outstanding. */
bool pg_is_idle(const struct pg *pg);

/* Only while up. args may be NULL; they are copied. done may be NULL. */
void pg_send(struct pg *pg, const struct pg_statement *statement,
             const struct args *args, pg_done *done, void *arg);

/* End of the transaction; sends what was said since the last one. */
void pg_sync(struct pg *pg);

/* Only while idle. sql may hold statements before the COPY ("BEGIN; COPY
 * ..."); done gets the result of the COPY or of the first error. data must
 * live until then. */
void pg_copy(struct pg *pg, const char *sql, const struct buf *data,
             pg_done *done, void *arg);

/* For logs: the error of a result, or that the connection was lost. */
const char *pg_why(const PGresult *result);

/* Did the statement succeed, with this command tag? COMMIT of a failed
 * transaction succeeds as ROLLBACK. */
bool pg_command_is(const PGresult *result, const char *tag);

/* Fields in binary format. */
int64_t pg_bigint(const PGresult *r, int row, int column);
int32_t pg_int(const PGresult *r, int row, int column);
int16_t pg_smallint(const PGresult *r, int row, int column);
/* wall_us; infinity and -infinity are INT64_MAX and INT64_MIN. */
int64_t pg_time(const PGresult *r, int row, int column);
#endif
