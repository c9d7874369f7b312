#include "mail/transfer.h"
#include "mail/encode.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

ENUM_DEFINE(transfer, TRANSFER_TABLE);

enum { BASE64_LINE_BYTES = 57 }; /* 76 characters */

/* ---- The choice ---- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Non-zero if a byte of w is below 0x20 or above 0x7e. The borrow of the
 * subtraction may mark a byte too many, never one too few. */
static uint64_t suspects(uint64_t w)
{
    return ((w - EACH(0x20)) | (w + EACH(1)) | w) & EACH(0x80);
}

static bool is_plain(char c, bool eight)
{
    return (c >= ' ' && c < 0x7f) || c == '\t' || (eight && (c & 0x80));
}

static bool all_plain(const char *p, size_t len, bool eight)
{
    size_t at = 0;

    while (at < len) {
        uint64_t word;

        if (len - at >= sizeof word) {
            memcpy(&word, p + at, sizeof word);
            if (!suspects(word)) {
                at += sizeof word;
                continue;
            }
        }
        for (size_t i = 0; i < sizeof word && at < len; i++, at++)
            if (!is_plain(p[at], eight))
                return false;
    }
    return true;
}

/* One line without its end. */
static bool is_safe_line(const char *p, size_t len, bool eight)
{
    return len <= TRANSFER_LINE_MAX &&
           (len == 0 || (p[len - 1] != ' ' && p[len - 1] != '\t')) &&
           (len < 5 || memcmp(p, "From ", 5) != 0) &&
           (len < 4 || memcmp(p, "--=_", 4) != 0) && all_plain(p, len, eight);
}

/* A CR elsewhere than before an LF is no plain character. */
static bool is_safe(const char *text, size_t len, bool eight)
{
    while (len > 0) {
        const char *lf = memchr(text, '\n', len);
        size_t line = lf ? (size_t)(lf - text) : len;
        size_t all = lf ? line + 1 : line;

        if (lf && line > 0 && text[line - 1] == '\r')
            line--;
        if (!is_safe_line(text, line, eight))
            return false;
        text += all;
        len -= all;
    }
    return true;
}

/* Base64 is a third longer than the text, an escape by 2 bytes. It has to be
 * shorter by a seventh: quoted-printable can be read and searched as it is. */
static bool prefers_base64(const char *text, size_t len)
{
    size_t escapes = 0;

    for (size_t i = 0; i < len; i++)
        escapes += (unsigned char)text[i] >= 0x7f || text[i] == '=';
    return 4 * escapes > len + len / 8;
}

enum transfer transfer_best(const char *text, size_t len, bool eight)
{
    if (is_safe(text, len, false))
        return TRANSFER_7BIT;
    if (eight && is_safe(text, len, true))
        return TRANSFER_8BIT;
    return prefers_base64(text, len) ? TRANSFER_BASE64
                                     : TRANSFER_QUOTED_PRINTABLE;
}

/* ---- The bodies ---- */

/* Of the line end at p: 2 of CRLF, 1 of CR or LF, 0 if there is none. */
static size_t line_end(const char *p, size_t left)
{
    if (left == 0 || (*p != '\r' && *p != '\n'))
        return 0;
    return *p == '\r' && left > 1 && p[1] == '\n' ? 2 : 1;
}

static void encode_plain(struct buf *out, const char *text, size_t len)
{
    while (len > 0) {
        const char *lf = memchr(text, '\n', len);
        size_t line = lf ? (size_t)(lf - text) : len;
        size_t all = lf ? line + 1 : line;
        char *to = buf_reserve(out, line + 3), *start = to;

        if (lf && line > 0 && text[line - 1] == '\r')
            line--;
        if (*text == '.')
            *to++ = '.';
        memcpy(to, text, line);
        to += line;
        if (lf) {
            *to++ = '\r';
            *to++ = '\n';
        }
        *to = 0;
        out->len += (size_t)(to - start);
        text += all;
        len -= all;
    }
}

static void encode_lines(struct buf *out, const char *text, size_t len)
{
    char line[BASE64_LINE_BYTES + 1]; /* a CRLF may be one too long */
    size_t n = 0, end;

    for (size_t at = 0; at < len || n > 0;) {
        while (at < len && n < BASE64_LINE_BYTES) {
            end = line_end(text + at, len - at);
            if (end > 0) {
                line[n++] = '\r';
                line[n++] = '\n';
            } else {
                line[n++] = text[at];
            }
            at += end > 0 ? end : 1;
        }
        size_t now = n < BASE64_LINE_BYTES ? n : BASE64_LINE_BYTES;

        encode_base64(out, line, now);
        buf_add(out, "\r\n", 2);
        n -= now;
        memmove(line, line + now, n);
    }
}

void transfer_encode(struct buf *out, enum transfer transfer, const char *text,
                     size_t len)
{
    switch (transfer) {
    case TRANSFER_7BIT:
    case TRANSFER_8BIT: encode_plain(out, text, len); break;
    case TRANSFER_QUOTED_PRINTABLE:
        encode_quoted_printable(out, text, len);
        break;
    case TRANSFER_BASE64: encode_lines(out, text, len); break;
    }
}
