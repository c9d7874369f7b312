/*
 * smtp/fit - can this server be given this mail at all? What is not fit is
 * refused here, before a word of it is said. Part of smtp/session.
 */
#ifndef SMTP_FIT_H
#define SMTP_FIT_H

#include "smtp/session.h"

/* What is missing for mail that requires TLS: fills in verdict, enhanced and
 * text; its text may be s->note. False: nothing. */
bool smtp_fit_lacks_tls(struct smtp_session *s, bool sure_host,
                        struct smtp_result *r);

/* Fills in why not; false if it is fit. Its text may be s->note. */
bool smtp_fit_refuses(struct smtp_session *s, const struct smtp_message *m,
                      struct smtp_result *r);
#endif
