/*
 * cli/up/spawn - starts a program as a child of the supervisor: as the
 * unprivileged user, in a process group of its own (a terminal's Ctrl-C is for
 * the supervisor, which then ends its children in order), told to end when the
 * supervisor dies, with the state directory as its working directory.
 */
#ifndef CLI_UP_SPAWN_H
#define CLI_UP_SPAWN_H

#include "base/status.h"
#include "cli/up/state.h"
#include <sys/types.h>

struct spawn {
    const struct state *state;
    const char *program;     /* path; NULL: run() in the forked process */
    const char *const *argv; /* NULL-terminated, for program */
    int (*run)(void *owner); /* returns the exit status */
    void *owner;
    int death_signal; /* when the supervisor dies */
    bool quiet;       /* standard output is thrown away */
    bool low_ports;   /* may listen below port 1024, whoever runs it */
};

/* The child's pid, or -1 with errno. A program that can't be executed is a
 * child that ends with 127 after logging why. */
pid_t spawn(const struct spawn *what);

/* Runs a program to its end.
 * STATUS_FAILED: it could not be run or did not end with 0. Blocks. */
MUST_USE enum status spawn_wait(const struct spawn *what, struct error *err);
#endif
