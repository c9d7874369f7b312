#include "render/html_marks.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where in the HTML we are, well enough to choose a mark's form. */
enum state { BETWEEN, IN_TAG, IN_COMMENT };

struct scan {
    const char *at, *end;
    enum state state;
    char quote; /* in a tag: of the value we are in, or 0 */
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool starts(const struct scan *s, const char *text)
{
    size_t n = strlen(text);

    return (size_t)(s->end - s->at) >= n && memcmp(s->at, text, n) == 0;
}

/* Bytes of the output or tag that starts here; 0 if it does not end. */
static size_t mark_length(const struct scan *s)
{
    bool tag = starts(s, "{%"), triple = starts(s, "{{{");
    const char *close = tag ? "%}" : triple ? "}}}" : "}}";
    struct scan in = {.at = s->at + 2, .end = s->end};
    char quote = 0;

    for (; in.at < in.end; in.at++) {
        if (!quote && starts(&in, close))
            return (size_t)(in.at - s->at) + strlen(close);
        if (*in.at == quote)
            quote = 0;
        else if (!quote && (*in.at == '"' || *in.at == '\''))
            quote = *in.at;
    }
    return 0;
}

static void add_mark(struct html_marks *m, const struct scan *s, size_t len)
{
    size_t n = m->n;
    const char mark[HTML_MARK_BYTES] = {(char)0xf3, (char)(0xb0 | n >> 12),
                                        (char)(0x80 | (n >> 6 & 0x3f)),
                                        (char)(0x80 | (n & 0x3f))};

    if (n % 64 == 0)
        m->at = memory_resize(m->at, n + 64, sizeof *m->at);
    m->at[m->n++] = (struct html_mark){s->at, len};
    buf_add_text(&m->html, s->state == BETWEEN ? "<!--" : "");
    buf_add(&m->html, mark, sizeof mark);
    buf_add_text(&m->html, s->state == BETWEEN ? "-->" : "");
}

static void step_between(struct scan *s)
{
    if (starts(s, "<!--"))
        s->state = IN_COMMENT;
    else if (*s->at == '<' && s->end - s->at > 1 &&
             (is_letter(s->at[1]) || strchr("/!?", s->at[1])))
        s->state = IN_TAG;
}

static void step_in_tag(struct scan *s)
{
    char c = *s->at;

    if (s->quote && c == s->quote)
        s->quote = 0;
    else if (!s->quote && (c == '"' || c == '\''))
        s->quote = c;
    else if (!s->quote && c == '>')
        s->state = BETWEEN;
}

static void step(struct html_marks *m, struct scan *s)
{
    if (s->state == BETWEEN)
        step_between(s);
    else if (s->state == IN_TAG)
        step_in_tag(s);
    else if (starts(s, "-->"))
        s->state = BETWEEN;
    /* An author's own character of our plane would be taken for a mark. */
    if (starts(s, "\xf3") && s->end - s->at >= HTML_MARK_BYTES &&
        (unsigned char)s->at[1] >= 0xb0) {
        buf_add_text(&m->html, "\xef\xbf\xbd");
        s->at += HTML_MARK_BYTES;
    } else {
        buf_add_char(&m->html, *s->at++);
    }
}

static bool has_body(const struct scan *s)
{
    const char *p = s->at;

    for (; (p = memchr(p, '<', (size_t)(s->end - p))); p++)
        if (s->end - p > 5 && strncasecmp(p + 1, "body", 4) == 0)
            return true;
    return false;
}

bool html_marks_init(struct html_marks *m, const char *source, size_t len,
                     bool templates)
{
    struct scan s = {.at = source, .end = source + len};

    *m = (struct html_marks){0};
    /* Before a body, white space between marks would be lost. */
    if (!has_body(&s))
        buf_add_text(&m->html, "<body>");
    while (s.at < s.end) {
        bool mark = templates && (starts(&s, "{{") || starts(&s, "{%"));
        size_t n = mark ? mark_length(&s) : 0;

        if (n > 0 && m->n == HTML_MARKS_MAX)
            return false;
        if (n > 0) {
            add_mark(m, &s, n);
            s.at += n;
        } else {
            step(m, &s);
        }
    }
    return true;
}

void html_marks_fini(struct html_marks *m)
{
    buf_fini(&m->html);
    free(m->at);
    *m = (struct html_marks){0};
}

const struct html_mark *html_mark_at(const struct html_marks *m, const char *p,
                                     size_t left)
{
    size_t n;

    if (left < HTML_MARK_BYTES || (unsigned char)p[0] != 0xf3 ||
        (unsigned char)p[1] < 0xb0)
        return NULL;
    n = ((size_t)p[1] & 0xf) << 12 | ((size_t)p[2] & 0x3f) << 6 |
        ((size_t)p[3] & 0x3f);
    return n < m->n ? &m->at[n] : NULL;
}

size_t html_mark_length(const char *p, size_t left)
{
    const struct scan s = {.at = p, .end = p + left};

    return starts(&s, "{{") || starts(&s, "{%") ? mark_length(&s) : 0;
}
