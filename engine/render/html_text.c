#include "render/html_text.h"
#include "base/utf8.h"
#include "render/html_marks.h"
#include "render/html_tree.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    MARK_WIDTH = 8, /* what a variable is taken to be wide */
    PREFIX_MAX = 40,
    ROW_NODES_MAX = 200, /* of a row that may be one line */
};

struct writer {
    struct buf *out;
    size_t start; /* of our bytes in out */
    const struct html_marks *marks;
    bool templates;
    struct buf word;
    size_t word_width, column;
    int breaks; /* line ends due before the next word */
    bool space, started, over, preformatted, hidden;
    char prefix[PREFIX_MAX + 1]; /* of each line */
};

/* What a line is made of. */

static void put(struct writer *w, const char *bytes, size_t n)
{
    w->over = w->over || w->out->len - w->start + n > HTML_TEXT_BYTES_MAX;
    if (!w->over)
        buf_add(w->out, bytes, n);
}

static void new_line(struct writer *w)
{
    put(w, "\n", 1);
    put(w, w->prefix, strlen(w->prefix));
    w->column = strlen(w->prefix);
}

static void before_word(struct writer *w)
{
    if (!w->started)
        put(w, w->prefix, strlen(w->prefix));
    for (int i = 0; w->started && i < w->breaks; i++) {
        if (i + 1 < w->breaks) /* no white space on an empty line */
            put(w, "\n", 1);
        else
            new_line(w);
    }
    if (w->breaks == 0 && w->space && w->started) {
        if (w->column + 1 + w->word_width > HTML_TEXT_COLUMNS)
            new_line(w);
        else
            put(w, " ", 1);
        w->column++;
    }
    w->breaks = 0;
    w->space = false;
    w->started = true;
}

static void end_word(struct writer *w)
{
    if (w->word.len == 0)
        return;
    before_word(w);
    put(w, w->word.data, w->word.len);
    w->column += w->word_width;
    w->word_width = 0;
    buf_reset(&w->word);
}

static void add_space(struct writer *w)
{
    end_word(w);
    w->space = true;
}

static void add_breaks(struct writer *w, int n)
{
    end_word(w);
    w->breaks = n > w->breaks ? n : w->breaks;
    w->space = false;
}

/* "{{" that is text must not become a template's. */
static void guard(struct writer *w, char c)
{
    const struct buf *b = w->word.len > 0 ? &w->word : w->out;
    bool opens = b->len > 0 && b->data[b->len - 1] == '{' &&
                 (b == &w->word || !w->space);

    if (w->templates && opens && (c == '{' || c == '%'))
        buf_add_char(&w->word, ' ');
}

static void add_bytes(struct writer *w, const char *bytes, size_t n)
{
    guard(w, bytes[0]);
    buf_add(&w->word, bytes, n);
    w->word_width++;
}

/* A tag takes no room and no part in white space: what is due comes behind
 * it, and so inside its block. */
static void add_mark(struct writer *w, const struct html_mark *mark)
{
    if (mark->len > 1 && mark->at[1] == '%') {
        end_word(w);
        guard(w, '{');
        end_word(w);
        put(w, mark->at, mark->len);
        w->started = true;
    } else if (!w->hidden) {
        guard(w, '{');
        buf_add(&w->word, mark->at, mark->len);
        w->word_width += MARK_WIDTH;
    }
}

/* Soft hyphens, zero-width spaces and the joiners that fill preheaders. */
static bool is_invisible(const char *p, size_t n)
{
    static const char *const all[] = {"\xc2\xad", "\xe2\x80\x8b", "\xcd\x8f",
                                      "\xef\xbb\xbf"};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (n == strlen(all[i]) && memcmp(p, all[i], n) == 0)
            return true;
    return false;
}

static bool is_blank(const char *p, size_t n)
{
    return (n == 1 && strchr(" \t\r\n\f", *p)) ||
           (n == 2 && memcmp(p, "\xc2\xa0", 2) == 0);
}

static void add_text(struct writer *w, const char *text)
{
    size_t left = strlen(text);

    for (size_t n; left > 0 && !w->over; text += n, left -= n) {
        const struct html_mark *mark = html_mark_at(w->marks, text, left);

        n = mark ? HTML_MARK_BYTES : utf8_char(text, left);
        n = n ? n : 1;
        if (mark)
            add_mark(w, mark);
        else if (w->hidden || is_invisible(text, n))
            continue;
        else if (w->preformatted && *text == '\n')
            end_word(w), w->breaks++;
        else if (is_blank(text, n) && !w->preformatted)
            add_space(w);
        else if (is_blank(text, n))
            add_bytes(w, " ", 1);
        else if ((unsigned char)*text >= ' ')
            add_bytes(w, text, n);
    }
}

