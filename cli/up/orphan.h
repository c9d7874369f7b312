/*
 * cli/up/orphan - processes that a killed supervisor left behind. They were
 * told to end when it died (PR_SET_PDEATHSIG); here we see to it that they
 * have, before others take their place.
 *
 * A child is known by its working directory: ours work in the state
 * directory, PostgreSQL's processes in its data directory.
 */
#ifndef CLI_UP_ORPHAN_H
#define CLI_UP_ORPHAN_H

#include "base/status.h"
#include <stdint.h>
#include <sys/types.h>

/* Waits until presort-api, presort-engine and presort sink processes that
 * work in dir are gone; kills what is left after limit_ms. Blocks. */
MUST_USE enum status orphan_wait(const char *dir, int64_t limit_ms,
                                 struct error *err);

/* Stops every PostgreSQL process that works in the data directory, politely
 * at first (SIGINT, a fast shutdown), and removes the postmaster.pid then:
 * its number may be another process's by now. Blocks. */
MUST_USE enum status orphan_stop_postgres(const char *data_dir,
                                          struct error *err);
#endif
