#include "mail/base64.h"
#include "mail/encode.h"

/* What a byte is: a digit of 4.'s alphabet, one of 5.'s, a blank, or wrong. */
enum kind { WRONG, DIGIT, URL_DIGIT, BLANK };

static enum kind kind_of(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        (c >= '0' && c <= '9') || c == '+' || c == '/')
        return DIGIT;
    if (c == '-' || c == '_')
        return URL_DIGIT;
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' ? BLANK : WRONG;
}

/* Length without the padding, of which there are two characters at most. */
static size_t unpadded(const char *text, size_t len)
{
    for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
        len--;
    return len;
}

bool base64_is_canonical(const char *text, size_t len)
{
    size_t digits = unpadded(text, len);

    /* One digit of a group makes no byte. */
    if (len % 4 != 0 || digits % 4 == 1)
        return false;
    for (size_t i = 0; i < digits; i++)
        if (kind_of(text[i]) != DIGIT)
            return false;
    return true;
}

bool base64_clean(struct buf *out, const char *text, size_t len)
{
    size_t start = out->len;
    char *first = buf_reserve(out, len + 4), *to = first;
    size_t pads = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        enum kind kind = kind_of(c);

        if (c == '=')
            pads++;
        else if (kind == WRONG || (kind != BLANK && pads > 0))
            return false;
        else if (kind == URL_DIGIT)
            *to++ = c == '-' ? '+' : '/';
        else if (kind == DIGIT)
            *to++ = c;
    }
    size_t digits = (size_t)(to - first), missing = (4 - digits % 4) % 4;
    if (missing == 3 || (pads > 0 && pads != missing))
        return false;
    for (size_t i = 0; i < missing; i++)
        *to++ = '=';
    *to = 0;
    out->len = start + digits + missing;
    return true;
}

void base64_lines(struct buf *out, const char *text, size_t len)
{
    char *to = buf_reserve(out, base64_lines_size(len)), *start = to;

    while (len > ENCODE_LINE_MAX) {
        memcpy(to, text, ENCODE_LINE_MAX);
        memcpy(to + ENCODE_LINE_MAX, "\r\n", 2);
        to += ENCODE_LINE_MAX + 2;
        text += ENCODE_LINE_MAX;
        len -= ENCODE_LINE_MAX;
    }
    if (len > 0)
        memcpy(to, text, len);
    to[len] = 0;
    out->len += (size_t)(to - start) + len;
}

size_t base64_lines_size(size_t len)
{
    return len > 0 ? len + (len - 1) / ENCODE_LINE_MAX * 2 : 0;
}
