/*
 * queue/intake - recipients into a draft campaign: presorted slice by slice
 * into `audience`, `batch` and `mail`.
 *
 * Takes checked addresses and variables, folds duplicates (within what is
 * added and against who is in the campaign already), writes draft batches by
 * binary COPY. Everything is written inside the caller's transaction, which
 * must hold the campaign's row locked FOR UPDATE: so nothing is half-stored,
 * and no second upload or sending of the campaign runs beside it. Blocks.
 * Memory: one slice (queue/presort).
 */
#ifndef QUEUE_INTAKE_H
#define QUEUE_INTAKE_H

#include "base/config.h"
#include "base/mailid.h"
#include "base/status.h"
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intake;

struct intake_campaign {
    const char *id; /* UUID as text; copied */
    int64_t project;
};

struct intake *intake_new(const struct config *config,
                          const unsigned char secret[MAILID_SECRET_BYTES],
                          struct intake_campaign campaign);
void intake_free(struct intake *in);

/* A full slice is to be written before more is added. */
bool intake_full(const struct intake *in);
void intake_add(struct intake *in, const char *address, size_t address_len,
                const char *variables, size_t variables_len);

/* Writes what was added; nothing is added then. STATUS_UNAVAILABLE: the
 * database is away; either way the transaction is to be rolled back. */
MUST_USE enum status intake_write(struct intake *in, PGconn *pg,
                                  struct error *err);

/* Of what was written so far. */
int64_t intake_accepted(const struct intake *in);
int64_t intake_duplicates(const struct intake *in);

/* Of the accepted ones, those on the project's suppression list by now. */
int64_t intake_suppressed(const struct intake *in);
#endif
