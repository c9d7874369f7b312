/*
 * render/html_tree - HTML parsed by gumbo, within limits of memory and time
 * that gumbo itself has not: a few hundred bytes of misnested tags can ask for
 * gigabytes, or for minutes. Internal to render/.
 */
#ifndef RENDER_HTML_TREE_H
#define RENDER_HTML_TREE_H

#include <gumbo.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    HTML_TREE_SOURCE_MAX = 1024 * 1024,
    HTML_TREE_MEMORY_MAX = 64 * 1024 * 1024,
    HTML_TREE_MS_MAX = 200, /* processor time */
};

/* Calls use with the document, which lives until use returns. False, and use
 * was not called: beyond a limit. */
bool html_tree_parse(const char *html, size_t len,
                     void (*use)(void *arg, const GumboNode *document),
                     void *arg);
#endif
