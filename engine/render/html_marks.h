/*
 * render/html_marks - hides a template's {{ ... }} and {% ... %} from an HTML
 * parser, which would take them apart or move them (text between table rows
 * goes before the table). Each becomes one character of a private plane, or,
 * between tags, a comment that holds just that character: comments stay where
 * they are. Internal to render/.
 */
#ifndef RENDER_HTML_MARKS_H
#define RENDER_HTML_MARKS_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    HTML_MARKS_MAX = 10000,
    HTML_MARK_BYTES = 4, /* U+F0000 and up, in UTF-8 */
};

/* A slice of the template. */
struct html_mark {
    const char *at;
    size_t len;
};

struct html_marks {
    struct buf html;
    struct html_mark *at;
    size_t n;
};

/* source is borrowed as long as m. Without templates nothing is marked. False:
 * too many marks. m needs html_marks_fini in any case. */
bool html_marks_init(struct html_marks *m, const char *source, size_t len,
                     bool templates);
void html_marks_fini(struct html_marks *m);

/* The mark at p, of which left bytes are readable; NULL if there is none. */
const struct html_mark *html_mark_at(const struct html_marks *m, const char *p,
                                     size_t left);

/* Bytes of the {{ ... }} or {% ... %} that starts at p; 0 if none does, or it
 * does not end. */
size_t html_mark_length(const char *p, size_t left);
#endif
