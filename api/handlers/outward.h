/*
 * handlers/outward - what the handlers of relays, routes and source addresses
 * have in common: bodies read as objects, faults answered by the field that
 * has them, changes in one transaction.
 *
 * Functions that answer false have set the reply.
 */
#ifndef API_HANDLERS_OUTWARD_H
#define API_HANDLERS_OUTWARD_H

#include "api/request.h"
#include "egress/fault.h"
#include <jansson.h>

/* Says what is meant by fields that are none, rather than that they are
 * unknown. */
typedef bool outward_polite(const json_t *body, struct reply *reply);

/* The operator's request with an object for a body, whose fields are known[n]
 * and no others (json_check_all_fields); polite may be NULL. NULL: the reply is
 * set. The caller's. */
json_t *outward_body(struct request *request, struct reply *reply,
                     outward_polite *polite, const char *const *known,
                     size_t n);

/* A field's text, NULL where it is absent or null; "" stays. It is the
 * body's. */
MUST_USE bool outward_text(const json_t *body, const char *field,
                           const char **out, struct reply *reply);

/* A change's body may repeat what the path names, but not change it. */
MUST_USE bool outward_same(const json_t *body, const char *field,
                           const char *name, struct reply *reply);

/* Sets the reply; false. */
bool outward_wrong(struct reply *reply, const struct egress_fault *fault);

/* A statement that is run for its rows (out may be NULL). */
MUST_USE bool outward_run(struct request *request, struct reply *reply,
                          const char *sql, const char *const *params, int n,
                          PGresult **out);

/* A statement of egress.sql that finds faults: it must find none. */
MUST_USE bool outward_allowed(struct request *request, struct reply *reply,
                              const char *sql, const char *const *params,
                              int n);
/* The same; what it finds stands in the way of the request (409). */
MUST_USE bool outward_free(struct request *request, struct reply *reply,
                           const char *sql, const char *const *params, int n);

/* One change at a time, in all processes of the API: the rest wait here. */
MUST_USE bool outward_begin(struct request *request, struct reply *reply);
/* Commits unless the reply is an error, which takes all back. A commit that
 * fails is the reply. */
void outward_end(struct request *request, struct reply *reply);

/* The row that sql finds for name; 404: "what not found". */
MUST_USE bool outward_find(struct request *request, struct reply *reply,
                           const char *sql, const char *name, const char *what,
                           PGresult **row);

/* A row as JSON, behind what out has. */
typedef void outward_add(struct buf *out, const PGresult *rows, int row);

/* For rows whose first column is a whole JSON object. */
void outward_add_first(struct buf *out, const PGresult *rows, int row);

/* These run a statement of all that there are where its parameter is null, else
 * of the one that it names. The last two take its first column as
 * outward_add_first does. */
void outward_list(struct request *request, struct reply *reply, const char *sql,
                  outward_add *add);
void outward_show(struct request *request, struct reply *reply, int status,
                  const char *sql, const char *name, const char *what);
/* Parsed; NULL: the reply is set. The caller's. */
json_t *outward_stored(struct request *request, struct reply *reply,
                       const char *sql, const char *name, const char *what);
#endif
