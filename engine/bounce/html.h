/*
 * bounce/html - HTML as the plain text that phrases and addresses are looked
 * for in: tags become line ends or nothing, the entities that occur in
 * addresses are resolved. No layout, no trust; output is never longer than
 * the input.
 */
#ifndef BOUNCE_HTML_H
#define BOUNCE_HTML_H

#include "base/buf.h"

void bounce_html_text(const char *html, size_t len, struct buf *out);
#endif
