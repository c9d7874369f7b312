/* What the fuzz targets of uploads share: a sink that checks what a parser
 * promises, and writes down what it said, so that two runs over the same bytes
 * in other pieces can be compared. */
#ifndef TESTS_FUZZ_UPLOAD_H
#define TESTS_FUZZ_UPLOAD_H

#include "api/upload/recipient.h"
#include "base/bug.h"
#include "mail/address.h"
#include <jansson.h>

static enum status fuzz_take(void *context, const char *address,
                             size_t address_len, const char *variables,
                             size_t variables_len, struct error *err)
{
    struct address parsed;
    json_t *object = NULL;

    if (address_parse_spec(address, address_len, &parsed, err) != STATUS_OK)
        BUG("an address that is none was taken");
    if (variables) {
        object = json_loadb(variables, variables_len, 0, NULL);
        if (!json_is_object(object))
            BUG("variables that are no JSON object");
    }
    json_decref(object);
    buf_add(context, address, address_len);
    buf_add_char(context, ' ');
    buf_add(context, variables, variables ? variables_len : 0);
    buf_add_char(context, '\n');
    return STATUS_OK;
}

static void fuzz_reject(void *context, uint64_t line, const char *reason,
                        const char *value, size_t value_len)
{
    buf_addf(context, "!%llu %s ", (unsigned long long)line, reason);
    buf_add(context, value, value_len);
    buf_add_char(context, '\n');
}

static inline void fuzz_same(struct buf *a, struct buf *b)
{
    if (a->len != b->len || (a->len && memcmp(a->data, b->data, a->len) != 0))
        BUG("the pieces matter");
    buf_fini(a);
    buf_fini(b);
}
#endif
