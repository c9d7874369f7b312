/*
 * cli/up/prepare - what must be done in the database before the first child
 * runs: the private database is made, migrations are applied, and the command
 * line gets an API key. Runs in a child of the supervisor, so that the
 * supervisor itself never waits for a database.
 */
#ifndef CLI_UP_PREPARE_H
#define CLI_UP_PREPARE_H

#include "base/config.h"
#include "cli/up/state.h"

enum {
    PREPARE_DONE = 0,
    PREPARE_REFUSED = 1,    /* trying again won't help; said on stderr */
    PREPARE_TRY_AGAIN = 75, /* no database yet */
};

struct prepare {
    const struct state *state;
    const struct config *config;
};

/* owner: struct prepare. Returns an exit status as above. Blocks. */
int prepare_run(void *owner);
#endif
