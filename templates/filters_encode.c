#include "base/utf8.h"
#include "templates/filter.h"
#include <string.h>

/* HTML. What these return is safe: it is not escaped again. */

void filter_raw(struct run *r, struct value *v, const struct value *args,
                size_t n)
{
    (void)args, (void)n;
    if (!r->escapes || v->kind == VALUE_NIL)
        return;
    if (value_is_array(v)) {
        size_t mark = r->out->len;

        value_write(v, r->out);
        *v = run_cut(r, mark);
    } else {
        *v = run_text(r, v);
    }
    v->safe = true;
}

static bool has_markup(const struct value *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (strchr("&<>\"'", text->text[i]) && text->text[i])
            return true;
    return false;
}

void filter_escape(struct run *r, struct value *v, const struct value *args,
                   size_t n)
{
    size_t mark = r->out->len;
    struct value text;

    (void)args, (void)n;
    if (v->kind == VALUE_NIL || v->safe)
        return;
    text = run_text(r, v);
    *v = text;
    if (!has_markup(&text)) {
        v->safe = r->escapes;
        return;
    }
    html_escape(r->out, text.text, text.len);
    *v = run_cut(r, mark);
    v->safe = r->escapes;
}

/* &name; or &#123; */
static bool is_reference(const char *p, const char *end)
{
    const char *start = ++p;
    bool number = p < end && *p == '#';

    for (p += number, start += number; p < end; p++)
        if (number ? *p < '0' || *p > '9'
                   : !((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')))
            break;
    return p > start && p < end && *p == ';';
}

void filter_escape_once(struct run *r, struct value *v,
                        const struct value *args, size_t n)
{
    struct value text = run_text(r, v);
    const char *end = text.text + text.len, *from = text.text;
    size_t mark = r->out->len;

    (void)args, (void)n;
    if (v->safe)
        return;
    for (const char *p = text.text; p < end; p++)
        if (*p == '&' && is_reference(p, end)) {
            html_escape(r->out, from, (size_t)(p - from));
            buf_add_char(r->out, '&');
            from = p + 1;
        }
    html_escape(r->out, from, (size_t)(end - from));
    *v = run_cut(r, mark);
    v->safe = r->escapes;
}

void filter_newline_to_br(struct run *r, struct value *v,
                          const struct value *args, size_t n)
{
    size_t mark = r->out->len;
    struct value text;

    if (r->escapes)
        filter_escape(r, v, args, n);
    text = run_text(r, v);
    for (size_t i = 0; i < text.len; i++) {
        if (text.text[i] == '\r' && i + 1 < text.len &&
            text.text[i + 1] == '\n')
            i++;
        if (text.text[i] == '\n')
            buf_add_text(r->out, "<br />\n");
        else
            buf_add_char(r->out, text.text[i]);
    }
    *v = run_cut(r, mark);
    v->safe = r->escapes;
}

/* strip_html: first what holds no text, then all tags. */

static const struct block {
    const char *open, *close;
} blocks[] = {
    {"<script", "</script>"},
    {"<!--", "-->"},
    {"<style", "</style>"},
};

enum { BLOCKS = sizeof blocks / sizeof *blocks };

/* Behind the block that begins at p, or NULL. A close that was not found once
 * is not looked for again: the work stays linear. */
static const char *block_end(const char *p, const char *end,
                             bool absent[static BLOCKS])
{
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t open = strlen(blocks[i].open), close = strlen(blocks[i].close);
        const char *found;

        if (absent[i] || (size_t)(end - p) < open ||
            memcmp(p, blocks[i].open, open) != 0)
            continue;
        found =
            memmem(p + open, (size_t)(end - p) - open, blocks[i].close, close);
        if (found)
            return found + close;
        absent[i] = true;
    }
    return NULL;
}

static struct value without_blocks(struct run *r, const struct value *text)
{
    const char *p = text->text, *end = p + text->len;
    bool absent[BLOCKS] = {0};
    size_t mark = r->out->len;

    while (p < end) {
        const char *behind = *p == '<' ? block_end(p, end, absent) : NULL;

        if (behind)
            p = behind;
        else
            buf_add_char(r->out, *p++);
    }
    return run_cut(r, mark);
}

void filter_strip_html(struct run *r, struct value *v, const struct value *args,
                       size_t n)
{
    struct value text = run_text(r, v);
    size_t mark = r->out->len;

    (void)args, (void)n;
    if (!text.len || !memchr(text.text, '<', text.len)) {
        *v = text;
        return;
    }
    text = without_blocks(r, &text);
    const char *p = text.text, *end = p + text.len;
    while (p < end) {
        const char *close =
            *p == '<' ? memchr(p, '>', (size_t)(end - p)) : NULL;

        if (*p == '<' && !close) {
            buf_add(r->out, p, (size_t)(end - p));
            break;
        }
        if (close)
            p = close + 1;
        else
            buf_add_char(r->out, *p++);
    }
    *v = run_cut(r, mark);
}

/* URLs. */

static const char HEX[] = "0123456789ABCDEF";

void filter_url_encode(struct run *r, struct value *v, const struct value *args,
                       size_t n)
{
    size_t mark = r->out->len;
    struct value text;

    (void)args, (void)n;
    if (v->kind == VALUE_NIL)
        return;
    text = run_text(r, v);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.text[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
            c == '~') {
            buf_add_char(r->out, (char)c);
        } else if (c == ' ') {
            buf_add_char(r->out, '+');
        } else {
            const char hex[] = {'%', HEX[c >> 4], HEX[c & 15]};
            buf_add(r->out, hex, sizeof hex);
        }
    }
    *v = run_cut(r, mark);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static void check_utf8(struct run *r, const struct value *v)
{
    if (utf8_check(v->text, v->len) < v->len)
        run_fail(r, "what is decoded is not valid UTF-8");
}

void filter_url_decode(struct run *r, struct value *v, const struct value *args,
                       size_t n)
{
    size_t mark = r->out->len;
    struct value text;

    (void)args, (void)n;
    if (v->kind == VALUE_NIL)
        return;
    text = run_text(r, v);
    for (size_t i = 0; i < text.len; i++) {
        const char *p = text.text + i;
        bool coded = *p == '%' && text.len - i > 2 && hex_digit(p[1]) >= 0 &&
                     hex_digit(p[2]) >= 0;

        if (coded)
            buf_add_char(r->out,
                         (char)(hex_digit(p[1]) << 4 | hex_digit(p[2])));
        else
            buf_add_char(r->out, *p == '+' ? ' ' : *p);
        i += coded ? 2 : 0;
    }
    *v = run_cut(r, mark);
    check_utf8(r, v);
}

/* Base64 (RFC 4648 4 and 5). */

static const char STANDARD[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_SAFE[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct run *r, struct value *v, const char *alphabet)
{
    struct value text = run_text(r, v);
    size_t mark = r->out->len;

    for (size_t i = 0; i < text.len; i += 3) {
        size_t left = text.len - i;
        uint32_t bits = (uint32_t)(unsigned char)text.text[i] << 16;
        char four[4];

        if (left > 1)
            bits |= (uint32_t)(unsigned char)text.text[i + 1] << 8;
        if (left > 2)
            bits |= (unsigned char)text.text[i + 2];
        four[0] = alphabet[bits >> 18];
        four[1] = alphabet[bits >> 12 & 63];
        four[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        four[3] = left > 2 ? alphabet[bits & 63] : '=';
        buf_add(r->out, four, sizeof four);
    }
    *v = run_cut(r, mark);
}

/* Padding may be left out where the alphabet is the URL-safe one. */
static void decode(struct run *r, struct value *v, const char *alphabet)
{
    struct value text = run_text(r, v);
    size_t mark = r->out->len, len = text.len, padding = 0;
    uint32_t bits = 0;
    unsigned n = 0;

    while (len > 0 && padding < 2 && text.text[len - 1] == '=')
        len--, padding++;
    bool whole = (len + padding) % 4 == 0;
    for (size_t i = 0; i < len; i++) {
        const char *at = memchr(alphabet, text.text[i], 64);

        if (!at) {
            run_fail(r, "expected Base64, found something else");
            return;
        }
        bits = bits << 6 | (uint32_t)(at - alphabet);
        n += 6;
        if (n >= 8) {
            n -= 8;
            buf_add_char(r->out, (char)(bits >> n));
        }
    }
    if (len % 4 == 1 || (!whole && (alphabet == STANDARD || padding))) {
        run_fail(r, "expected Base64, found a part of it");
        return;
    }
    *v = run_cut(r, mark);
    check_utf8(r, v);
}

void filter_base64_encode(struct run *r, struct value *v,
                          const struct value *args, size_t n)
{
    (void)args, (void)n;
    encode(r, v, STANDARD);
}

void filter_base64_decode(struct run *r, struct value *v,
                          const struct value *args, size_t n)
{
    (void)args, (void)n;
    decode(r, v, STANDARD);
}

void filter_base64_url_safe_encode(struct run *r, struct value *v,
                                   const struct value *args, size_t n)
{
    (void)args, (void)n;
    encode(r, v, URL_SAFE);
}

void filter_base64_url_safe_decode(struct run *r, struct value *v,
                                   const struct value *args, size_t n)
{
    (void)args, (void)n;
    decode(r, v, URL_SAFE);
}