/* Elements. */

static void walk(struct writer *w, const GumboNode *node, int depth);

static const char *attribute(const GumboNode *node, const char *name)
{
    const GumboAttribute *a =
        gumbo_get_attribute(&node->v.element.attributes, name);

    return a ? a->value : NULL;
}

static void walk_children(struct writer *w, const GumboNode *node, int depth)
{
    const GumboVector *all = &node->v.element.children;

    for (unsigned i = 0; i < all->length; i++)
        walk(w, all->data[i], depth + 1);
}

/* Does a style say it, whatever its white space? */
static bool says(const char *style, const char *what)
{
    for (; *style; style++) {
        const char *s = style, *p = what;

        for (; *p && *s; s++) {
            if (*s == ' ')
                continue;
            if ((*s | 0x20) != (*p | 0x20))
                break;
            p++;
        }
        if (!*p)
            return true;
    }
    return false;
}

static bool is_hidden(const GumboNode *node)
{
    const char *style = attribute(node, "style");

    return attribute(node, "hidden") ||
           (style &&
            (says(style, "display:none") || says(style, "visibility:hidden") ||
             says(style, "mso-hide:all")));
}

/* With what its marks stand for. */
static void expand(const struct writer *w, const char *text, struct buf *out)
{
    size_t left = strlen(text);

    buf_add(out, "", 0);
    for (size_t n; left > 0; text += n, left -= n) {
        const struct html_mark *mark = html_mark_at(w->marks, text, left);

        n = mark ? HTML_MARK_BYTES : 1;
        buf_add(out, mark ? mark->at : text, mark ? mark->len : n);
    }
}

/* A link is not said twice, and one that shows nothing not at all. */
static bool is_said(const struct writer *w, size_t start, const char *href)
{
    const char *text = w->out->data ? w->out->data + start : "";
    size_t n = w->out->len - start;
    struct buf full = {0};
    bool said;

    while (n > 0 && strchr(" \n", text[0]))
        text++, n--;
    expand(w, href, &full);
    said = n == 0 ||
           (n <= full.len && memcmp(full.data + full.len - n, text, n) == 0);
    buf_fini(&full);
    return said;
}

static void add_link(struct writer *w, const GumboNode *node, int depth)
{
    const char *href = attribute(node, "href");

    end_word(w);
    size_t start = w->out->len;
    walk_children(w, node, depth);
    end_word(w);
    if (!href || w->hidden || strcspn(href, "#") == 0 ||
        is_said(w, start, href))
        return;
    add_space(w);
    add_bytes(w, "(", 1);
    for (const char *p = href; *p;) {
        size_t left = strlen(p), n = strcspn(p, " \t\r\n");

        if (n == 0) {
            p++;
            continue;
        }
        const struct html_mark *mark = html_mark_at(w->marks, p, left);
        n = mark ? HTML_MARK_BYTES : utf8_char(p, left);
        n = n ? n : 1;
        if (mark)
            add_mark(w, mark);
        else
            add_bytes(w, p, n);
        p += n;
    }
    add_bytes(w, ")", 1);
}

static void add_block(struct writer *w, const GumboNode *node, int depth,
                      int breaks)
{
    add_breaks(w, breaks);
    walk_children(w, node, depth);
    add_breaks(w, breaks);
}

/* With every line of it behind more of a prefix. */
static void add_indented(struct writer *w, const GumboNode *node, int depth,
                         const char *more)
{
    size_t len = strlen(w->prefix);

    add_breaks(w, 2);
    if (len + strlen(more) <= PREFIX_MAX)
        memcpy(w->prefix + len, more, strlen(more) + 1);
    walk_children(w, node, depth);
    end_word(w);
    w->prefix[len] = 0;
    add_breaks(w, 2);
}

