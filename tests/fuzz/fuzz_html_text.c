/* Any bytes as HTML, as a template and not: text within its limit, or none. */
#include "base/bug.h"
#include "render/html_text.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void try_it(const char *html, size_t n, bool templates)
{
    struct buf out = {0};

    if (!html_text(&out, html, n, templates) && out.len > 0)
        BUG("a refusal that left something");
    if (out.len > HTML_TEXT_BYTES_MAX + 1)
        BUG("too long a text");
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    try_it((const char *)bytes, n, false);
    try_it((const char *)bytes, n, true);
    return 0;
}
