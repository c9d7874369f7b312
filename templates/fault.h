/* templates/fault - the error of a compile or render, with its place. */
#ifndef TEMPLATES_FAULT_H
#define TEMPLATES_FAULT_H

#include "templates/template.h"

/* Fills fault (may be NULL) and err, and returns status. at points into
 * source; NULL: no place is to blame. partial is "" for the template. */
MUST_USE enum status fault_report(struct template_fault *fault,
                                  struct error *err, enum status status,
                                  const char *partial, const char *source,
                                  const char *at, const char *message);
#endif
