/*
 * cli/up/supervisor - keeps the children running until it is told to stop.
 *
 * Order of starting: PostgreSQL (where private), the preparation of the
 * database, then sink, API and engines. A child that ends by itself is
 * started again after a back-off. SIGHUP reloads the configuration: a bad one
 * is refused and the old one stays. SIGTERM and SIGINT drain: the engines
 * finish their open transactions within drain_seconds, then the API ends, the
 * sink, and at last PostgreSQL; a second signal, a second later, kills what is
 * being waited for.
 */
#ifndef CLI_UP_SUPERVISOR_H
#define CLI_UP_SUPERVISOR_H

#include "base/config.h"
#include "cli/up/postgres.h"
#include "cli/up/state.h"

/* To be called before the first child: from then on signals wait until
 * supervisor_run takes them. Returns a descriptor, or -1. */
int supervisor_signals(void);

struct supervisor_setup {
    struct config *config; /* changed by a reload */
    const struct state *state;
    const struct postgres *postgres; /* NULL: the database is not ours */
    const char *program_dir;         /* where all our programs are */
    const char *program;             /* presort itself */
    unsigned workers;
    int signals;
    bool quiet;
    void (*started)(const struct supervisor_setup *setup); /* once */
};

/* Returns the exit status when every child has ended: 0 after a signal, 1 if
 * the database was refused. */
int supervisor_run(const struct supervisor_setup *setup);
#endif
