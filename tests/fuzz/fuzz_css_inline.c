/* Any bytes as HTML, as a template and not: inlined within the limits, and
 * nothing of the author's lost that an edit did not take. */
#include "base/bug.h"
#include "render/css_inline.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void try_it(const char *html, size_t n, bool templates)
{
    struct buf out = {0}, again = {0};

    if (css_inline(html, n, templates, &out, NULL) != STATUS_OK) {
        if (out.len > 0)
            BUG("a refusal that left something");
        return;
    }
    /* Without a <style> nothing is to be changed. */
    if (!memmem(html, n, "<", 1) &&
        (out.len != n || (n && memcmp(out.data, html, n) != 0)))
        BUG("changed, and no reason for it");
    if (css_inline(out.data ? out.data : "", out.len, templates, &again,
                   NULL) == STATUS_OK &&
        again.len + 1 < out.len / 2)
        BUG("inlining again loses much");
    buf_fini(&again);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    try_it((const char *)bytes, n, false);
    try_it((const char *)bytes, n, true);
    return 0;
}
