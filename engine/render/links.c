#include "render/links.h"
#include "base/bug.h"
#include "base/memory.h"
#include "mail/token.h"
#include "render/html_marks.h"
#include "render/html_tree.h"
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* A mark: MARK, a letter, the link's number in four digits, the nonce, END. Of
 * a pair the first stands before what a template writes. Whoever could make up
 * a mark could have us sign a target of his own. */
#define MARK '\x01'
#define END '\x02'
enum {
    MARK_CONSTANT = 'C',
    MARK_WRITTEN = 'W',
    MARK_DONE = 'D',
    MARK_PIXEL = 'P'
};
enum { MARK_DIGITS = 4, MARK_LEN = 3 + MARK_DIGITS + LINKS_NONCE_LEN };

/* ---- Finding ---- */

struct finder {
    struct links *links;
    const char *source, *masked;
    size_t len;
};

/* The same bytes with each output and tag of the template made harmless, so
 * that places in both are the same. */
static char *mask(const char *source, size_t len, bool templates)
{
    char *masked = text_copy_n(source, len);

    for (size_t at = 0; templates && at < len;) {
        size_t n = html_mark_length(source + at, len - at);

        if (n > 0)
            memset(masked + at, 'x', n);
        at += n > 0 ? n : 1;
    }
    return masked;
}

static bool is_http(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 ||
           strncasecmp(url, "https://", 8) == 0;
}

/* The attribute's value without its quotes; false if it is not in the source.
 */
static bool value_place(const struct finder *f, const GumboAttribute *a,
                        size_t *start, size_t *end)
{
    const char *from = a->original_value.data;
    size_t len = a->original_value.length;

    if (!from || len == 0 || from < f->masked ||
        from + len > f->masked + f->len)
        return false;
    if (len >= 2 && (*from == '"' || *from == '\''))
        from++, len -= 2;
    *start = (size_t)(from - f->masked);
    *end = *start + len;
    return true;
}

static bool is_off(const GumboElement *e)
{
    const GumboAttribute *a = gumbo_get_attribute(&e->attributes, "data-track");

    return a && strcasecmp(a->value, "off") == 0;
}

static void add(struct finder *f, const GumboElement *e)
{
    const GumboAttribute *a = gumbo_get_attribute(&e->attributes, "href");
    struct links *l = f->links;
    size_t start, end;

    if (!a || l->n == LINKS_MAX || is_off(e) ||
        !value_place(f, a, &start, &end))
        return;
    bool written =
        memcmp(f->source + start, f->masked + start, end - start) != 0;

    if (!written && (!is_http(a->value) || strlen(a->value) > LINKS_TARGET_MAX))
        return;
    if (l->n % 64 == 0)
        l->all = memory_resize(l->all, l->n + 64, sizeof *l->all);
    l->all[l->n++] = (struct link){
        .start = start,
        .end = end,
        .url = written ? NULL : text_copy(a->value),
        .raw = text_copy_n(f->source + start, end - start),
    };
}

static const GumboVector *children_of(const GumboNode *node)
{
    switch (node->type) {
    case GUMBO_NODE_DOCUMENT: return &node->v.document.children;
    case GUMBO_NODE_ELEMENT:
    case GUMBO_NODE_TEMPLATE: return &node->v.element.children;
    case GUMBO_NODE_TEXT:
    case GUMBO_NODE_CDATA:
    case GUMBO_NODE_COMMENT:
    case GUMBO_NODE_WHITESPACE: break;
    }
    return NULL;
}

/* The node behind this one and all below it; NULL at the end. */
static const GumboNode *behind(const GumboNode *node)
{
    for (; node->parent; node = node->parent) {
        const GumboVector *all = children_of(node->parent);
        size_t next = node->index_within_parent + 1;

        if (next < all->length)
            return all->data[next];
    }
    return NULL;
}

/* Without recursion: a tree may be as deep as it likes. */
static void walk(void *arg, const GumboNode *document)
{
    const GumboNode *node = document;

    while (node) {
        const GumboVector *all = children_of(node);

        if (node->type == GUMBO_NODE_ELEMENT &&
            (node->v.element.tag == GUMBO_TAG_A ||
             node->v.element.tag == GUMBO_TAG_AREA))
            add(arg, &node->v.element);
        node = all && all->length > 0 ? all->data[0] : behind(node);
    }
}

static void link_fini(struct link *l)
{
    free(l->url);
    free(l->raw);
}

static int by_place(const void *a, const void *b)
{
    const struct link *x = a, *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

/* A parser repeats elements that are closed in the wrong order. */
static void sort(struct links *l)
{
    size_t n = 0;

    if (l->n > 1)
        qsort(l->all, l->n, sizeof *l->all, by_place);
    for (size_t i = 0; i < l->n; i++) {
        if (n > 0 && l->all[i].start < l->all[n - 1].end)
            link_fini(&l->all[i]);
        else
            l->all[n++] = l->all[i];
    }
    l->n = n;
}

static size_t pixel_place(const char *masked, size_t len)
{
    for (size_t at = len; at-- > 0;)
        if (masked[at] == '<' && len - at > 6 &&
            strncasecmp(masked + at, "</body", 6) == 0)
            return at;
    return len;
}

static void draw_nonce(char nonce[static LINKS_NONCE_LEN + 1])
{
    uint32_t drawn;

    if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn)
        BUG("no random bytes");
    snprintf(nonce, LINKS_NONCE_LEN + 1, "%08x", (unsigned)drawn);
}

