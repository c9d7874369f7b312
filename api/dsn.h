/*
 * api/dsn - the field `dsn` of emails and campaigns: which notices the servers
 * on the way are asked for (RFC 3461). No I/O.
 */
#ifndef API_DSN_H
#define API_DSN_H

#include "api/fields.h"

enum { DSN_ENVID_MAX = 100 }; /* as xtext */

/* Absent, null, or an object of `notify`, `return` and `envid`, each of which
 * may be absent. False: *why says what is wrong. */
bool dsn_check(const json_t *body, struct email_error *why);
#endif
