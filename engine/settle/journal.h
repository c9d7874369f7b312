/*
 * settle/journal - what has happened to mails and is not in the store yet.
 *
 * A record is written to a local file with write(2), so that it survives the
 * death of the process, before anything more is said on the mail's
 * connection. Two files take turns: one is written while the other is being
 * committed; after the commit it is cut to nothing. The bytes in memory and in
 * the files are the same.
 *
 * Record: length, CRC-32 of what follows, fixed fields, texts. A torn record
 * at the end of a file is what a crash leaves: it and what follows is set
 * aside in journal.damaged, never deleted.
 */
#ifndef SETTLE_JOURNAL_H
#define SETTLE_JOURNAL_H

#include "base/buf.h"
#include "base/mailid.h"
#include "base/status.h"
#include "mail/outcome.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    JOURNAL_FILES = 2,
    JOURNAL_REPLY_MAX = 512, /* longer reply texts are cut */
    JOURNAL_TEXT_MAX = 256,  /* the other texts */
};

struct journal {
    int fd[JOURNAL_FILES];
    struct buf bytes[JOURNAL_FILES];
    size_t written[JOURNAL_FILES]; /* of bytes, in the file */
    int current;                   /* the file that is written */
};

/* Opens the files in dir (which exists) and reads what a former process left:
 * both files' records into *left, whole records only. The caller commits them
 * and calls journal_forget_all. */
MUST_USE enum status journal_open(struct journal *j, const char *dir,
                                  struct buf *left, struct error *err);
void journal_close(struct journal *j);

void journal_add(struct journal *j, const struct settled *s);

/* Bring all that was added to the files. An error means that the disk is
 * full or gone: nothing more may be sent. */
MUST_USE enum status journal_write(struct journal *j, struct error *err);

/* The records so far are to be committed: further ones go to the other file.
 * Only after journal_write, and while the other is empty. */
const struct buf *journal_swap(struct journal *j);

/* The swapped records are committed. */
MUST_USE enum status journal_forget(struct journal *j, struct error *err);
MUST_USE enum status journal_forget_all(struct journal *j, struct error *err);

/* Read records one by one: *at starts at 0. False at the end. Texts point
 * into bytes. */
bool journal_next(const struct buf *bytes, size_t *at, struct settled *s);
#endif
