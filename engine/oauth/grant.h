/*
 * oauth/grant - the secrets behind a question to a token endpoint: the client's
 * and the refresh token, from the places that the settings name.
 *
 * They are read anew for each question, so that others are used without a
 * restart. A refresh token that the endpoint gives in place of ours (RFC 6749,
 * 6) is used from then on, until it is refused or its place says another one;
 * it is kept in memory only. Reads files; one serves one thread.
 */
#ifndef OAUTH_GRANT_H
#define OAUTH_GRANT_H

#include "base/secret.h"
#include "oauth/answer.h"
#include "oauth/request.h"

/* {0} at first. */
struct oauth_grant {
    char client_secret[SECRET_MAX]; /* "": there is none */
    char placed[SECRET_MAX];        /* the refresh token as its place has it */
    char newer[OAUTH_SECRET_MAX];   /* that came in its place; "" */
};

/* err says what is wrong with a place, and nothing of what is there. */
MUST_USE enum status oauth_grant_read(struct oauth_grant *g,
                                      const struct oauth_settings *s,
                                      struct error *err);

/* The refresh token that is to be used. */
const char *oauth_grant_refresh(const struct oauth_grant *g);

/* True if the answer brings another refresh token than the one used. */
bool oauth_grant_take(struct oauth_grant *g, const struct oauth_answer *answer);

/* What the endpoint said, or what became of the question, as a reason for
 * people: never with one of our secrets in it, should the endpoint repeat
 * it. */
void oauth_grant_fail(struct oauth_grant *g, const char *said,
                      char why[OAUTH_WHY_MAX]);

void oauth_grant_fini(struct oauth_grant *g); /* wipes it */
#endif
