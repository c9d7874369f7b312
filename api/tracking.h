/* api/tracking - the field `tracking` of an email or a campaign:
 * {"clicks": bool, "opens": bool}, either may be absent. No I/O. */
#ifndef API_TRACKING_H
#define API_TRACKING_H

#include "api/email.h"
#include "base/config.h"
#include <jansson.h>

/* Absent, null, or valid; a null is taken out. False: *why says what is wrong.
 */
bool tracking_read(json_t *item, struct email_error *why);

/* Asked for, it has to be possible: the setting public_url. */
bool tracking_possible(const json_t *item, const struct config *config,
                       struct email_error *why);
#endif
