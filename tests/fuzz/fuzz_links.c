/* Any bytes as HTML whose links are tracked: found, marked, filled; what was
 * marked comes back as it was. And any bytes as what a template rendered, and
 * as a token. */
#include "base/bug.h"
#include "mail/token.h"
#include "render/links.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static const unsigned char secret[MAILID_SECRET_BYTES] = {1};

static void try_it(const char *html, size_t n, bool templates)
{
    const struct links_track on = {
        secret, "https://t.example", {1, 1}, true, true};
    const struct links_track off = {.public_url = ""};
    struct links l;
    struct buf marked = {0}, out = {0};

    if (links_find(&l, html, n, templates)) {
        links_mark(&l, html, n, &marked);
        links_fill(&l, &off, marked.data, marked.len, &out);
        if (out.len != n || (n > 0 && memcmp(out.data, html, n) != 0))
            BUG("not what the author wrote");
        links_fill(&l, &on, marked.data, marked.len, &out);
    }
    links_fill(&l, &on, html, n, &out);
    links_fini(&l);
    buf_fini(&marked);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    struct token token;

    try_it((const char *)bytes, n, false);
    try_it((const char *)bytes, n, true);
    if (token_parse(secret, (const char *)bytes, n, NULL, 0, &token))
        BUG("a token that nobody made");
    return 0;
}
