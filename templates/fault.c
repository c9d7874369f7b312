#include "templates/fault.h"
#include <stdio.h>

static void find_place(struct template_fault *f, const char *source,
                       const char *at)
{
    f->line = f->column = 1;
    for (const char *p = source; p < at; p++) {
        f->column += ((unsigned char)*p & 0xc0) != 0x80;
        if (*p == '\n') {
            f->line++;
            f->column = 1;
        }
    }
}

enum status fault_report(struct template_fault *fault, struct error *err,
                         enum status status, const char *partial,
                         const char *source, const char *at,
                         const char *message)
{
    struct template_fault own, *f = fault ? fault : &own;

    *f = (struct template_fault){0};
    if (at)
        find_place(f, source, at);
    snprintf(f->partial, sizeof f->partial, "%s", partial);
    snprintf(f->message, sizeof f->message, "%s", message);
    if (!at)
        return fail(err, status, "%s", f->message);
    return fail(err, status, "%s%s%sline %zu, column %zu: %s",
                *partial ? "partial \"" : "", f->partial,
                *partial ? "\": " : "", f->line, f->column, f->message);
}
