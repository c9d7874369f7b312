#include "mail/suppression.h"
#include <string.h>

ENUM_DEFINE(suppression, SUPPRESSION_TABLE);

bool suppression_find(const char *text, enum suppression *out)
{
    for (int i = 0; i < SUPPRESSIONS; i++)
        if (strcmp(suppression_text((enum suppression)i), text) == 0) {
            *out = (enum suppression)i;
            return true;
        }
    return false;
}

const char *suppression_origin(enum suppression reason)
{
    switch (reason) {
    case SUPPRESSION_BOUNCE:
    case SUPPRESSION_SOFT_BOUNCE: return "bounce";
    case SUPPRESSION_COMPLAINT: return "complaint";
    case SUPPRESSION_UNSUBSCRIBE:
    case SUPPRESSION_MANUAL: return "manual";
    }
    return "manual";
}
