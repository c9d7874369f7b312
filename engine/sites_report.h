/*
 * sites_report - what a worker tells the store of its sites, and hears of
 * others: the arguments of two statements, and the rows of one
 * (engine/pace/sites.sql). Part of sites.
 */
#ifndef SITES_REPORT_H
#define SITES_REPORT_H

#include "loop/args.h"
#include "pace/site.h"
#include <libpq-fe.h>

/* Before a relay's name, among sites' names. */
#define SITES_RELAY "relay "

/* Of sites_report: the sites that have something new, SITES_REPORT_MAX at most,
 * from *at on, which moves. False: nothing is to be told. They count as told.
 */
bool sites_report_args(struct pace *pace, int worker, size_t *at,
                       struct args *args);

/* Of sites_learned: bounds and suspensions that are new, or gone. host: the
 * name of an address of ours that is not known. */
bool sites_learned_args(struct pace *pace, int worker, const char *host,
                        struct args *args);

/* A row of sites_state. Of source addresses, only those of this machine. */
void sites_read_learned(const PGresult *rows, int row, const char *host,
                        struct pace_saved *out);

/* A site's name in the store; SITES_LABEL_MAX bytes. */
void sites_label(const struct pace_site *s, char *out);
#endif
