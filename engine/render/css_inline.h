/*
 * render/css_inline - puts the rules of an HTML's <style> elements into style
 * attributes, for mail programs that drop the elements. The rest of the
 * author's bytes stays as it is, template code among it.
 *
 * The cascade is CSS's: by specificity, then by order, an element's own style
 * before that, !important before all. A rule that was put everywhere leaves the
 * <style>; @media and its kind, :hover and its kind stay there, and so does
 * everything in a <style data-inline="off">, in one of a medium that is not the
 * screen, or where template tags decide what it says. Hostile input costs
 * bounded time and memory. No I/O.
 */
#ifndef RENDER_CSS_INLINE_H
#define RENDER_CSS_INLINE_H

#include "base/buf.h"
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    CSS_INLINE_STEPS_MAX = 10 * 1000 * 1000, /* elements looked at */
    CSS_INLINE_BYTES_MAX = 4 * 1024 * 1024,  /* written into attributes */
    CSS_INLINE_SHEETS_MAX = 100,
};

/* Appends to out. On failure out is as before: STATUS_TOO_BIG, a limit. */
MUST_USE enum status css_inline(const char *html, size_t len, bool templates,
                                struct buf *out, struct error *err);
#endif
