#include "base/utf8.h"
#include "templates/filter.h"
#include "templates/lex.h"
#include <locale.h>
#include <pthread.h>
#include <string.h>
#include <wctype.h>

static void put(struct run *r, const struct value *text)
{
    buf_add(r->out, text->text, text->len);
}

/* Case. The mapping is Unicode's, whatever the process's locale. */

static locale_t unicode;

static void open_unicode(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
}

static wint_t change_case(wint_t c, bool up)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, open_unicode);
    if (!unicode)
        return c;
    return up ? towupper_l(c, unicode) : towlower_l(c, unicode);
}

static wint_t decode(const char *p, size_t width)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    wint_t c = (unsigned char)*p & masks[width];

    for (size_t i = 1; i < width; i++)
        c = c << 6 | ((unsigned char)p[i] & 0x3f);
    return c;
}

static void put_character(struct buf *out, wint_t c)
{
    if (c < 0x80) {
        buf_add_char(out, (char)c);
    } else if (c < 0x800) {
        buf_add_char(out, (char)(0xc0 | c >> 6));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_add_char(out, (char)(0xe0 | c >> 12));
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_add_char(out, (char)(0xf0 | c >> 18));
        buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    }
}

static void put_cased(struct run *r, const char *text, size_t len, bool up)
{
    for (size_t i = 0; i < len;) {
        size_t width = utf8_char(text + i, len - i);

        if (width < 2) {
            char c = text[i++];
            bool from = up ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';

            buf_add_char(r->out, from ? c ^ ' ' : c);
            continue;
        }
        wint_t c = decode(text + i, width);
        i += width;
        if (up && c == 0xdf) /* sharp s has no capital of one letter */
            buf_add_text(r->out, "SS");
        else
            put_character(r->out, change_case(c, up));
    }
}

static bool is_ascii(const struct value *v)
{
    for (size_t i = 0; i < v->len; i++)
        if ((unsigned char)v->text[i] >= 0x80)
            return false;
    return true;
}

static void recase(struct run *r, struct value *v, bool up)
{
    size_t mark = r->out->len;
    const char first = up ? 'a' : 'A';

    *v = run_text(r, v);
    if (!is_ascii(v)) {
        put_cased(r, v->text, v->len, up);
        *v = run_cut(r, mark);
        return;
    }
    char *copy = run_take(r, v->len + 1);
    for (size_t i = 0; i < v->len; i++) {
        bool from = v->text[i] >= first && v->text[i] <= first + 25;

        copy[i] = (char)(v->text[i] ^ (from ? ' ' : 0));
    }
    *v = value_text(copy, v->len);
}

void filter_upcase(struct run *r, struct value *v, const struct value *args,
                   size_t n)
{
    (void)args, (void)n;
    recase(r, v, true);
}

void filter_downcase(struct run *r, struct value *v, const struct value *args,
                     size_t n)
{
    (void)args, (void)n;
    recase(r, v, false);
}

void filter_capitalize(struct run *r, struct value *v, const struct value *args,
                       size_t n)
{
    struct value text = run_text(r, v);
    size_t mark = r->out->len, first = utf8_char(text.text, text.len);

    (void)args, (void)n;
    if (first == 0)
        first = text.len > 0;
    put_cased(r, text.text, first, true);
    put_cased(r, text.text + first, text.len - first, false);
    *v = run_cut(r, mark);
}

/* Joining. Where one part is safe, the other is escaped, and all is safe. */

static void join_texts(struct run *r, struct value *v, const struct value *a,
                       const struct value *b)
{
    struct value first = run_text(r, a), second = run_text(r, b);
    size_t mark = r->out->len;
    bool safe = first.safe || second.safe;

    run_charge_value(r, &second);
    if (safe && !first.safe)
        html_escape(r->out, first.text, first.len);
    else
        put(r, &first);
    if (safe && !second.safe)
        html_escape(r->out, second.text, second.len);
    else
        put(r, &second);
    *v = run_cut(r, mark);
    v->safe = safe;
}

void filter_append(struct run *r, struct value *v, const struct value *args,
                   size_t n)
{
    (void)n;
    join_texts(r, v, v, &args[0]);
}

void filter_prepend(struct run *r, struct value *v, const struct value *args,
                    size_t n)
{
    (void)n;
    join_texts(r, v, &args[0], v);
}

/* White space. What is left of a safe text is safe. */

static void strip(struct run *r, struct value *v, bool left, bool right)
{
    struct value text = run_text(r, v);

    while (left && text.len && lex_is_space(*text.text))
        text.text++, text.len--;
    while (right && text.len && lex_is_space(text.text[text.len - 1]))
        text.len--;
    *v = text;
}

void filter_strip(struct run *r, struct value *v, const struct value *args,
                  size_t n)
{
    (void)args, (void)n;
    strip(r, v, true, true);
}

void filter_lstrip(struct run *r, struct value *v, const struct value *args,
                   size_t n)
{
    (void)args, (void)n;
    strip(r, v, true, false);
}

void filter_rstrip(struct run *r, struct value *v, const struct value *args,
                   size_t n)
{
    (void)args, (void)n;
    strip(r, v, false, true);
}

void filter_strip_newlines(struct run *r, struct value *v,
                           const struct value *args, size_t n)
{
    struct value text = run_text(r, v);
    size_t mark = r->out->len;

    (void)args, (void)n;
    for (size_t i = 0; i < text.len; i++)
        if (text.text[i] != '\n' &&
            !(text.text[i] == '\r' && i + 1 < text.len &&
              text.text[i + 1] == '\n'))
            buf_add_char(r->out, text.text[i]);
    *v = run_cut(r, mark);
    v->safe = text.safe;
}

