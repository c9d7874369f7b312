/*
 * handlers/emails - what others hand to the queue as if it had come with POST
 * /emails.
 */
#ifndef API_HANDLERS_EMAILS_H
#define API_HANDLERS_EMAILS_H

#include "api/request.h"
#include <jansson.h>

/* One email, an object as of POST /emails: read, then handed to the committer,
 * who answers; or the reply is set. For routes of the kind GROUP. */
void emails_send(struct request *request, struct reply *reply, json_t *email);

/* An email that names a stored template gets its texts instead, filled in with
 * the variables. kept: templates read before, by their names; needs
 * emails_kept_fini. False: *problem says what is wrong. */
struct emails_kept;
struct template_problem;
bool emails_fill(struct request *request, json_t *email,
                 struct emails_kept **kept, struct template_problem *problem);
void emails_kept_free(struct emails_kept *kept);

/* Does it, or one of a list, name a template? */
bool emails_names_template(const json_t *body);
#endif
