/*
 * cli/migrate - brings a database's tables to where this program wants them.
 *
 * The migrations stand in the program. Each is applied once, in order, in a
 * transaction of its own together with its row in schema_migration. An
 * advisory lock is held meanwhile, so that two may start at once. Refused: a
 * database with a migration this program does not know (it is newer), and one
 * whose applied migration was another text. There is no way back.
 */
#ifndef CLI_MIGRATE_H
#define CLI_MIGRATE_H

#include "base/status.h"
#include <libpq-fe.h>

/* *applied counts those applied now. Blocks while another migrates. */
MUST_USE enum status migrate_run(PGconn *conn, unsigned *applied,
                                 struct error *err);
#endif
