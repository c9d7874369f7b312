/*
 * api/time_parse - when a mail is to be sent, as people and programs say it:
 * RFC 3339 ("2026-11-23T05:41:00Z", also with a space for the T, without
 * seconds, or an offset of "+0530"), or relative: "in 5 min", "1 hour",
 * "in 2 days". No clock, no time zone but those written.
 */
#ifndef API_TIME_PARSE_H
#define API_TIME_PARSE_H

#include "base/status.h"
#include <stdint.h>

enum { TIME_PARSE_MAX = 64 }; /* bytes of such a text */

/* Microseconds since 1970 into *out. now_us: what "in" counts from. A time
 * without an offset is refused: whose it is would be a guess. The error's text
 * has no prefix, the caller names the field. */
MUST_USE enum status time_parse(const char *text, int64_t now_us, int64_t *out,
                                struct error *err);
#endif
