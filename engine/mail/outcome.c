#include "mail/outcome.h"
#include <string.h>

ENUM_DEFINE(verdict, VERDICT_TABLE);
ENUM_DEFINE(reach, REACH_TABLE);

struct settled settled_plain(enum verdict verdict, const char *step,
                             const char *why)
{
    return (struct settled){
        .verdict = verdict,
        .has_reach = true,
        .reach =
            verdict == VERDICT_SUPPRESSED ? REACH_RECIPIENT : REACH_MESSAGE,
        .step = step,
        .reply = why,
    };
}

bool settled_has_campaign(const struct settled *s)
{
    static const unsigned char none[OUTCOME_CAMPAIGN_BYTES];

    return memcmp(s->campaign, none, sizeof none) != 0;
}