/* Parts. */

/* Where character i begins; the text's end beyond it. */
static const char *character(const struct value *v, int64_t i)
{
    const char *p = v->text, *end = v->text + v->len;

    for (; p < end && i > 0; i--)
        do
            p++;
        while (p < end && ((unsigned char)*p & 0xc0) == 0x80);
    return p;
}

struct value run_character(const struct value *text, int64_t i)
{
    int64_t count = run_size(text).integer;

    i += i < 0 ? count : 0;
    if (i < 0 || i >= count)
        return value_nil();
    const char *from = character(text, i);
    size_t left = text->len - (size_t)(from - text->text);
    size_t width = utf8_char(from, left);
    return value_text(from, width ? width : 1);
}

void filter_truncate(struct run *r, struct value *v, const struct value *args,
                     size_t n)
{
    struct value text, dots = value_text("...", 3);
    int64_t length = 50, keep;
    size_t mark = r->out->len;

    if (v->kind == VALUE_NIL || (n > 0 && !run_integer(r, &args[0], &length)))
        return;
    text = run_text(r, v);
    if (n > 1)
        dots = run_text(r, &args[1]);
    if (run_size(&text).integer <= length) {
        *v = text;
        return;
    }
    int64_t width = run_size(&dots).integer;
    keep = length > width ? length - width : 0;
    buf_add(r->out, text.text, (size_t)(character(&text, keep) - text.text));
    put(r, &dots);
    *v = run_cut(r, mark);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* As Ruby's split(" ", words + 1): the text is cut if anything, even white
 * space alone, stands behind that many words. */
void filter_truncatewords(struct run *r, struct value *v,
                          const struct value *args, size_t n)
{
    struct value text, dots = value_text("...", 3);
    int64_t words = 15, found = 0;
    size_t mark = r->out->len, i = 0;

    if (v->kind == VALUE_NIL || (n > 0 && !run_integer(r, &args[0], &words)))
        return;
    text = run_text(r, v);
    if (n > 1)
        dots = run_text(r, &args[1]);
    words = words > 0 ? words : 1;
    while (found < words) {
        while (i < text.len && is_blank(text.text[i]))
            i++;
        size_t start = i;
        while (i < text.len && !is_blank(text.text[i]))
            i++;
        if (i == text.len) {
            r->out->len = mark;
            *v = text;
            return;
        }
        if (found++)
            buf_add_char(r->out, ' ');
        buf_add(r->out, text.text + start, i - start);
    }
    put(r, &dots);
    *v = run_cut(r, mark);
}

static void slice_list(struct run *r, struct value *v, int64_t from, int64_t n)
{
    int64_t count = (int64_t)value_count(v);
    struct list *list;

    if (from < 0)
        from += count;
    if (from < 0 || from > count || n < 0)
        n = from = 0;
    if (n > count - from)
        n = count - from;
    list = run_list(r, (size_t)n);
    for (int64_t i = 0; list && i < n; i++)
        list->items[i] = value_at(v, (size_t)(from + i));
    *v = list ? value_list(list) : value_nil();
}

void filter_slice(struct run *r, struct value *v, const struct value *args,
                  size_t n)
{
    int64_t from, length = 1, count;
    struct value text;

    if (!run_integer(r, &args[0], &from) ||
        (n > 1 && value_is_true(&args[1]) &&
         !run_integer(r, &args[1], &length)))
        return;
    if (value_is_array(v)) {
        slice_list(r, v, from, length);
        return;
    }
    text = run_text(r, v);
    count = run_size(&text).integer;
    if (from < 0)
        from += count;
    if (from < 0 || from > count || length < 0) {
        *v = value_text("", 0);
        return;
    }
    if (length > count - from)
        length = count - from;
    const char *start = character(&text, from);
    *v = value_text(start, text.len - (size_t)(start - text.text));
    v->len = (size_t)(character(v, length) - start);
}

/* Pieces between separators; with blank, between white space. Counted first,
 * then taken. */
struct splitter {
    const char *at, *end;
    const struct value *by;
};

static bool next_piece(struct splitter *s, struct value *piece)
{
    const char *start = s->at, *stop;

    if (s->by->len == 1 && *s->by->text == ' ') {
        while (start < s->end && is_blank(*start))
            start++;
        for (stop = start; stop < s->end && !is_blank(*stop); stop++)
            ;
        s->at = stop;
        *piece = value_text(start, (size_t)(stop - start));
        return stop > start;
    }
    if (start >= s->end)
        return false;
    if (s->by->len == 0) {
        size_t width = utf8_char(start, (size_t)(s->end - start));

        s->at = start + (width ? width : 1);
        *piece = value_text(start, (size_t)(s->at - start));
        return true;
    }
    stop = memmem(start, (size_t)(s->end - start), s->by->text, s->by->len);
    *piece = value_text(start, (size_t)((stop ? stop : s->end) - start));
    s->at = stop ? stop + s->by->len : s->end;
    return true;
}

void filter_split(struct run *r, struct value *v, const struct value *args,
                  size_t n)
{
    struct value text = run_text(r, v), by = run_text(r, &args[0]), piece;
    struct splitter s = {text.text, text.text + text.len, &by};
    size_t count = 0, total = 0;
    struct list *list;

    (void)n;
    run_charge(r, text.len / 16);
    while (next_piece(&s, &piece)) {
        total++;
        if (piece.len) /* empty pieces at the end do not count */
            count = total;
    }
    run_charge(r, total);
    list = run_list(r, count);
    s.at = text.text;
    for (size_t i = 0; list && i < count && next_piece(&s, &piece); i++)
        list->items[i] = piece;
    *v = list ? value_list(list) : value_nil();
}
