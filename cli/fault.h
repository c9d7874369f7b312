/*
 * cli/fault - what is wrong with a relay, a route or a source address, said
 * the command line's way: the field `warm_up` is the option --warm-up.
 */
#ifndef CLI_FAULT_H
#define CLI_FAULT_H

#include "egress/fault.h"
#include <libpq-fe.h>

/* Printed. words: fields that are no options but words of the command,
 * separated by blanks. Returns the exit status. */
int cli_fault(const struct egress_fault *fault, const char *words);

/* The same of what a statement finds, whose row is a field and a text;
 * EXIT_DONE if it finds nothing. */
int cli_fault_asked(PGconn *conn, const char *sql, int n,
                    const char *const *params, const char *words);
#endif
