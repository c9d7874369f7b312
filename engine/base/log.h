/*
 * base/log - one event a line on stderr: time, level, program, event and
 * key=value pairs. Log where a thing is handled, once. Foreign text goes
 * through log_quote so that it can't forge a line. Never a secret.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/enum.h"
#include <stdbool.h>
#include <stddef.h>

#define LOG_LEVEL_TABLE(X)                                                     \
    X(LOG_DEBUG, "debug")                                                      \
    X(LOG_INFO, "info")                                                        \
    X(LOG_WARN, "warn")                                                        \
    X(LOG_ERROR, "error")
ENUM_DECLARE(log_level, LOG_LEVEL_TABLE);

/* False if text names no level. */
bool log_level_parse(const char *text, enum log_level *level);

/* program: "engine-0", "api", ...; copied. */
void log_open(const char *program, enum log_level least);

/* log_event(LOG_INFO, "batch_done", "batch=%lld mails=%zu", id, n) */
PRINTF(3, 4)
void log_event(enum log_level level, const char *event, const char *fmt, ...);

enum { LOG_QUOTE_MAX = 256 };

/* text as a quoted, escaped, cut value; out has LOG_QUOTE_MAX bytes;
 * returns out. */
const char *log_quote(const char *text, char *out);
#endif
