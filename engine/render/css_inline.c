#include "render/css_inline.h"
#include "base/memory.h"
#include "render/css_match.h"
#include "render/html_marks.h"
#include "render/html_tree.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bytes of the marked HTML that are replaced by others. */
struct edit {
    const char *at, *end;
    size_t from, len; /* in texts */
};

struct inliner {
    struct html_marks marks;
    struct arena arena;
    struct css_sheet sheet;
    struct edit *edits;
    size_t n_edits, edits_cap;
    struct buf texts;
    const GumboNode *sheets[CSS_INLINE_SHEETS_MAX]; /* that were read */
    size_t n_sheets, steps;
    bool removes;      /* no HTML comes in that is not to be seen here */
    const char *limit; /* NULL: none was met */
};

/* Edits. */

static struct edit *add_edit(struct inliner *in, const char *at,
                             const char *end)
{
    if (in->n_edits == in->edits_cap) {
        in->edits_cap = in->edits_cap ? 2 * in->edits_cap : 64;
        in->edits = memory_resize(in->edits, in->edits_cap, sizeof *in->edits);
    }
    struct edit *e = &in->edits[in->n_edits++];

    *e = (struct edit){at, end, in->texts.len, 0};
    return e;
}

static int by_place(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;

    return x->at != y->at ? (x->at > y->at) - (x->at < y->at)
                          : (x->from > y->from) - (x->from < y->from);
}

/* The tree. */

static const GumboNode *next_node(const GumboNode *n, const GumboNode *root)
{
    bool parent = n->type == GUMBO_NODE_ELEMENT ||
                  n->type == GUMBO_NODE_DOCUMENT ||
                  n->type == GUMBO_NODE_TEMPLATE;
    const GumboVector *children = n->type == GUMBO_NODE_DOCUMENT
                                      ? &n->v.document.children
                                      : &n->v.element.children;

    if (parent && children->length > 0)
        return children->data[0];
    while (n != root) {
        size_t at = n->index_within_parent + 1;
        const GumboNode *up = n->parent;
        const GumboVector *all = up->type == GUMBO_NODE_DOCUMENT
                                     ? &up->v.document.children
                                     : &up->v.element.children;

        if (at < all->length)
            return all->data[at];
        n = up;
    }
    return NULL;
}

static const char *attribute(const GumboNode *n, const char *name)
{
    const GumboAttribute *a =
        gumbo_get_attribute(&n->v.element.attributes, name);

    return a ? a->value : NULL;
}

/* Style sheets. */

static bool begins(const struct html_mark *m, const char *word)
{
    const char *p = m->at + 2, *end = m->at + m->len;
    size_t n = strlen(word);

    p += p < end && *p == '-';
    while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
        p++;
    return (size_t)(end - p) > n && memcmp(p, word, n) == 0 &&
           !(p[n] >= 'a' && p[n] <= 'z');
}

/* Is what the tags before p open still open? A capture shows what it holds. */
static bool is_conditional(const struct inliner *in, const char *until)
{
    static const char *const blocks[] = {"if",  "unless",   "case",    "for",
                                         "raw", "tablerow", "comment", "doc"};
    const char *p = in->marks.html.data;
    char end[16];
    int depth = 0;

    for (; p < until; p++) {
        const struct html_mark *m =
            html_mark_at(&in->marks, p, (size_t)(until - p));

        for (size_t i = 0; m && i < sizeof blocks / sizeof *blocks; i++) {
            snprintf(end, sizeof end, "end%s", blocks[i]);
            if (m->at[1] == '%')
                depth += begins(m, blocks[i]) - begins(m, end);
        }
    }
    return depth > 0;
}

static bool has_tag(const struct inliner *in, GumboStringPiece text)
{
    const char *end = text.data + text.length;

    for (const char *p = text.data; p < end; p++) {
        const struct html_mark *m =
            html_mark_at(&in->marks, p, (size_t)(end - p));

        if (m && m->at[1] == '%')
            return true;
    }
    return false;
}

