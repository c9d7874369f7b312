#include "mail/outcome.h"
#include <string.h>

ENUM_DEFINE(verdict, VERDICT_TABLE);
ENUM_DEFINE(reach, REACH_TABLE);

bool settled_has_campaign(const struct settled *s)
{
    static const unsigned char none[OUTCOME_CAMPAIGN_BYTES];

    return memcmp(s->campaign, none, sizeof none) != 0;
}
