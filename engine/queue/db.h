/*
 * queue/db - the way to the database: where it is, and synchronous queries
 * for programs that may block (the command line, the supervisor, threads of
 * the API). The engine's loop takes only db_conninfo from here.
 *
 * The database is that of the setting database_url; where it is empty, the
 * private one behind the Unix socket in <state_dir>/run. Sessions speak UTF-8
 * and UTC. The URL's password never stands in an error.
 */
#ifndef QUEUE_DB_H
#define QUEUE_DB_H

#include "base/config.h"
#include "base/status.h"
#include <libpq-fe.h>

#define DB_PRIVATE_NAME "presort"
#define DB_PRIVATE_USER "presort"

enum { DB_SERVER_VERSION_LEAST = 140000 };

/* A conninfo string for PQconnectdb or PQconnectStart into *out, which the
 * caller frees; program becomes the application_name. It holds the password.
 * STATUS_INVALID: database_url is no libpq URL. */
MUST_USE enum status db_conninfo(const struct config *config,
                                 const char *program, char **out,
                                 struct error *err);

/* Blocks; NULL with err filled, or a connection that PQfinish ends.
 * A server older than PostgreSQL 14 is refused. */
PGconn *db_connect(const struct config *config, const char *program,
                   struct error *err);

/* The same to the database that initdb made in the private cluster, where ours
 * is created. */
PGconn *db_connect_first(const struct config *config, struct error *err);

/* Runs one statement with n text parameters and waits. NULL with err filled
 * from the server's words, or a result for PQclear. */
PGresult *db_query(PGconn *conn, struct error *err, const char *sql, int n,
                   const char *const *params);

/* Several statements without parameters, as one message. */
MUST_USE enum status db_run(PGconn *conn, struct error *err, const char *sql);

/* What libpq said last, on one line, into out (ERROR_TEXT_MAX bytes). */
const char *db_error(const PGconn *conn, char *out);

void db_result_clear(PGresult **result);
#define DB_RESULT __attribute__((cleanup(db_result_clear))) PGresult
#endif