static bool is_for_screens(const char *media)
{
    return !media || !*media || strcasecmp(media, "all") == 0 ||
           strcasecmp(media, "screen") == 0;
}

static const GumboStringPiece *style_text(const GumboNode *style)
{
    const GumboVector *children = &style->v.element.children;
    const GumboNode *child = children->length == 1 ? children->data[0] : NULL;

    if (!child || (child->type != GUMBO_NODE_TEXT &&
                   child->type != GUMBO_NODE_WHITESPACE))
        return NULL;
    return &child->v.text.original_text;
}

static void read_style(struct inliner *in, const GumboNode *style)
{
    const GumboStringPiece *text = style_text(style);
    const char *off = attribute(style, "data-inline");

    if (!text || (off && strcasecmp(off, "off") == 0) ||
        !is_for_screens(attribute(style, "media")) || has_tag(in, *text) ||
        is_conditional(in, text->data))
        return;
    if (in->n_sheets == CSS_INLINE_SHEETS_MAX ||
        !css_parse(&in->sheet, &in->arena, text->data, text->length))
        in->limit = "rules, selectors or declarations in <style>";
    else
        in->sheets[in->n_sheets++] = style;
}

/* Elements. */

struct found {
    const struct css_declaration *declaration;
    unsigned specificity;
    size_t order;
};

static int by_cascade(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    if (x->specificity != y->specificity)
        return x->specificity < y->specificity ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static bool same_name(const struct css_declaration *a,
                      const struct css_declaration *b)
{
    return a->name.len == b->name.len &&
           strncasecmp(a->name.at, b->name.at, a->name.len) == 0;
}

static void write_value(struct buf *out, struct css_text value, char quote)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];

        if (c == '&')
            buf_add_text(out, "&amp;");
        else if (c != quote)
            buf_add_char(out, c);
        else if (quote == '"' && !memchr(value.at, '\'', value.len))
            buf_add_char(out, '\''); /* as good in CSS */
        else
            buf_add_text(out, quote == '"' ? "&quot;" : "&#39;");
    }
}

/* Those of the cascade that are (not) important, each property once; of one
 * that is there twice, the last counts and stands last. */
static void write_found(struct buf *out, const struct found *found, size_t n,
                        bool important, char quote)
{
    for (size_t i = 0; i < n; i++) {
        const struct css_declaration *d = found[i].declaration;
        bool beaten = d->important != important;

        for (size_t k = i + 1; k < n && !beaten; k++)
            beaten = found[k].declaration->important == important &&
                     same_name(d, found[k].declaration);
        if (beaten)
            continue;
        char last = out->len ? out->data[out->len - 1] : 0;
        if (last == ';')
            buf_add_char(out, ' ');
        buf_add(out, d->name.at, d->name.len);
        buf_add_text(out, ": ");
        write_value(out, d->value, quote);
        buf_add_char(out, ';');
    }
}

enum { FOUND_MAX = 500 }; /* declarations of one element */

static size_t collect(struct inliner *in, const GumboNode *n,
                      struct found found[FOUND_MAX])
{
    size_t count = 0, order = 0;

    for (struct css_selector *s = in->sheet.selectors; s && !in->limit;
         s = s->next, order++) {
        if (!css_match(s, n, &in->steps))
            continue;
        s->matched = true;
        for (const struct css_declaration *d = s->rule->declarations; d;
             d = d->next) {
            if (count == FOUND_MAX) {
                in->limit = "declarations for one element";
                break;
            }
            found[count++] = (struct found){d, s->specificity, order};
        }
    }
    css_spend(&in->steps, count * count / 16);
    if (in->steps == 0)
        in->limit = "elements to compare with selectors";
    return count;
}

/* The style that the author gave it, without its quotes. */
static GumboStringPiece own_style(const GumboAttribute *a, char *quote)
{
    GumboStringPiece own = a->original_value;

    *quote = '"';
    if (own.length >= 2 && (own.data[0] == '"' || own.data[0] == '\'')) {
        *quote = own.data[0];
        own.data++;
        own.length -= 2;
    }
    return own;
}

