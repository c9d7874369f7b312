/*
 * cli/cli - what every command of `presort` shares: exit statuses, errors,
 * configuration. A command is a function of (argc, argv) with its own name in
 * argv[0], and returns the exit status.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/config.h"
#include "base/enum.h"
#include <getopt.h>
#include <libpq-fe.h>

enum { CLI_OPTIONS_MAX = 32 };
enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define PRESORT_VERSION "0.1.0"

/* "presort: ..." on stderr; returns EXIT_FAILED. */
PRINTF(1, 2) int cli_fail(const char *fmt, ...);

/* The command that runs, whose help cli_usage() hints at. Kept, not copied. */
void cli_command(const char *name);

/* The same with a hint at the command's help; returns EXIT_USAGE. */
PRINTF(1, 2) int cli_usage(const char *fmt, ...);

/* For a command that was not given what its usage says: that is printed, on
 * stdout where --help asked for it, else behind the word that it does not
 * know. Returns the exit status. */
int cli_help(int argc, char **argv, const char *usage, const char *more);

/* getopt_long() without short options. What is none of known, or lacks its
 * value, is told on stderr with the option that was probably meant, and
 * answered '?': the exit status is EXIT_USAGE then. */
int cli_option(int argc, char **argv, const struct option *known);

/* Loads the configuration of the environment and opens the log. False, with
 * the error printed, if it is bad. */
bool cli_config(struct config *config);

/* A connection to the configured database, or NULL with the error printed. */
PGconn *cli_database(const struct config *config);

/* One of the words of a sub-command's table, for its unknown ones:
 * "presort: unknown `keys lst`, did you mean `keys list`?" */
int cli_unknown(const char *of, const char *word, const char *const *known,
                size_t n);
#endif
