/* mail/suppression - why an address is not written to. The names are those of
 * the column `reason` of the table `suppression`. */
#ifndef MAIL_SUPPRESSION_H
#define MAIL_SUPPRESSION_H

#include "base/enum.h"
#include <stdbool.h>

#define SUPPRESSION_TABLE(X)                                                   \
    X(SUPPRESSION_BOUNCE, "bounce")                                            \
    X(SUPPRESSION_COMPLAINT, "complaint")                                      \
    X(SUPPRESSION_UNSUBSCRIBE, "unsubscribe")                                  \
    X(SUPPRESSION_SOFT_BOUNCE, "soft_bounce")                                  \
    X(SUPPRESSION_MANUAL, "manual")
ENUM_DECLARE(suppression, SUPPRESSION_TABLE);
enum { SUPPRESSIONS = SUPPRESSION_MANUAL + 1 };

/* False: there is none of that name. */
bool suppression_find(const char *text, enum suppression *out);

/* Resend's word for it: bounce, complaint or manual. */
const char *suppression_origin(enum suppression reason);
#endif
