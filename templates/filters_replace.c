#include "base/utf8.h"
#include "templates/filter.h"
#include <string.h>

/* As Ruby's sub and gsub: \\ in the replacement is a backslash, \0 and \& are
 * what was found, other numbers are nothing. */
static void put_replacement(struct buf *out, const struct value *by,
                            const struct value *found)
{
    for (size_t i = 0; i < by->len; i++) {
        char c = by->text[i], next = i + 1 < by->len ? by->text[i + 1] : 0;

        if (c != '\\' || !next || !strchr("\\0123456789&", next)) {
            buf_add_char(out, c);
            continue;
        }
        if (next == '\\')
            buf_add_char(out, next);
        else if (next == '0' || next == '&')
            buf_add(out, found->text, found->len);
        i++;
    }
}

static bool has_room(struct run *r)
{
    if (r->out->len - r->start > TEMPLATE_OUTPUT_MAX)
        run_limit(r, "bytes of output", TEMPLATE_OUTPUT_MAX);
    return r->status == STATUS_OK;
}

/* An empty text stands before each character, and at the end. */
static void replace_nothing(struct run *r, struct value *v,
                            const struct value *text, const struct value *by,
                            bool all)
{
    const struct value nothing = value_text("", 0);
    size_t mark = r->out->len;

    put_replacement(r->out, by, &nothing);
    for (size_t i = 0; i < text->len && has_room(r);) {
        size_t width = utf8_char(text->text + i, text->len - i);

        width = !all ? text->len - i : width ? width : 1;
        buf_add(r->out, text->text + i, width);
        if (all)
            put_replacement(r->out, by, &nothing);
        i += width;
    }
    *v = run_cut(r, mark);
}

static void replace(struct run *r, struct value *v, const struct value *what,
                    const struct value *with, bool all)
{
    struct value text = run_text(r, v), find = run_text(r, what);
    struct value by = run_text(r, with);
    const char *at = text.text, *end = text.text + text.len, *found;
    size_t mark = r->out->len;

    if (find.len == 0) {
        replace_nothing(r, v, &text, &by, all);
        return;
    }
    while ((found = memmem(at, (size_t)(end - at), find.text, find.len)) &&
           has_room(r)) {
        buf_add(r->out, at, (size_t)(found - at));
        put_replacement(r->out, &by, &find);
        at = found + find.len;
        if (!all || run_charge(r, 1) != STATUS_OK)
            break;
    }
    buf_add(r->out, at, (size_t)(end - at));
    *v = run_cut(r, mark);
}

static void replace_last(struct run *r, struct value *v,
                         const struct value *what, const struct value *with)
{
    struct value text = run_text(r, v), find = run_text(r, what);
    struct value by = run_text(r, with);
    size_t mark = r->out->len, at;

    *v = text;
    if (find.len > text.len)
        return;
    run_charge(r, find.len * 4 + text.len / 64);
    for (at = text.len - find.len;
         memcmp(text.text + at, find.text, find.len) != 0; at--)
        if (at == 0)
            return;
    buf_add(r->out, text.text, at);
    buf_add(r->out, by.text, by.len);
    buf_add(r->out, text.text + at + find.len, text.len - at - find.len);
    *v = run_cut(r, mark);
}

void filter_replace(struct run *r, struct value *v, const struct value *args,
                    size_t n)
{
    (void)n;
    replace(r, v, &args[0], &args[1], true);
}

void filter_replace_first(struct run *r, struct value *v,
                          const struct value *args, size_t n)
{
    (void)n;
    replace(r, v, &args[0], &args[1], false);
}

void filter_replace_last(struct run *r, struct value *v,
                         const struct value *args, size_t n)
{
    (void)n;
    replace_last(r, v, &args[0], &args[1]);
}

void filter_remove(struct run *r, struct value *v, const struct value *args,
                   size_t n)
{
    const struct value nothing = value_text("", 0);

    (void)n;
    replace(r, v, &args[0], &nothing, true);
}

void filter_remove_first(struct run *r, struct value *v,
                         const struct value *args, size_t n)
{
    const struct value nothing = value_text("", 0);

    (void)n;
    replace(r, v, &args[0], &nothing, false);
}

void filter_remove_last(struct run *r, struct value *v,
                        const struct value *args, size_t n)
{
    const struct value nothing = value_text("", 0);

    (void)n;
    replace_last(r, v, &args[0], &nothing);
}
