#include "base/log.h"
#include "base/clock.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

ENUM_DEFINE(log_level, LOG_LEVEL_TABLE);

enum { LOG_LINE_MAX = 2048, LOG_PROGRAM_MAX = 32 };

static char log_program[LOG_PROGRAM_MAX] = "presort";
static enum log_level log_least = LOG_INFO;

bool log_level_parse(const char *text, enum log_level *level)
{
    for (enum log_level l = LOG_DEBUG; l <= LOG_ERROR; l++)
        if (!strcmp(text, log_level_text(l))) {
            *level = l;
            return true;
        }
    return false;
}

void log_open(const char *program, enum log_level least)
{
    snprintf(log_program, sizeof log_program, "%s", program);
    log_least = least;
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
    char line[LOG_LINE_MAX], when[CLOCK_RFC3339_MAX];
    va_list ap;

    if (level < log_least)
        return;
    clock_rfc3339(clock_wall_us(), when);
    int n = snprintf(line, sizeof line, "%s %s %s %s ", when,
                     log_level_text(level), log_program, event);
    va_start(ap, fmt);
    int m = vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
    va_end(ap);
    size_t len = (size_t)n + (m > 0 ? (size_t)m : 0);
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    line[len++] = '\n';
    /* One write, so that lines of several processes do not mix. A log that
     * can't be written has nowhere to say so. */
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written;
}

const char *log_quote(const char *text, char *out)
{
    size_t n = 0;

    out[n++] = '"';
    for (; *text && n + 4 < LOG_QUOTE_MAX; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            out[n++] = '\\';
        out[n++] = c < ' ' || c == 127 ? '?' : (char)c;
    }
    out[n++] = '"';
    out[n] = 0;
    return out;
}
