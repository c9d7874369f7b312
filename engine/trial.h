/*
 * trial - one test mail by the way that a real one would take, and every word
 * of it on standard output: `presort route test`.
 *
 * Routes, DNS, policies of TLS, keys, logins and the SMTP client are the
 * pipeline's own. There is no queue, and no second attempt: hosts are tried in
 * turn until one takes the mail or refuses it. Limits, pauses, blamed source
 * addresses and suppressions are not looked at: somebody asked for this mail.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "base/config.h"

struct trial_request {
    const char *from, *to; /* addr-specs */
    long long project;     /* whose routes and keys count */
    int class;             /* enum batch_class */
    const char *via;       /* this way, whatever the routes say; or NULL */
    bool dry;              /* say the way; connect to nobody */
};

/* presort-engine --trial --to ADDRESS --from ADDRESS [--project ID]
 * [--class N] [--via WAY] [--dry]: argv from --trial on. Returns an exit
 * status: 0: the mail was taken (or, dry, would be sent); 1: not; 2: bad
 * arguments. */
int trial_main(int argc, char **argv);
#endif
