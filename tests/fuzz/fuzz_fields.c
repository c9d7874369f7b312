/* What is written of foreign texts: a header field, a file name as parameters,
 * a body in the encoding chosen for it. Whatever they hold, the field stays one
 * field, the part one part, and lines keep to their limits. */
#include "base/bug.h"
#include "base/utf8.h"
#include "mail/header.h"
#include "mail/part.h"
#include "mail/transfer.h"
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 998 };

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

/* Lines of ASCII, each ended by CRLF; room for a dot that was doubled. */
static void check_lines(const struct buf *b, bool folded, bool eight)
{
    size_t column = 0;

    for (size_t i = 0; i < b->len; i++) {
        unsigned char c = (unsigned char)b->data[i];

        if (c == 0 || (c >= 0x80 && !eight))
            BUG("not ASCII");
        if (c == '\r' && (i + 1 == b->len || b->data[i + 1] != '\n'))
            BUG("a bare CR");
        if (c == '\n' && (i == 0 || b->data[i - 1] != '\r'))
            BUG("a bare LF");
        if (folded && column == 0 && i > 0 && c != ' ' && c != '\t')
            BUG("a second field");
        column = c == '\n' ? 0 : column + 1;
        if (column > LINE_MAX_BYTES + 2)
            BUG("a long line");
    }
}

static void check_header(const char *text, size_t n)
{
    struct buf out = {0};
    char *value = malloc(n + 1);

    if (!value)
        BUG("no memory");
    memcpy(value, text, n);
    value[n] = 0;
    header_text(&out, "X-Fuzz", value, n);
    check_lines(&out, true, false);
    if (memcmp(out.data + out.len - 2, "\r\n", 2) != 0)
        BUG("the field does not end");
    free(value);
    buf_fini(&out);
}

static void check_name(const char *text, size_t n)
{
    char name[PART_NAME_MAX + 2];
    struct buf out = {0};
    struct error err;

    n = n < sizeof name ? n : sizeof name - 1;
    memcpy(name, text, n);
    name[n] = 0;
    if (part_name_check(name, &err) == STATUS_OK) {
        part_add_parameter(&out, "filename", name);
        part_add_ascii(&out, "name", name);
        check_lines(&out, true, false);
    }
    buf_fini(&out);
}

static void check_body(const char *text, size_t n, bool eight)
{
    struct buf out = {0};
    enum transfer transfer = transfer_best(text, n, eight);

    transfer_encode(&out, transfer, text, n);
    check_lines(&out, false, transfer == TRANSFER_8BIT);
    for (const char *p = out.data; p && (p = strstr(p, "\n.")); p++)
        if (p[2] != '.')
            BUG("a dot that was not doubled");
    if (out.len > 4 * n + 8)
        BUG("longer than any encoding makes it");
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    const char *text = (const char *)bytes;

    check_header(text, n);
    check_name(text, n);
    if (utf8_check(text, n) == n) {
        check_body(text, n, false);
        check_body(text, n, true);
    }
    return 0;
}
