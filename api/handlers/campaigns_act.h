/* handlers/campaigns_act - what sending and sending again share. */
#ifndef API_HANDLERS_CAMPAIGNS_ACT_H
#define API_HANDLERS_CAMPAIGNS_ACT_H

#include "api/handlers/campaigns.h"
#include <stdint.h>

/* Makes a held campaign's batches ready. due_us 0: now. expire_seconds: "" for
 * the setting's. Workers hear of it at the commit. */
MUST_USE enum status campaigns_start(struct request *request,
                                     const struct campaign_ref *ref,
                                     int64_t due_us, const char *expire_seconds,
                                     struct error *err);

/* Renders a held campaign, as row has it, for a sample of its recipients.
 * False, and the reply says who lacks what: variables that are to be there are
 * not, or nobody's mail can be rendered. */
bool campaigns_check(struct request *request, struct reply *reply,
                     const struct campaign_ref *ref, const PGresult *row);
#endif
