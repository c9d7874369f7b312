/* handlers/rates - how much bounces and is complained of. */
#ifndef API_HANDLERS_RATES_H
#define API_HANDLERS_RATES_H

#include "api/handlers/campaigns.h"

/* Appends a campaign's failures by category, what was told later, its rates
 * and why it paused by itself: ,"name":value,... On failure out is as it was.
 */
MUST_USE enum status rates_add_campaign(struct request *request,
                                        const struct campaign_ref *ref,
                                        struct buf *out, struct error *err);
#endif
