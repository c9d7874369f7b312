#include "base/status.h"
#include <stdarg.h>
#include <stdio.h>

ENUM_DEFINE(status, STATUS_TABLE);

enum status fail(struct error *err, enum status status, const char *fmt, ...)
{
    if (err) {
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    return status;
}
