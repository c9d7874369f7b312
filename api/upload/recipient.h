/*
 * upload/recipient - what the parsers of uploads hand on, line by line, and
 * the checks that all of them share.
 *
 * A line is either taken (address checked, variables a JSON object as text) or
 * rejected with a reason; a rejected line never ends an upload. Texts are
 * borrowed for the call. No I/O, no allocation.
 */
#ifndef API_UPLOAD_RECIPIENT_H
#define API_UPLOAD_RECIPIENT_H

#include "base/buf.h"
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UPLOAD_LINE_MAX = 64 * 1024, /* bytes of a line, or a quoted record */
    UPLOAD_NAME_MAX = 100,       /* bytes of a variable's name */
    UPLOAD_VARIABLES_MAX = 200,  /* of one recipient */
    UPLOAD_REASON_MAX = 200,     /* bytes of a reason and a NUL */
};

struct upload_sink {
    /* variables: NULL if there are none. Anything but STATUS_OK ends the
     * upload, and is what feeding the parser returns. */
    enum status (*take)(void *context, const char *address, size_t address_len,
                        const char *variables, size_t variables_len,
                        struct error *err);
    /* value: what was wrong, as it came: not UTF-8 for sure. */
    void (*reject)(void *context, uint64_t line, const char *reason,
                   const char *value, size_t value_len);
    void *context;
    /* NULL, or asked before a line is taken: why it is not to be, or NULL. */
    const char *(*refuse)(void *context, const char *variables,
                          size_t variables_len);
};

/* A blank-trimmed address into the sink, or its line rejected. */
MUST_USE enum status recipient_offer(const struct upload_sink *sink,
                                     uint64_t line, const char *address,
                                     size_t address_len, const char *variables,
                                     size_t variables_len, struct error *err);

PRINTF(5, 6)
void recipient_reject(const struct upload_sink *sink, uint64_t line,
                      const char *value, size_t value_len, const char *fmt,
                      ...);

/* text, valid UTF-8 without NUL, between quotes and escaped (RFC 8259, 7). */
void recipient_json_text(struct buf *b, const char *text, size_t len);

/* NULL if text may go into JSON and into the database; else why not. */
const char *recipient_text_flaw(const char *text, size_t len);
#endif
