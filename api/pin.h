/*
 * api/pin - the project's stored partials that templates include, read by name
 * and kept with what includes them, so that what was checked is what is sent.
 */
#ifndef API_PIN_H
#define API_PIN_H

#include "api/session.h"
#include <jansson.h>
#include <stdint.h>

/* What sources[n] (NULLs are passed over) include, and what that includes, as
 * {name: source}: *out is the caller's. All partials, if one is included by a
 * name that only a render knows. A name that is not stored is left out, and so
 * is what stands behind a mistake: who compiles with them says so. Fails only
 * as session_run does. */
MUST_USE enum status pin_partials(struct session *s, int64_t project,
                                  const char *const *sources, size_t n,
                                  json_t **out, struct error *err);
#endif
