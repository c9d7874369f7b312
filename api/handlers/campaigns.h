/*
 * handlers/campaigns - what the handlers of /campaigns share: finding the
 * campaign of the path, holding it, showing it. Functions that answer false
 * have set the reply.
 */
#ifndef API_HANDLERS_CAMPAIGNS_H
#define API_HANDLERS_CAMPAIGNS_H

#include "api/campaign.h"
#include "api/request.h"
#include "queue/db.h"

enum { CAMPAIGNS_NUMBER_MAX = 24 }; /* a 64-bit number and a NUL */

/* The path's campaign, as parameters. */
struct campaign_ref {
    char project[CAMPAIGNS_NUMBER_MAX];
    char id[CAMPAIGN_ID_MAX]; /* lower case */
};

/* 404 if the path's first segment is no UUID. */
bool campaigns_ref(const struct request *request, struct reply *reply,
                   struct campaign_ref *out);

/* Runs a statement whose first parameters are the project and the id. */
enum { CAMPAIGNS_PARAMS_MAX = 2 + CAMPAIGN_PARAMS };
MUST_USE enum status campaigns_run(struct request *request, const char *sql,
                                   const struct campaign_ref *ref,
                                   const char *const *more, int n,
                                   PGresult **out, struct error *err);

/* One row of columns as in enum campaign_column; 404 if there is none. */
bool campaigns_find(struct request *request, struct reply *reply,
                    const struct campaign_ref *ref, PGresult **row);

/* In a transaction: locks the campaign's row. What holds it for a moment, as
 * a worker that ends the campaign does, is waited for; STATUS_CONFLICT if it is
 * held longer, STATUS_NOT_FOUND. */
MUST_USE enum status campaigns_lock(struct request *request,
                                    const struct campaign_ref *ref,
                                    struct error *err);

/* Begins a transaction and locks the campaign, so that nobody else changes it
 * or uploads into it; 409 if somebody is. On success the caller ends the
 * transaction. */
bool campaigns_hold(struct request *request, struct reply *reply,
                    const struct campaign_ref *ref, PGresult **row);

/* Ends what hold began: the reply is set if it fails. */
bool campaigns_commit(struct request *request, struct reply *reply);

/* 409: "The campaign is sent, only a draft can be changed." */
void campaigns_refuse(struct reply *reply, const char *state, const char *only);

/* A body of POST /campaigns, or a merged one: what it has from a stored
 * template is put into it, and out is what goes with it (campaign_stored_fini).
 */
bool campaigns_resolve(struct request *request, struct reply *reply,
                       json_t *body, struct campaign_stored *out);

/* Stores a held campaign's content: fields is a merged body. */
bool campaigns_store(struct request *request, struct reply *reply,
                     const struct campaign_ref *ref, json_t *fields);

/* The whole object, with totals, as GET /campaigns/{id} answers it. */
void campaigns_show(struct request *request, struct reply *reply,
                    const struct campaign_ref *ref);

/* Of a list's query: limit (1 .. most, else standard) and after, before, one
 * of them at most, NULL where absent. */
struct page {
    int limit;
    const char *after, *before;
};
bool campaigns_page(const struct request *request, struct reply *reply,
                    int standard, int most, struct page *out);
#endif
