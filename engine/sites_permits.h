/*
 * sites_permits - what the store is asked for, and says, about permits
 * (pace/permits): those of limits by connection of campaigns, projects, senders
 * and sources.
 *
 * Part of the pipeline, beside sites, which has the connection.
 */
#ifndef SITES_PERMITS_H
#define SITES_PERMITS_H

#include "loop/args.h"
#include "pace/site.h"
#include <libpq-fe.h>

enum { SITES_PERMITS_MAX = 200 }; /* asked for at a time */

/* For the statement sites_permits; lease_s: who was not seen for longer holds
 * none. False: there is nothing to ask for. */
bool sites_permits_args(struct pace *pace, int worker, int64_t lease_s,
                        struct args *args);

void sites_permits_read(struct pace *pace, const PGresult *rows);
#endif
