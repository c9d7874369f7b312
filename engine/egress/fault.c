#include "egress/fault.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool egress_wrong(struct egress_fault *fault, const char *field,
                  const char *fmt, ...)
{
    va_list ap;

    *fault = (struct egress_fault){.field = field};
    va_start(ap, fmt);
    vsnprintf(fault->error.text, sizeof fault->error.text, fmt, ap);
    va_end(ap);
    return false;
}

bool egress_missing(struct egress_fault *fault, const char *field)
{
    egress_wrong(fault, field, "it is missing");
    fault->missing = true;
    return false;
}

bool egress_is_name(const char *text)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(text);

    return len > 0 && len <= EGRESS_NAME_MAX && strchr(first, *text) &&
           strspn(text, rest) == len;
}
