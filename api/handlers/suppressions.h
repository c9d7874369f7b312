/* handlers/suppressions - what the handlers of /suppressions share. */
#ifndef API_HANDLERS_SUPPRESSIONS_H
#define API_HANDLERS_SUPPRESSIONS_H

#include "api/request.h"
#include "base/clock.h"
#include "queue/db.h"

enum {
    SUPPRESSIONS_NUMBER_MAX = 24,
    SUPPRESSIONS_ID_MAX = 37,
    SUPPRESSIONS_NOTE_MAX = 500,
};

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

/* An element of a PostgreSQL array as text, behind its opening brace. */
void suppressions_add_element(struct buf *array, const char *text);

/* When an entry is to end, as a client says it, into out, in RFC 3339. */
MUST_USE enum status suppressions_until(const char *text,
                                        char out[static CLOCK_RFC3339_MAX],
                                        struct error *err);
#endif
