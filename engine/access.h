/*
 * access - how a relay's servers are spoken to: from the texts of the store to
 * what the SMTP client wants.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "route/relay.h"
#include "base/secret.h"
#include "smtp/auth.h"
#include "smtp/tls.h"

struct access {
    enum smtp_tls tls;
    bool login;             /* there is to be one */
    struct smtp_login with; /* its texts: the relay's, and secret */
    bool waiting;           /* there is no token to log in with */
    char secret[SECRET_MAX];
};

/* Filled in place: `with` points into it. A secret that can't be read is "",
 * which leaves the login to fail; it is logged. Wipe it by access_wipe. */
void access_of(struct relay *relay, struct access *out);
void access_wipe(struct access *a);
#endif
