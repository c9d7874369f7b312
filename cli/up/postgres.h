/*
 * cli/up/postgres - the private PostgreSQL: its programs, its cluster in
 * <state>/postgres, its settings. It listens on nothing but a Unix socket in
 * <state>/run, which only the children's user can reach.
 *
 * A cluster belongs to the major version that made it. Programs of another
 * version are refused with what to do; nothing is upgraded by itself.
 */
#ifndef CLI_UP_POSTGRES_H
#define CLI_UP_POSTGRES_H

#include "base/config.h"
#include "cli/up/state.h"

enum { POSTGRES_VERSION_LEAST = 14, POSTGRES_ARGS_MAX = 8 };

struct postgres {
    char *bin_dir, *data_dir;
    unsigned version; /* major */
    char *program, *config_argument;
    const char *argv[POSTGRES_ARGS_MAX];
};

/* Finds the programs, makes the cluster if there is none, stops what an
 * earlier supervisor left, writes the settings. Afterwards program and argv
 * can be spawned. Blocks for the seconds that initdb takes. */
MUST_USE enum status postgres_prepare(struct postgres *pg,
                                      const struct state *state,
                                      const struct config *config,
                                      struct error *err);
void postgres_fini(struct postgres *pg);
#endif
