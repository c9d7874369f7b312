/*
 * render/html_text - the text part that a mail without one gets: its HTML as
 * plain text. Links as "text (url)", lists, tables, alt texts of images;
 * what is hidden (preheaders) is left out; wrapped at 76 columns.
 *
 * Of a template it makes a template: {{ ... }} and {% ... %} stay as they are,
 * in their order, so that each recipient's text is rendered like the HTML.
 * Hostile HTML costs bounded time, memory and depth.
 */
#ifndef RENDER_HTML_TEXT_H
#define RENDER_HTML_TEXT_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    HTML_TEXT_COLUMNS = 76,
    HTML_TEXT_DEPTH_MAX = 200,             /* what is deeper is left out */
    HTML_TEXT_BYTES_MAX = 2 * 1024 * 1024, /* of output */
};

/* Appends to out. False, and out as before: beyond a limit, or there is no
 * text in it. */
bool html_text(struct buf *out, const char *html, size_t len, bool templates);
#endif