bool links_find(struct links *l, const char *source, size_t len, bool templates)
{
    char *masked;
    bool ok;

    *l = (struct links){.pixel_at = len};
    draw_nonce(l->nonce);
    if (memchr(source, MARK, len) || memchr(source, END, len))
        return false;
    masked = mask(source, len, templates);
    struct finder f = {l, source, masked, len};

    ok = html_tree_parse(masked, len, walk, &f);
    if (ok) {
        sort(l);
        l->pixel_at = pixel_place(masked, len);
    } else {
        links_fini(l);
    }
    free(masked);
    return ok;
}

void links_fini(struct links *l)
{
    for (size_t i = 0; i < l->n; i++)
        link_fini(&l->all[i]);
    free(l->all);
    *l = (struct links){0};
}

/* ---- Marking ---- */

static void add_mark(const struct links *l, struct buf *out, char kind,
                     size_t number)
{
    buf_addf(out, "%c%c%0*zu%s%c", MARK, kind, MARK_DIGITS, number, l->nonce,
             END);
}

void links_mark(const struct links *l, const char *source, size_t len,
                struct buf *out)
{
    size_t at = 0;

    for (size_t i = 0; i <= l->n; i++) {
        size_t start = i < l->n ? l->all[i].start : len;

        if (at <= l->pixel_at && l->pixel_at <= start) {
            buf_add(out, source + at, l->pixel_at - at);
            add_mark(l, out, MARK_PIXEL, 0);
            at = l->pixel_at;
        }
        buf_add(out, source + at, start - at);
        if (i == l->n)
            break;
        at = l->all[i].end;
        if (l->all[i].url) {
            add_mark(l, out, MARK_CONSTANT, i);
        } else {
            add_mark(l, out, MARK_WRITTEN, i);
            buf_add(out, source + start, at - start);
            add_mark(l, out, MARK_DONE, i);
        }
    }
}

/* ---- Filling ---- */

struct filling {
    const struct links *links;
    const struct links_track *track;
    struct buf *out;
    char target[LINKS_TARGET_MAX + 1];
};

static void add_token(struct filling *f, enum token_purpose purpose,
                      size_t number, const char *target, size_t target_len)
{
    const struct token token = {f->track->mail, purpose, (unsigned)number};
    char text[TOKEN_TEXT_MAX];

    token_text(f->track->secret, &token, target, target_len, text);
    buf_add(f->out, text, TOKEN_TEXT_LEN);
}

static void add_constant(struct filling *f, size_t number)
{
    if (!f->track->clicks || !f->track->public_url[0]) {
        const struct link *link = &f->links->all[number];

        buf_add(f->out, link->raw, link->end - link->start);
        return;
    }
    buf_add_text(f->out, f->track->public_url);
    buf_add_text(f->out, "/c/");
    add_token(f, TOKEN_CLICK, number, NULL, 0);
}

/* ---- What a browser makes of an attribute's text (HTML, 13.2.5.72) ---- */

enum { REFERENCE_UNKNOWN = -1, CODE_POINT_MAX = 0x10ffff };

