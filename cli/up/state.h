/*
 * cli/up/state - the state directory, and the right to be alone in it.
 *
 *     lock          held while presort up runs; our pid
 *     cli.key       an API key for the command line
 *     run/          PostgreSQL's socket, the children's configuration
 *     postgres/     the private database
 *     log/          the private database's log
 *     engine-N/     journals, made by the engines
 *
 * All of it belongs to the user that the children run as, and is closed to
 * everyone else. A directory that holds something else is not touched.
 */
#ifndef CLI_UP_STATE_H
#define CLI_UP_STATE_H

#include "base/config.h"
#include "cli/up/user.h"

struct state {
    char *dir; /* absolute, no symbolic links */
    struct user user;
    int lock;
};

/* Makes what is missing, takes the lock, and waits for the children of a
 * supervisor that was killed. STATUS_CONFLICT: presort runs here already.
 * On an error nothing is held. */
MUST_USE enum status state_open(struct state *state,
                                const struct config *config, struct error *err);
void state_close(struct state *state);

/* <dir>/<name>; the caller frees. */
char *state_path(const struct state *state, const char *name);

/* Makes the setting absolute: the children work in another directory. */
void state_dir_set(const struct state *state, struct config *config);

#define STATE_CONFIG "run/presort.conf"

/* The configuration file that is in force, as a copy which the children may
 * read and which changes only when we have found it good. */
MUST_USE enum status state_config_copy(const struct state *state,
                                       struct error *err);
#endif
