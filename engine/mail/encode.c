#include "mail/encode.h"
#include "base/utf8.h"
#include <stdint.h>
#include <string.h>

static const char HEX[] = "0123456789ABCDEF";

/* Quoted-printable bodies. */

/* What stands for itself: printable ASCII but "=", space and tab. */
static bool stands(unsigned char c)
{
    return (c >= ' ' && c < 0x7f && c != '=') || c == '\t';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Non-zero if a byte of w is below 0x20, above 0x7e or "=". The borrow of a
 * subtraction may mark a byte too many, never one too few. */
static uint64_t suspects(uint64_t w)
{
    uint64_t equals = w ^ EACH('=');

    return ((w - EACH(0x20)) | (w + EACH(1)) | w | (equals - EACH(1))) &
           EACH(0x80);
}

/* Length of the run at p that stands for itself, at most n. */
static size_t run_length(const char *p, size_t n)
{
    size_t at = 0;

    while (at < n) {
        uint64_t word;

        if (n - at >= sizeof word) {
            memcpy(&word, p + at, sizeof word);
            if (!suspects(word)) {
                at += sizeof word;
                continue;
            }
        }
        for (size_t i = 0; i < sizeof word && at < n; i++, at++)
            if (!stands((unsigned char)p[at]))
                return at;
    }
    return at;
}

static char *put_escape(char *to, char byte)
{
    unsigned char c = (unsigned char)byte;

    *to++ = '=';
    *to++ = HEX[c >> 4];
    *to++ = HEX[c & 0xf];
    return to;
}

static char *put_break(char *to, bool soft)
{
    if (soft)
        *to++ = '=';
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

enum {
    QP_ROOM = ENCODE_LINE_MAX - 1,  /* but for the "=" of a soft break */
    QP_STEP = ENCODE_LINE_MAX + 16, /* most bytes that one qp_line writes */
};

struct text {
    const char *at, *end;
};

/* At the start of a line a dot is doubled, and "From " hidden from those
 * who store mail in mbox files and would write ">From ". */
static char *put_line_start(char *to, const struct text *t, size_t *col)
{
    if (*t->at == '.') {
        *to++ = '.';
    } else if (*t->at == 'F' && t->end - t->at >= 5 &&
               memcmp(t->at, "From ", 5) == 0) {
        to = put_escape(to, 'F');
        *col = 3;
    }
    return to;
}

/* The line ends here, in the source too (or the source ends): white space
 * before it must not stand last (RFC 2045 6.7 (3)). There is always room,
 * for a line is broken before it is full. */
static char *put_line_end(char *to, struct text *t, size_t col)
{
    if (col > 0 && is_blank(to[-1])) {
        char blank = to[-1];

        if (col + 2 > ENCODE_LINE_MAX)
            to = put_break(to - 1, true);
        else
            to--;
        to = put_escape(to, blank);
    }
    if (t->at == t->end)
        return to;
    if (*t->at == '\r' && t->end - t->at > 1 && t->at[1] == '\n')
        t->at++;
    t->at++;
    return put_break(to, false);
}

/* One line of output: to its hard break, its soft break or the end. */
static char *qp_line(char *to, struct text *t)
{
    size_t col = 0;

    to = put_line_start(to, t, &col);
    t->at += col > 0;
    for (;;) {
        size_t left = (size_t)(t->end - t->at);
        size_t n =
            run_length(t->at, left < QP_ROOM - col ? left : QP_ROOM - col);

        memcpy(to, t->at, n);
        to += n;
        t->at += n;
        col += n;
        if (t->at == t->end || *t->at == '\r' || *t->at == '\n')
            return put_line_end(to, t, col);
        if (col == QP_ROOM ||
            (!stands((unsigned char)*t->at) && col + 3 > QP_ROOM))
            return put_break(to, true);
        to = put_escape(to, *t->at++);
        col += 3;
    }
}

void encode_quoted_printable(struct buf *out, const char *text, size_t len)
{
    struct text t = {text, text + len};

    while (t.at < t.end) {
        char *to = buf_reserve(out, QP_STEP);

        out->len += (size_t)(qp_line(to, &t) - to);
    }
    *buf_reserve(out, 0) = 0;
}

/* Base64. */

static char *put_base64(char *to, const unsigned char *p, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";

    for (; len > 0; p += 3) {
        size_t n = len < 3 ? len : 3;
        uint32_t v = (uint32_t)p[0] << 16;

        v |= n > 1 ? (uint32_t)p[1] << 8 : 0;
        v |= n > 2 ? p[2] : 0;
        *to++ = digits[v >> 18];
        *to++ = digits[v >> 12 & 0x3f];
        *to++ = n > 1 ? digits[v >> 6 & 0x3f] : '=';
        *to++ = n > 2 ? digits[v & 0x3f] : '=';
        len -= n;
    }
    return to;
}

void encode_base64(struct buf *out, const void *bytes, size_t len)
{
    char *to = buf_reserve(out, len / 3 * 4 + 4);
    char *end = put_base64(to, bytes, len);

    *end = 0;
    out->len += (size_t)(end - to);
}

/* Encoded words. */

/* What Q leaves as it is, in a phrase too (RFC 2047 5 (3)). */
static bool q_stands(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("!*+-/", c));
}

static size_t q_width(const char *p, size_t n)
{
    size_t width = 0;

    for (size_t i = 0; i < n; i++)
        width += q_stands(p[i]) || p[i] == ' ' ? 1 : 3;
    return width;
}

/* Q is readable as it is, B shorter where most bytes would be escaped. */
static bool prefers_base64(const char *text, size_t len)
{
    return q_width(text, len) > 2 * len;
}

static void add_q(struct buf *out, const char *text, size_t len)
{
    char *start = buf_reserve(out, 3 * len), *to = start;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ')
            *to++ = '_';
        else if (q_stands(text[i]))
            *to++ = text[i];
        else
            to = put_escape(to, text[i]);
    }
    *to = 0;
    out->len += (size_t)(to - start);
}

