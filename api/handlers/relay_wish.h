/*
 * handlers/relay_wish - a relay as a request's body has it, and as an answer
 * shows it. No I/O.
 *
 * What the command line may say and a request may not: a password's file
 * outside the setting relay_secret_dir, a variable that does not begin with
 * RELAY_, a command. Else who has an operator's key could have any file of the
 * engines, or the database's password, sent to a server of his own.
 */
#ifndef API_HANDLERS_RELAY_WISH_H
#define API_HANDLERS_RELAY_WISH_H

#include "api/reply.h"
#include "base/buf.h"
#include "egress/relay.h"
#include "pace/limits.h"
#include <jansson.h>

#define RELAY_WISH_VARIABLE "RELAY_"

struct relay_wish {
    struct egress_relay relay; /* texts are the body's, or below */
    char servers[EGRESS_SERVERS_MAX + 2];
    char secret[EGRESS_SECRET_MAX + 2];
    bool says_limits;
    char limits[LIMITS_TEXT_MAX]; /* "": none */
};

/* Fields of a body; and what an answer shows, which may come back. */
extern const char *const relay_wish_fields[];
extern const size_t relay_wish_n_fields;

/* Refuses what a body must not have, such as the password itself, and what
 * names are given to it elsewhere. False: the reply is set. */
MUST_USE bool relay_wish_polite(const json_t *body, struct reply *reply);

/* The whole: whole is a new relay's body, or a stored one with what the body
 * has instead. kept: where the stored one's secret is, or NULL; it stays where
 * the body does not speak of it. False: the reply is set. */
MUST_USE bool relay_wish_read(const json_t *whole, const json_t *body,
                              const char *secret_dir, const char *kept,
                              struct relay_wish *out, struct reply *reply);

/* What a stored relay, as it is shown, becomes with a body's members. */
void relay_wish_merge(json_t *stored, json_t *body);

/* Appends a relay: members are a JSON object, servers those of the table. */
void relay_wish_show(struct buf *out, const char *members, const char *servers);

/* Appends servers as a list of texts. */
void relay_wish_add_servers(struct buf *out, const char *servers);
#endif
