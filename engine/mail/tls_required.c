#include "mail/tls_required.h"
#include <string.h>
#include <strings.h>

bool tls_required_is_no(const char *name, const char *value)
{
    static const char no[] = "No", blank[] = " \t";

    if (strcasecmp(name, "TLS-Required") != 0)
        return false;
    value += strspn(value, blank);
    if (strncasecmp(value, no, strlen(no)) != 0)
        return false;
    value += strlen(no);
    return value[strspn(value, blank)] == 0;
}