static void add_item(struct writer *w, const GumboNode *node, int depth)
{
    const GumboNode *list = node->parent;
    size_t len = strlen(w->prefix), number = 1;
    char bullet[16] = "- ";

    if (list && list->type == GUMBO_NODE_ELEMENT &&
        list->v.element.tag == GUMBO_TAG_OL) {
        for (size_t i = 0; i < node->index_within_parent; i++) {
            const GumboNode *n = list->v.element.children.data[i];

            number += n->type == GUMBO_NODE_ELEMENT;
        }
        snprintf(bullet, sizeof bullet, "%zu. ", number);
    }
    size_t width = strlen(bullet) - 1;

    add_breaks(w, 1);
    if (w->hidden) {
        walk_children(w, node, depth);
        return;
    }
    buf_add(&w->word, bullet, width);
    w->word_width = width;
    end_word(w);
    w->space = true;
    if (len + width + 1 <= PREFIX_MAX) {
        memset(w->prefix + len, ' ', width + 1);
        w->prefix[len + width + 1] = 0;
    }
    walk_children(w, node, depth);
    end_word(w);
    w->prefix[len] = 0;
    add_breaks(w, 1);
}

enum display { INLINE, LINE, PARAGRAPH, NOTHING };

static enum display display_of(GumboTag tag)
{
    static const unsigned char lines[] = {
        GUMBO_TAG_DIV,     GUMBO_TAG_TR,         GUMBO_TAG_SECTION,
        GUMBO_TAG_ARTICLE, GUMBO_TAG_HEADER,     GUMBO_TAG_FOOTER,
        GUMBO_TAG_ADDRESS, GUMBO_TAG_CENTER,     GUMBO_TAG_DT,
        GUMBO_TAG_DD,      GUMBO_TAG_FORM,       GUMBO_TAG_FIELDSET,
        GUMBO_TAG_FIGURE,  GUMBO_TAG_FIGCAPTION, GUMBO_TAG_LI,
        GUMBO_TAG_CAPTION, GUMBO_TAG_MAIN,       GUMBO_TAG_NAV,
        GUMBO_TAG_ASIDE};
    static const unsigned char paragraphs[] = {
        GUMBO_TAG_P,  GUMBO_TAG_H1,        GUMBO_TAG_H2, GUMBO_TAG_H3,
        GUMBO_TAG_H4, GUMBO_TAG_H5,        GUMBO_TAG_H6, GUMBO_TAG_UL,
        GUMBO_TAG_OL, GUMBO_TAG_TABLE,     GUMBO_TAG_DL, GUMBO_TAG_PRE,
        GUMBO_TAG_HR, GUMBO_TAG_BLOCKQUOTE};
    static const unsigned char nothing[] = {
        GUMBO_TAG_HEAD,   GUMBO_TAG_STYLE,    GUMBO_TAG_SCRIPT,
        GUMBO_TAG_TITLE,  GUMBO_TAG_SELECT,   GUMBO_TAG_IFRAME,
        GUMBO_TAG_OBJECT, GUMBO_TAG_TEMPLATE, GUMBO_TAG_SVG,
        GUMBO_TAG_MATH,   GUMBO_TAG_AUDIO,    GUMBO_TAG_VIDEO,
        GUMBO_TAG_CANVAS, GUMBO_TAG_TEXTAREA};

    if (memchr(lines, (int)tag, sizeof lines))
        return LINE;
    if (memchr(paragraphs, (int)tag, sizeof paragraphs))
        return PARAGRAPH;
    return memchr(nothing, (int)tag, sizeof nothing) ? NOTHING : INLINE;
}

/* Only inline content? Most tables in mails are layout, whose cells stand
 * below each other; a row of plain cells is data, and one line. */
static bool is_plain(const GumboNode *node, int *left, int depth)
{
    if (--*left < 0 || depth > HTML_TEXT_DEPTH_MAX)
        return false;
    if (node->type != GUMBO_NODE_ELEMENT)
        return true;
    if (display_of(node->v.element.tag) != INLINE && depth > 0)
        return false;
    for (unsigned i = 0; i < node->v.element.children.length; i++)
        if (!is_plain(node->v.element.children.data[i], left, depth + 1))
            return false;
    return true;
}

static void add_row(struct writer *w, const GumboNode *row, int depth)
{
    const GumboVector *all = &row->v.element.children;
    int left = ROW_NODES_MAX, cells = 0;
    bool plain = is_plain(row, &left, 0);

    add_breaks(w, 1);
    for (unsigned i = 0; i < all->length; i++) {
        const GumboNode *cell = all->data[i];

        end_word(w);
        if (cell->type == GUMBO_NODE_ELEMENT && !plain)
            add_breaks(w, 1);
        else if (cell->type == GUMBO_NODE_ELEMENT && cells++ > 0 &&
                 !w->hidden && w->breaks == 0) {
            add_space(w);
            add_bytes(w, "|", 1);
            add_space(w);
        }
        walk(w, cell, depth + 1);
    }
    add_breaks(w, 1);
}

