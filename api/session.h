/*
 * api/session - one thread's connection to PostgreSQL: made when first needed,
 * made again (with a back-off) when it was lost, statements prepared on first
 * use. Blocking; one thread at a time. A database that is away is
 * STATUS_UNAVAILABLE, at once while the back-off runs.
 */
#ifndef API_SESSION_H
#define API_SESSION_H

#include "base/config.h"
#include "base/status.h"
#include "queue/db.h"
#include <libpq-fe.h>
#include <stdbool.h>

enum { SESSION_STATEMENTS_MAX = 512, SESSION_BACKOFF_MS_MAX = 500 };

struct session;

struct session *session_new(const struct config *config);
void session_free(struct session *s);

/* Before each piece of work: connected, and outside any transaction. */
MUST_USE enum status session_ready(struct session *s, struct error *err);

/* Runs a statement of a .sql file; sql lives as long as the program. Texts as
 * parameters, NULL for null. On success *out (may be NULL) is the caller's.
 * STATUS_CONFLICT: a unique key is taken, or what a row refers to is gone (or
 * what was to go is referred to). STATUS_INVALID: the database refused a
 * value's form (class 22), its message is in err, or its bounds (a check).
 * STATUS_NOT_FOUND: a row fits no partition. STATUS_UNAVAILABLE: no
 * connection, or another transaction was in the way (a deadlock). */
MUST_USE enum status session_run(struct session *s, const char *sql,
                                 const char *const *params, int n,
                                 PGresult **out, struct error *err);

/* The connection itself, for COPY and pipelines, which must leave it as they
 * found it; NULL if there is none. */
PGconn *session_pg(struct session *s);

/* Counts connections: one that differs has nothing prepared by others. */
unsigned session_generation(const struct session *s);

/* What the last failed result means, for those who use session_pg. */
MUST_USE enum status session_failed(struct session *s, const PGresult *result,
                                    struct error *err);

/* Transactions nest: an inner one is a savepoint. So a handler may begin one
 * and still be run inside that of its idempotency key. */
MUST_USE enum status session_begin(struct session *s, struct error *err);
MUST_USE enum status session_commit(struct session *s, struct error *err);
void session_rollback(struct session *s);
#endif