static size_t utf8_write(unsigned long c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* "&#38;", "&#x26;": the bytes used. What browsers mend is left to them: from
 * 128 to 159 they read another alphabet. */
static long numeric(const char *p, size_t left, char out[4], size_t *n)
{
    int base = left > 2 && (p[2] == 'x' || p[2] == 'X') ? 16 : 10;
    size_t at = base == 16 ? 3 : 2, from = at;
    unsigned long c = 0;

    for (; at < left && isxdigit((unsigned char)p[at]) &&
           (base == 16 || isdigit((unsigned char)p[at])) && at - from < 7;
         at++) {
        int digit = tolower((unsigned char)p[at]);

        c = c * (unsigned)base +
            (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    if (at == from || at == left || p[at] != ';' || c <= ' ' ||
        (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000) ||
        c > CODE_POINT_MAX)
        return REFERENCE_UNKNOWN;
    *n = utf8_write(c, out);
    return (long)at + 1;
}

/* The reference at p, which is an ampersand: the bytes used, 0 if it stands for
 * itself. REFERENCE_UNKNOWN: better not touched. */
static long reference(const char *p, size_t left, char out[4], size_t *n)
{
    static const struct {
        const char *name;
        char c;
    } names[] = {{"amp", '&'},    {"lt", '<'},    {"gt", '>'},
                 {"quot", '"'},   {"apos", '\''}, {"sol", '/'},
                 {"equals", '='}, {"quest", '?'}, {"num", '#'}};
    size_t len = 0;

    if (left > 1 && p[1] == '#')
        return numeric(p, left, out, n);
    while (len + 1 < left && isalnum((unsigned char)p[len + 1]))
        len++;
    /* "&copy=1" is no reference there, and a single letter never is one. */
    if (len < 2 || (len + 1 < left && p[len + 1] == '='))
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == len &&
            memcmp(names[i].name, p + 1, len) == 0 && len + 1 < left &&
            p[len + 1] == ';') {
            out[0] = names[i].c;
            *n = 1;
            return (long)len + 2;
        }
    return REFERENCE_UNKNOWN;
}

/* -1: too long, no URL, or beyond what is understood here. */
static long decode(const char *text, size_t len, char *out)
{
    size_t n = 0;

    for (size_t at = 0; at < len;) {
        char c[4] = {text[at]};
        size_t written = 1;
        long used =
            text[at] == '&' ? reference(text + at, len - at, c, &written) : 0;

        if (used < 0 || n + written > LINKS_TARGET_MAX ||
            (unsigned char)c[0] <= ' ')
            return -1;
        memcpy(out + n, c, written);
        n += written;
        at += used ? (size_t)used : 1;
    }
    out[n] = 0;
    return (long)n;
}

/* Our own links (unsubscribing) are left alone. */
static bool is_ours(const struct filling *f)
{
    size_t len = strlen(f->track->public_url);

    return strncmp(f->target, f->track->public_url, len) == 0 &&
           strncmp(f->target + len, "/u/", 3) == 0;
}

static void add_written(struct filling *f, size_t number, const char *text,
                        size_t len)
{
    long n;

    if (!f->track->clicks || !f->track->public_url[0] ||
        (n = decode(text, len, f->target)) < 0 || !is_http(f->target) ||
        is_ours(f)) {
        buf_add(f->out, text, len);
        return;
    }
    buf_add_text(f->out, f->track->public_url);
    buf_add_text(f->out, "/c/");
    add_token(f, TOKEN_CLICK_TARGET, number, f->target, (size_t)n);
    buf_add_text(f->out, "?u=");
    char encoded[(LINKS_TARGET_MAX * 4 + 2) / 3];

    buf_add(f->out, encoded, token_base64(f->target, (size_t)n, encoded));
}

static void add_pixel(struct filling *f)
{
    if (!f->track->opens || !f->track->public_url[0])
        return;
    buf_add_text(f->out, "<img src=\"");
    buf_add_text(f->out, f->track->public_url);
    buf_add_text(f->out, "/o/");
    add_token(f, TOKEN_OPEN, 0, NULL, 0);
    buf_add_text(
        f->out, ".gif\" width=\"1\" height=\"1\" alt=\"\" style=\"border:0\">");
}

/* The mark at p: its letter, or 0 if it is none. */
static char mark_at(const struct filling *f, const char *p, size_t left,
                    size_t *number)
{
    *number = 0;
    if (left < MARK_LEN || p[0] != MARK || p[MARK_LEN - 1] != END ||
        memcmp(p + 2 + MARK_DIGITS, f->links->nonce, LINKS_NONCE_LEN) != 0)
        return 0;
    for (int i = 2; i < 2 + MARK_DIGITS; i++) {
        if (p[i] < '0' || p[i] > '9')
            return 0;
        *number = *number * 10 + (size_t)(p[i] - '0');
    }
    if (p[1] == MARK_PIXEL)
        return p[1];
    if (*number >= f->links->n)
        return 0;
    bool written = !f->links->all[*number].url;

    if (p[1] == MARK_CONSTANT)
        return written ? 0 : p[1];
    return written && (p[1] == MARK_WRITTEN || p[1] == MARK_DONE) ? p[1] : 0;
}

/* From a mark before what was written to the one behind it: the bytes used. */
static size_t fill_written(struct filling *f, size_t number, const char *p,
                           size_t left)
{
    const char *from = p + MARK_LEN;
    size_t rest = left - MARK_LEN, other;
    const char *to = memchr(from, MARK, rest);

    if (!to || mark_at(f, to, rest - (size_t)(to - from), &other) != MARK_DONE)
        return MARK_LEN; /* left out by a {% break %}: it is no link then */
    add_written(f, number, from, (size_t)(to - from));
    return MARK_LEN + (size_t)(to - from) + MARK_LEN;
}

static size_t fill_mark(struct filling *f, const char *p, size_t left)
{
    size_t number;

    switch (mark_at(f, p, left, &number)) {
    case MARK_CONSTANT: add_constant(f, number); return MARK_LEN;
    case MARK_PIXEL: add_pixel(f); return MARK_LEN;
    case MARK_WRITTEN: return fill_written(f, number, p, left);
    case MARK_DONE: return MARK_LEN;
    default: return 1; /* a control character of some variable: dropped */
    }
}

void links_fill(const struct links *l, const struct links_track *track,
                const char *rendered, size_t len, struct buf *out)
{
    struct filling f = {.links = l, .track = track, .out = out};
    const char *end = rendered + len;

    for (const char *p = rendered; p < end;) {
        const char *mark = memchr(p, MARK, (size_t)(end - p));

        if (!mark) {
            buf_add(out, p, (size_t)(end - p));
            return;
        }
        buf_add(out, p, (size_t)(mark - p));
        p = mark + fill_mark(&f, mark, (size_t)(end - mark));
    }
}