/* How many bytes of text, in whole characters, fit into room. In base64 all
 * words but the last hold whole groups of 3 if they can: some readers join
 * words before they decode them, and stop at padding in between. Where they
 * can't, Q is to be taken: it has no padding. */
static size_t word_take(const char *text, size_t len, bool base64, size_t room)
{
    size_t at = 0, width = 0, whole = 0;

    while (at < len) {
        size_t n = utf8_char(text + at, len - at);

        n = n ? n : 1; /* not UTF-8: harmless, and not ours to judge */
        width = base64 ? (at + n + 2) / 3 * 4 : width + q_width(text + at, n);
        if (width > room)
            break;
        at += n;
        if (at % 3 == 0)
            whole = at;
    }
    return base64 && at < len && whole > 0 ? whole : at;
}

void encode_words(struct buf *out, const char *text, size_t len, size_t col)
{
    const size_t frame = strlen("=?utf-8?Q?") + strlen("?=");
    bool base64 = prefers_base64(text, len);

    while (len > 0) {
        if (col + ENCODE_WORD_MIN > ENCODE_LINE_MAX) {
            buf_add_text(out, "\r\n ");
            col = 1;
        }
        size_t room = ENCODE_LINE_MAX - col;
        if (room > ENCODE_WORD_MAX)
            room = ENCODE_WORD_MAX;
        size_t n = word_take(text, len, base64, room - frame);
        bool b = base64 && (n == len || n % 3 == 0);

        if (base64 && !b)
            n = word_take(text, len, false, room - frame);
        buf_add_text(out, b ? "=?utf-8?B?" : "=?utf-8?Q?");
        if (b)
            encode_base64(out, text, n);
        else
            add_q(out, text, n);
        buf_add_text(out, "?=");
        text += n;
        len -= n;
        col = ENCODE_LINE_MAX;
    }
}
