#include "bounce/phrase.h"
#include <string.h>

/* A phrase whose pairs of bytes are not all there can't be there: this costs
 * nanoseconds and spares the search for nearly all of hundreds of phrases. */
static unsigned pair_bit(char a, char b)
{
    return ((unsigned)(unsigned char)a * 37 + (unsigned char)b) %
           (PHRASE_PAIR_WORDS * 64);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_blank(unsigned char c)
{
    return c <= ' ' || c == 127;
}

void phrase_fold(struct phrase_text *out, const char *text, size_t len)
{
    size_t n = 0;

    memset(out->pairs, 0, sizeof out->pairs);
    for (size_t i = 0; i < len && n < PHRASE_TEXT_MAX - 1; i++) {
        char c = text[i];
        /* U+2019, the apostrophe of word processors. */
        if (c == '\xe2' && i + 2 < len && text[i + 1] == '\x80' &&
            text[i + 2] == '\x99') {
            c = '\'';
            i += 2;
        }
        if (is_blank((unsigned char)c)) {
            if (n == 0 || out->text[n - 1] == ' ')
                continue;
            c = ' ';
        } else if (c >= 'A' && c <= 'Z') {
            c = (char)(c + ('a' - 'A'));
        }
        out->text[n++] = c;
    }
    if (n && out->text[n - 1] == ' ')
        n--;
    out->text[n] = '\0';
    out->len = n;
    for (size_t i = 1; i < n; i++) {
        unsigned bit = pair_bit(out->text[i - 1], out->text[i]);
        out->pairs[bit / 64] |= UINT64_C(1) << bit % 64;
    }
}

static bool pairs_in(const struct phrase_text *t, const char *s, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        unsigned bit = pair_bit(s[i - 1], s[i]);
        if (!(t->pairs[bit / 64] >> bit % 64 & 1))
            return false;
    }
    return true;
}

/* One piece of a pattern, between two gaps. */
struct piece {
    const char *s;
    size_t len;
    bool open, close; /* stands at the edge of a word */
    const char *rest; /* behind the gap, or NULL */
};

static struct piece cut(const char *pattern)
{
    struct piece p = {.s = pattern};
    const char *gap = strchr(pattern, '*');

    p.len = gap ? (size_t)(gap - pattern) : strlen(pattern);
    p.rest = gap ? gap + 1 : NULL;
    if (p.len && p.s[0] == '~') {
        p.open = true;
        p.s++, p.len--;
    }
    if (p.len && p.s[p.len - 1] == '~') {
        p.close = true;
        p.len--;
    }
    return p;
}

static bool edges_fit(const struct phrase_text *t, const struct piece *p,
                      size_t at)
{
    if (p->open && at > 0 && is_word(t->text[at - 1]))
        return false;
    return !p->close || !is_word(t->text[at + p->len]);
}

/* Does the pattern start somewhere in [from, until)? Tries each place of the
 * first piece; a gap limits how far the next one is looked for. */
static bool search(const struct phrase_text *t, const char *pattern,
                   size_t from, size_t until)
{
    struct piece p = cut(pattern);

    while (from < until && from + p.len <= t->len) {
        const char *hit = memmem(t->text + from, t->len - from, p.s, p.len);
        if (!hit)
            return false;
        size_t at = (size_t)(hit - t->text);
        if (at >= until)
            return false;
        if (edges_fit(t, &p, at)) {
            size_t end = at + p.len;
            if (!p.rest || search(t, p.rest, end, end + PHRASE_GAP_MAX + 1))
                return true;
        }
        from = at + 1;
    }
    return false;
}

bool phrase_in(const struct phrase_text *text, const char *pattern)
{
    struct piece p = cut(pattern);

    while (pairs_in(text, p.s, p.len)) {
        if (!p.rest)
            return search(text, pattern, 0, text->len);
        p = cut(p.rest);
    }
    return false;
}