static void write_style(struct inliner *in, const GumboNode *n,
                        const struct found *found, size_t count)
{
    const GumboElement *e = &n->v.element;
    const GumboAttribute *a = gumbo_get_attribute(&e->attributes, "style");
    GumboStringPiece own = {0}, tag = e->original_tag;
    struct buf *out = &in->texts;
    char quote = '"';
    const char *at;

    gumbo_tag_from_original_text(&tag);
    at = tag.data + tag.length;
    bool valued = a && a->original_value.data != a->original_name.data;
    if (valued)
        own = own_style(a, &quote);
    if (a)
        at = a->original_value.data;
    struct edit *edit =
        add_edit(in, at, at + (a ? a->original_value.length : 0));
    size_t start = out->len;

    buf_add_text(out, valued ? "" : a ? "style=" : " style=");
    buf_add_char(out, quote);
    write_found(out, found, count, false, quote);
    if (own.length > 0 && out->data[out->len - 1] == ';')
        buf_add_char(out, ' ');
    buf_add(out, own.data ? own.data : "", own.length);
    if (own.length > 0 && out->data[out->len - 1] != ';')
        buf_add_char(out, ';');
    write_found(out, found, count, true, quote);
    if (out->data[out->len - 1] == ';' && own.length == 0)
        out->len--;
    buf_add_char(out, quote);
    edit->len = out->len - start;
    if (out->len > CSS_INLINE_BYTES_MAX)
        in->limit = "bytes of inlined CSS";
}

/* What nobody sees needs no style. */
static bool takes_style(const GumboNode *n)
{
    static const GumboTag unseen[] = {
        GUMBO_TAG_HEAD,  GUMBO_TAG_META,   GUMBO_TAG_LINK, GUMBO_TAG_TITLE,
        GUMBO_TAG_STYLE, GUMBO_TAG_SCRIPT, GUMBO_TAG_BASE};

    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        if (n->v.element.tag == unseen[i])
            return false;
    return n->v.element.original_tag.length > 0;
}

static void style_element(struct inliner *in, const GumboNode *n)
{
    struct found found[FOUND_MAX];
    size_t count = collect(in, n, found);

    if (count == 0 || in->limit)
        return;
    qsort(found, count, sizeof *found, by_cascade);
    write_style(in, n, found, count);
}

/* What has been put into attributes leaves its sheet. */

static bool is_used_up(const struct inliner *in, const struct css_rule *rule)
{
    size_t matched = 0;

    for (const struct css_selector *s = in->sheet.selectors; s; s = s->next)
        matched += s->rule == rule && s->matched;
    return rule->whole && matched == rule->n_selectors;
}

static const char *behind_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
        p++;
    return p;
}

static void remove_rules(struct inliner *in)
{
    const char *end = in->marks.html.data + in->marks.html.len;
    size_t looked = in->sheet.n_rules * in->sheet.n_selectors;

    if (!in->removes || looked > CSS_INLINE_STEPS_MAX)
        return;
    for (const struct css_rule *rule = in->sheet.rules; rule; rule = rule->next)
        if (is_used_up(in, rule))
            add_edit(in, rule->at, behind_space(rule->end, end));
}

static void work(void *arg, const GumboNode *document)
{
    struct inliner *in = arg;

    for (const GumboNode *n = document; n && !in->limit;
         n = next_node(n, document))
        if (n->type == GUMBO_NODE_ELEMENT &&
            n->v.element.tag == GUMBO_TAG_STYLE)
            read_style(in, n);
    for (const GumboNode *n = document; n && !in->limit;
         n = next_node(n, document))
        if (n->type == GUMBO_NODE_ELEMENT && takes_style(n) &&
            in->sheet.selectors)
            style_element(in, n);
    if (!in->limit)
        remove_rules(in);
}

/* The result. */

/* May its templates bring in HTML that is not to be seen in the source? */
static bool brings_html(const struct html_marks *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct html_mark *mark = &m->at[i];
        bool tag = mark->at[1] == '%';

        if (tag ? begins(mark, "render") || begins(mark, "include") ||
                      begins(mark, "liquid")
                : memmem(mark->at, mark->len, "raw", 3) != NULL)
            return true;
    }
    return false;
}

