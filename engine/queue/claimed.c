#include "queue/claimed.h"
#include "base/clock.h"
#include "loop/pg.h"
#include "queue/uuid.h"
#include <stdio.h>
#include <string.h>

static enum batch_order order_of(const PGresult *r, int row)
{
    if (PQgetisnull(r, row, 11))
        return BATCH_SEND;
    if (strcmp(PQgetvalue(r, row, 11), "cancelled") == 0)
        return BATCH_CANCEL;
    if (strcmp(PQgetvalue(r, row, 11), "paused") == 0)
        return BATCH_HOLD;
    return BATCH_SEND;
}

struct batch *claimed_batch(const PGresult *r, int row)
{
    struct batch *b = batch_new();

    b->id = pg_bigint(r, row, 0);
    b->project = pg_bigint(r, row, 1);
    snprintf(b->project_text, sizeof b->project_text, "%lld",
             (long long)b->project);
    if (PQgetlength(r, row, 2) == UUID_BYTES) {
        memcpy(b->campaign, PQgetvalue(r, row, 2), UUID_BYTES);
        uuid_text(b->campaign, b->campaign_text);
    }
    b->class =
        pg_smallint(r, row, 3) == 0 ? BATCH_TRANSACTIONAL : BATCH_CAMPAIGN;
    snprintf(b->site, sizeof b->site, "%s", PQgetvalue(r, row, 4));
    b->due_us = pg_time(r, row, 5);
    b->expires_us = pg_time(r, row, 6);
    b->tries = pg_int(r, row, 7);
    b->doubts = pg_int(r, row, 8);
    b->lost_before = pg_int(r, row, 9) > 1;
    b->carried = PQgetvalue(r, row, 10)[0] != 0;
    b->order = order_of(r, row);
    b->weight = pg_int(r, row, 12);
    b->claimed_us = clock_wall_us();
    return b;
}

/* What the outcome of a worker that lost the batch says of a mail: nothing
 * (then it is sent), that it is final, or that it is to be tried again. */
static bool was_settled(struct batch *b, const PGresult *r, int row,
                        struct mailid id)
{
    if (PQgetisnull(r, row, 5))
        return false;
    const char *verdict = PQgetvalue(r, row, 5);

    const struct carried carried = {.id = id};

    if (strcmp(verdict, "deferred") == 0)
        batch_carry(b, BATCH_DEFERRED, &carried);
    else if (strcmp(verdict, "in_doubt") == 0)
        batch_carry(b, BATCH_DOUBTED, &carried);
    return true;
}

void claimed_mail(struct batch *b, const PGresult *r, int row)
{
    struct mailid id = {pg_bigint(r, row, 0), pg_int(r, row, 1)};

    if (was_settled(b, r, row, id))
        return;
    bool has_variables = !PQgetisnull(r, row, 4);
    size_t len = (size_t)PQgetlength(r, row, 4);

    const struct mail mail = {
        .id = id,
        .email = PQgetisnull(r, row, 2) ? -1 : pg_int(r, row, 2),
        .recipient = arena_copy(&b->arena, PQgetvalue(r, row, 3),
                                (size_t)PQgetlength(r, row, 3)),
        .variables = has_variables
                         ? arena_copy(&b->arena, PQgetvalue(r, row, 4), len)
                         : NULL,
        .variables_len = len,
    };

    batch_add(b, &mail);
}
