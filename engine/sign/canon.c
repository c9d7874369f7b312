#include "sign/canon.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* One line without its end: blanks folded, those at the end dropped. */
static void relax_line(const char *line, size_t len, struct buf *out)
{
    while (len > 0 && is_blank(line[len - 1]))
        len--;
    for (size_t i = 0; i < len;) {
        size_t run = i;

        while (run < len && !is_blank(line[run]))
            run++;
        buf_add(out, line + i, run - i);
        if (run == len)
            break;
        buf_add_char(out, ' ');
        while (is_blank(line[run]))
            run++;
        i = run;
    }
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
        size_t before = out->len;

        relax_line(body + skip, text - skip, out);
        bool empty = out->len == before;

        buf_add(out, "\r\n", 2);
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
    bool gap = false, any = false;

    for (size_t i = 0; i < len; i++) {
        if (value[i] == '\r' || value[i] == '\n')
            continue;
        if (is_blank(value[i])) {
            gap = any;
            continue;
        }
        if (gap)
            buf_add_char(out, ' ');
        buf_add_char(out, value[i]);
        gap = false;
        any = true;
    }
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
