/*
 * base/servers - a list of SMTP servers as settings spell it: separated by
 * commas, each HOST:PORT or smtp://HOST[:PORT], submission://HOST[:PORT] or
 * smtps://HOST[:PORT], and perhaps *WEIGHT; or the name of a service in
 * presets.def alone. Resolves nothing.
 */
#ifndef BASE_SERVERS_H
#define BASE_SERVERS_H

#include "base/net.h"
#include <stdbool.h>
#include <stddef.h>

enum { SERVERS_MAX = 16, SERVERS_WEIGHT_MAX = 1000 };

struct server_address {
    struct net_address at; /* smtp: port 25, submission: 587, smtps: 465 */
    bool implicit_tls;     /* smtps: TLS from the first byte */
    unsigned weight;       /* 1 to SERVERS_WEIGHT_MAX */
};

/* n servers into out (SERVERS_MAX). STATUS_INVALID says what is wrong. */
MUST_USE enum status servers_parse(const char *text, struct server_address *out,
                                   size_t *n, struct error *err);

struct server_preset {
    const char *name, *servers;
    const char *limits; /* of an account, as pace/limits spells them; "": not
                           fixed */
    const char *note;
};

/* The known services; count in *n. */
const struct server_preset *servers_presets(size_t *n);
#endif
