/*
 * handlers/templates - what uses stored templates shares: finding one by its id
 * or alias, and what it is rendered from. Functions that answer false have set
 * *why.
 */
#ifndef API_HANDLERS_TEMPLATES_H
#define API_HANDLERS_TEMPLATES_H

#include "api/request.h"
#include "api/stored.h"
#include "queue/db.h"

enum {
    TEMPLATES_NUMBER_MAX = 24, /* a 64-bit number and a NUL */
    TEMPLATES_ID_MAX = 37,
};

/* A stored template and one of its versions, as it was read. */
struct template_found {
    PGresult *row; /* columns as in enum stored_column */
    json_t *partials, *defaults;
};
void templates_found_fini(struct template_found *f);

/* Which version. */
enum template_wanted {
    TEMPLATE_LATEST, /* drafts too: for who edits it */
    TEMPLATE_PUBLISHED,
};

/* What went wrong: status is not STATUS_OK if it was the database, else why
 * says it. */
struct template_problem {
    enum status status;
    struct email_error why;
    bool absent; /* there is no such template */
};
void templates_answer(struct reply *reply, const struct template_problem *p);

/* version: a number, or 0 for the one wanted. out needs templates_found_fini
 * where this is true. */
bool templates_find(struct session *session, int64_t project, const char *name,
                    int version, enum template_wanted wanted,
                    struct template_found *out, struct template_problem *p);

/* A version of a request: a number from 1 on, or 0 where it is absent. */
bool templates_read_version(const json_t *value, int *out,
                            struct email_error *why);

/* Fills one mail in. variables may be NULL; email is who gets it, or NULL.
 * strict: what is missing is refused. Texts live in scratch. */
struct template_filling {
    const json_t *variables;
    const char *email, *unsubscribe_url; /* or NULL */
    bool strict, generate_text;
    template_missing_function *missing;
    void *missing_context;
};
/* What stands for a campaign's unsubscribe link where nobody is to be
 * unsubscribed; "" if there are no such links. */
enum { TEMPLATES_URL_MAX = 1024 };
void templates_sample_url(const struct config *config,
                          char out[static TEMPLATES_URL_MAX]);

bool templates_fill(const struct template_found *f,
                    const struct template_filling *with, struct arena *scratch,
                    struct letter_texts *out, struct email_error *why);
#endif