static void add_shown(struct writer *w, const GumboNode *node, int depth)
{
    const char *alt = attribute(node, "alt");
    GumboTag tag = node->v.element.tag;
    bool was = w->preformatted;
    enum display display = display_of(tag);

    if (tag == GUMBO_TAG_BR) {
        end_word(w);
        w->breaks += w->breaks < 2;
    } else if (tag == GUMBO_TAG_IMG && alt) {
        add_text(w, alt);
    } else if (tag == GUMBO_TAG_HR && !w->hidden) {
        add_breaks(w, 2);
        for (int i = 0; i < 20; i++)
            add_bytes(w, "-", 1);
        add_breaks(w, 2);
    } else if (tag == GUMBO_TAG_A) {
        add_link(w, node, depth);
    } else if (tag == GUMBO_TAG_LI) {
        add_item(w, node, depth);
    } else if (tag == GUMBO_TAG_TR) {
        add_row(w, node, depth);
    } else if (tag == GUMBO_TAG_BLOCKQUOTE) {
        add_indented(w, node, depth, "> ");
    } else if (display == INLINE) {
        walk_children(w, node, depth);
    } else {
        w->preformatted = was || tag == GUMBO_TAG_PRE;
        add_block(w, node, depth, display == LINE ? 1 : 2);
        w->preformatted = was;
    }
}

static void add_element(struct writer *w, const GumboNode *node, int depth)
{
    bool was = w->hidden;

    /* Its tags are kept: a variable may be set there. */
    w->hidden =
        was || is_hidden(node) || display_of(node->v.element.tag) == NOTHING;
    if (w->hidden)
        walk_children(w, node, depth);
    else
        add_shown(w, node, depth);
    w->hidden = was;
}

/* Between items or rows: the empty line stands before a loop, not in it. */
static bool is_list(const GumboNode *node)
{
    static const unsigned char lists[] = {
        GUMBO_TAG_UL,    GUMBO_TAG_OL,    GUMBO_TAG_DL,   GUMBO_TAG_TABLE,
        GUMBO_TAG_TBODY, GUMBO_TAG_THEAD, GUMBO_TAG_TFOOT};

    return node && node->type == GUMBO_NODE_ELEMENT &&
           memchr(lists, (int)node->v.element.tag, sizeof lists);
}

static void add_comment(struct writer *w, const GumboNode *node)
{
    const char *text = node->v.text.text;
    const struct html_mark *mark = html_mark_at(w->marks, text, strlen(text));

    if (!mark || text[HTML_MARK_BYTES] != 0)
        return;
    if (is_list(node->parent) && w->breaks == 2) {
        put(w, "\n", w->started);
        w->breaks = 1;
    }
    add_mark(w, mark);
}

static void walk(struct writer *w, const GumboNode *node, int depth)
{
    if (depth > HTML_TEXT_DEPTH_MAX || w->over)
        return;
    if (node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE)
        add_element(w, node, depth);
    else if (node->type == GUMBO_NODE_COMMENT)
        add_comment(w, node);
    else
        add_text(w, node->v.text.text);
}

static void walk_document(void *arg, const GumboNode *document)
{
    const GumboVector *all = &document->v.document.children;

    for (unsigned i = 0; i < all->length; i++)
        walk(arg, all->data[i], 0);
}

bool html_text(struct buf *out, const char *html, size_t len, bool templates)
{
    struct html_marks marks;
    struct writer w = {
        .out = out, .start = out->len, .marks = &marks, .templates = templates};
    bool ok = len <= HTML_TREE_SOURCE_MAX &&
              html_marks_init(&marks, html, len, templates);

    if (len > HTML_TREE_SOURCE_MAX)
        return false;
    ok = ok && html_tree_parse(marks.html.data ? marks.html.data : "",
                               marks.html.len, walk_document, &w);
    end_word(&w);
    ok = ok && !w.over && out->len > w.start;
    if (ok)
        buf_add_char(out, '\n');
    else
        out->len = w.start;
    buf_fini(&w.word);
    html_marks_fini(&marks);
    return ok;
}
