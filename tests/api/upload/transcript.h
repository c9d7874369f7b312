/* What a parser of uploads said, line by line, as text to compare:
 *     jo@example.com {"name":"Jo"}
 *     !3 email: ... [value]
 */
#ifndef TESTS_API_UPLOAD_TRANSCRIPT_H
#define TESTS_API_UPLOAD_TRANSCRIPT_H

#include "api/upload/recipient.h"
#include <stdarg.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

enum { VALUE_SHOWN = 23 };

static enum status transcript_take(void *context, const char *address,
                                   size_t address_len, const char *variables,
                                   size_t variables_len, struct error *err)
{
    struct buf *b = context;

    (void)err;
    buf_add(b, address, address_len);
    buf_add_char(b, ' ');
    buf_add(b, variables ? variables : "-", variables ? variables_len : 1);
    buf_add_char(b, '\n');
    return STATUS_OK;
}

static void transcript_reject(void *context, uint64_t line, const char *reason,
                              const char *value, size_t value_len)
{
    size_t n = value_len < VALUE_SHOWN ? value_len : VALUE_SHOWN;

    buf_addf(context, "!%llu %s [%.*s]\n", (unsigned long long)line, reason,
             (int)n, value);
}

static struct upload_sink transcript_sink(struct buf *b)
{
    return (struct upload_sink){
        .take = transcript_take, .reject = transcript_reject, .context = b};
}

/* The text, and for an error of the whole upload its text as a last line. */
static void transcript_is(struct buf *b, enum status st,
                          const struct error *err, const char *name, size_t cut,
                          const char *expected)
{
    if (st != STATUS_OK)
        buf_addf(b, "error: %s\n", err->text);
    if (strcmp(b->data ? b->data : "", expected) != 0)
        fail_msg("%s, split at %zu:\n%s-- expected:\n%s", name, cut,
                 b->data ? b->data : "", expected);
    buf_fini(b);
}
#endif
