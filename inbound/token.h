/*
 * inbound/token - an access token for a mailbox, from a token endpoint
 * (oauth/token, oauth/grant): kept until shortly before its end. Blocks, for
 * OAUTH_SECONDS and the look-up of a name at most; one serves one thread.
 */
#ifndef INBOUND_TOKEN_H
#define INBOUND_TOKEN_H

#include "oauth/grant.h"
#include "oauth/token.h"
#include <stdatomic.h>

struct mailbox_token; /* of one mailbox */

/* Settings have been checked, and must live, as must ca_file ("": the system's
 * authorities are trusted). stop: set, the question is broken off. */
struct mailbox_token *mailbox_token_new(const struct oauth_settings *settings,
                                        const char *ca_file,
                                        const atomic_bool *stop);
void mailbox_token_free(struct mailbox_token *t); /* wiped; NULL is taken */

/* *text lives until the next call. err names the endpoint's error, and no
 * secret. */
MUST_USE enum status mailbox_token_get(struct mailbox_token *t,
                                       const char **text, struct error *err);

/* The server has refused it: the next one is asked for. */
void mailbox_token_refused(struct mailbox_token *t);
#endif
