/* handlers/suppressions - what the handlers of /suppressions share. */
#ifndef API_HANDLERS_SUPPRESSIONS_H
#define API_HANDLERS_SUPPRESSIONS_H

#include "api/request.h"
#include "queue/db.h"

enum { SUPPRESSIONS_NUMBER_MAX = 24, SUPPRESSIONS_NOTE_MAX = 500 };

/* Columns of the statements that show entries. */
enum {
    SUPPRESSIONS_ID,
    SUPPRESSIONS_ADDRESS,
    SUPPRESSIONS_REASON,
    SUPPRESSIONS_BATCH,
    SUPPRESSIONS_SEQ,
    SUPPRESSIONS_NOTE,
    SUPPRESSIONS_CREATED,
    SUPPRESSIONS_EXPIRES,
};

/* The members of an entry: "id":"...", ... */
void suppressions_add_members(struct buf *out, const struct request *request,
                              const PGresult *rows, int row);
#endif