/* Walks the source beside the marked HTML, which says where the edits are. */
struct walk {
    const struct inliner *in;
    const char *source, *source_end;
    const char *at, *end;
    struct buf *out;
    bool off; /* within what an edit replaces */
};

static void put(struct walk *w, size_t source_bytes, size_t marked_bytes)
{
    if (!w->off)
        buf_add(w->out, w->source, source_bytes);
    w->source += source_bytes;
    w->at += marked_bytes;
}

static void walk_one(struct walk *w)
{
    size_t left = (size_t)(w->end - w->at);
    bool comment =
        left > 4 && memcmp(w->at, "<!--", 4) == 0 && *w->source != '<';
    const struct html_mark *m = html_mark_at(
        &w->in->marks, w->at + (comment ? 4 : 0), left - (comment ? 4 : 0));

    if (m && m->at == w->source)
        put(w, m->len, HTML_MARK_BYTES + (comment ? 7 : 0));
    else if ((unsigned char)*w->source == 0xf3 && (unsigned char)*w->at == 0xef)
        put(w, HTML_MARK_BYTES, 3);
    else
        put(w, 1, 1);
}

/* A mark of an inlined value is what it stands for. */
static void put_text(struct walk *w, const struct edit *e)
{
    const char *p = e->len ? w->in->texts.data + e->from : "";
    const char *end = p + e->len;

    while (p < end) {
        const struct html_mark *m =
            html_mark_at(&w->in->marks, p, (size_t)(end - p));

        buf_add(w->out, m ? m->at : p, m ? m->len : 1);
        p += m ? HTML_MARK_BYTES : 1;
    }
}

static void write_all(struct walk *w)
{
    const struct inliner *in = w->in;
    const char *done = w->at;

    for (size_t i = 0; i < in->n_edits; i++) {
        const struct edit *e = &in->edits[i];

        /* A tag that the parser made several elements of is edited once. */
        if (e->at < done || (i > 0 && e->at == in->edits[i - 1].at))
            continue;
        while (w->at < e->at)
            walk_one(w);
        put_text(w, e);
        w->off = true;
        while (w->at < e->end)
            walk_one(w);
        w->off = false;
        done = w->at;
    }
    while (w->at < w->end)
        walk_one(w);
}

static void write_result(struct inliner *in, const char *html, size_t len,
                         struct buf *out)
{
    static const char added[] = "<body>";
    struct walk w = {in,   html, html + len, in->marks.html.data,
                     NULL, out,  false};

    w.end = w.at + in->marks.html.len;
    if (len < sizeof added || strncasecmp(html, added, sizeof added - 1) != 0)
        if (in->marks.html.len >= sizeof added - 1 &&
            memcmp(w.at, added, sizeof added - 1) == 0)
            w.at += sizeof added - 1;
    if (in->n_edits > 0)
        qsort(in->edits, in->n_edits, sizeof *in->edits, by_place);
    write_all(&w);
}

enum status css_inline(const char *html, size_t len, bool templates,
                       struct buf *out, struct error *err)
{
    struct inliner *in = memory_new(1, sizeof *in);

    in->steps = CSS_INLINE_STEPS_MAX;
    css_init(&in->sheet);
    if (!html_marks_init(&in->marks, html, len, templates))
        in->limit = "outputs and tags";
    in->removes = !brings_html(&in->marks);
    if (!in->limit &&
        !html_tree_parse(in->marks.html.data, in->marks.html.len, work, in) &&
        !in->limit)
        in->limit = "bytes, depth or time of parsing";
    if (!in->limit)
        write_result(in, html, len, out);
    enum status st =
        in->limit ? fail(err, STATUS_TOO_BIG,
                         "the CSS can't be inlined: too many %s", in->limit)
                  : STATUS_OK;
    html_marks_fini(&in->marks);
    arena_fini(&in->arena);
    free(in->edits);
    buf_fini(&in->texts);
    free(in);
    return st;
}
