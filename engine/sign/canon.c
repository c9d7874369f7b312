#include "sign/canon.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Non-zero if a byte of w is a tab, or one after another are spaces. Only a
 * byte below 0x21 beside them can be taken for one that isn't. */
static uint64_t folds(uint64_t w)
{
    uint64_t tab = w ^ EACH('\t'), space = w ^ EACH(' ');
    uint64_t tabs = (tab - EACH(1)) & ~tab & EACH(0x80);
    uint64_t spaces = (space - EACH(1)) & ~space & EACH(0x80);

    return tabs | (spaces & spaces << 8);
}

/* Copies whole words that stay as they are. Room is for all of the line. */
static size_t copy_plain(const char *line, size_t len, char *to)
{
    size_t at = 0;

    for (uint64_t word; at + sizeof word <= len; at += sizeof word) {
        memcpy(&word, line + at, sizeof word);
        if (folds(word) || (at > 0 && line[at - 1] == ' ' && line[at] == ' '))
            break;
        memcpy(to + at, &word, sizeof word);
    }
    return at;
}

/* One line without its end: blanks folded, those at the end dropped. Returns
 * the end of what was written, which is no longer than the line. */
static char *relax_line(const char *line, size_t len, char *to)
{
    const char *end = line + len;

    while (end > line && is_blank(end[-1]))
        end--;
    while (line < end) {
        size_t n = copy_plain(line, (size_t)(end - line), to);

        line += n;
        to += n;
        if (n > 0 && line[-1] == ' ')
            while (is_blank(*line))
                line++;
        for (int i = 0; i < 8 && line < end; i++) {
            if (!is_blank(*line)) {
                *to++ = *line++;
                continue;
            }
            *to++ = ' ';
            while (is_blank(*line))
                line++;
        }
    }
    return to;
}

void canon_body(const char *body, size_t len, bool stuffed, struct buf *out)
{
    size_t start = out->len, solid = start;

    while (len > 0) {
        const char *lf = memchr(body, '\n', len);
        size_t all = lf ? (size_t)(lf - body) + 1 : len;
        size_t text = lf ? all - 1 : all;
        size_t skip = stuffed && body[0] == '.' ? 1 : 0;

        if (text > 0 && body[text - 1] == '\r')
            text--;
        /* One check for room a line, not one a byte: bodies are long. */
        char *to = buf_reserve(out, text + 2);
        char *end = relax_line(body + skip, text - skip, to);
        bool empty = end == to;

        *end++ = '\r';
        *end++ = '\n';
        out->len += (size_t)(end - to);
        if (!empty)
            solid = out->len;
        body += all;
        len -= all;
    }
    out->len = solid;
    if (out->data)
        out->data[out->len] = 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* The value on one line: line ends go, blanks fold, none at either end. */
static void relax_value(const char *value, size_t len, struct buf *out)
{
    char *start = buf_reserve(out, len), *to = start;
    bool gap = false;

    for (size_t i = 0; i < len; i++) {
        if (value[i] == '\r' || value[i] == '\n')
            continue;
        if (is_blank(value[i])) {
            gap = to > start;
            continue;
        }
        if (gap)
            *to++ = ' ';
        *to++ = value[i];
        gap = false;
    }
    out->len += (size_t)(to - start);
}

void canon_header(const char *field, size_t len, struct buf *out)
{
    const char *colon = memchr(field, ':', len);
    size_t name = colon ? (size_t)(colon - field) : len;

    for (size_t i = 0; i < name; i++)
        if (!is_blank(field[i]) && field[i] != '\r' && field[i] != '\n')
            buf_add_char(out, lower(field[i]));
    buf_add_char(out, ':');
    if (colon)
        relax_value(colon + 1, len - name - 1, out);
    buf_add(out, "\r\n", 2);
}
