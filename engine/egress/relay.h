/*
 * egress/relay - a relay as it is asked for, by command line or API: what is
 * allowed, and what holds where nothing is said. The table is `relay`, the
 * statements stand in egress.sql. No I/O: servers are not resolved, secrets
 * not read.
 */
#ifndef EGRESS_RELAY_H
#define EGRESS_RELAY_H

#include "egress/fault.h"
#include <stddef.h>

enum {
    EGRESS_RELAYS_MAX = 1000,  /* as many as workers read */
    EGRESS_SERVERS_MAX = 2048, /* bytes of the list */
    EGRESS_USER_MAX = 320,
    EGRESS_SECRET_MAX = 1024,
};

struct egress_relay {
    const char *name;
    const char *servers; /* base/servers: a list, or a preset's name */
    const char *tls;     /* NULL: required with a user, else opportunistic */
    const char *login; /* NULL: xoauth2 with a token_url, else auto with a user,
                          else none */
    const char *user;  /* NULL: none */
    const char *secret; /* where it is: file:PATH, env:NAME or command:LINE;
                           NULL: there is none */
    /* In place of a secret, with the login xoauth2: oauth/request. NULL: none.
     */
    const char *token_url, *client_id, *client_secret, *refresh_token, *scope;
};

/* Fills in what was not said. False: *fault has the field, which is one of the
 * struct's members. */
MUST_USE bool egress_relay_check(struct egress_relay *relay,
                                 struct egress_fault *fault);

/* The limits that the provider behind a preset has, as pace/limits spells
 * them; never freed. NULL: servers is no preset, or has none that are known. */
const char *egress_relay_limits(const char *servers);

/* Is text a variable's name, [A-Za-z_][A-Za-z0-9_]*? */
bool egress_is_variable(const char *text);
#endif
