#include "sign/canon.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* One line without its end: blanks folded, those at the end dropped. Returns
 * the end of what was written, which is no longer than the line. */
static char *relax_line(const char *line, size_t len, char *to)
{
    const char *end = line + len;

    while (end > line && is_blank(end[-1]))
        end--;
    while (line < end) {
        if (!is_blank(*line)) {
            *to++ = *line++;
            continue;
        }
        *to++ = ' ';
        while (is_blank(*line))
            line++;
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
