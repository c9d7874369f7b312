/*
 * cli/commands - the subcommands of `presort`: name, function, one line of
 * help. A command gets argv from its own name on and returns the exit status.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/sink.h"

#define COMMAND_TABLE(X)                                                       \
    X("sink", sink_main, "run an SMTP server that accepts everything")
#endif
