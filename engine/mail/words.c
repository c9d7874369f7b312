#include "mail/words.h"
#include "base/utf8.h"
#include "mail/base64.h"
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* encoded-word = "=?" charset "?" encoding "?" encoded-text "?=" */
struct word {
    const char *charset, *text;
    size_t charset_len, text_len;
    char encoding;
};

static bool read_word(const char *at, size_t len, struct word *w)
{
    const char *end = at + len, *mark;

    if (len < 8 || memcmp(at, "=?", 2) != 0 || memcmp(end - 2, "?=", 2) != 0)
        return false;
    w->charset = at + 2;
    mark = memchr(w->charset, '?', (size_t)(end - w->charset));
    if (!mark || end - mark < 5 || mark[2] != '?')
        return false;
    w->charset_len = (size_t)(mark - w->charset);
    w->encoding = mark[1];
    w->text = mark + 3;
    w->text_len = (size_t)(end - 2 - w->text);
    return !memchr(w->text, '?', w->text_len);
}

static bool is_charset(const struct word *w, const char *name)
{
    /* RFC 2231 5: a language may follow. */
    size_t n = strlen(name);

    return w->charset_len >= n && strncasecmp(w->charset, name, n) == 0 &&
           (w->charset_len == n || w->charset[n] == '*');
}

static int hex(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at =
        c ? strchr(digits, c >= 'a' && c <= 'f' ? c - 32 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* The bytes of Q (4.2); false: it is none. */
static bool decode_q(const struct word *w, unsigned char *out, size_t *n)
{
    const char *p = w->text, *end = p + w->text_len;

    for (*n = 0; p < end; p++) {
        if (*p == '=') {
            int high = end - p < 3 ? -1 : hex(p[1]);
            int low = high < 0 ? -1 : hex(p[2]);

            if (high < 0 || low < 0)
                return false;
            out[(*n)++] = (unsigned char)((unsigned)high << 4 | (unsigned)low);
            p += 2;
        } else {
            out[(*n)++] = (unsigned char)(*p == '_' ? ' ' : *p);
        }
    }
    return true;
}

static bool decode_b(const struct word *w, unsigned char *out, size_t *n)
{
    int got;

    *n = 0;
    if (!base64_is_canonical(w->text, w->text_len))
        return false;
    if (w->text_len == 0)
        return true;
    got =
        EVP_DecodeBlock(out, (const unsigned char *)w->text, (int)w->text_len);
    if (got < 0)
        return false;
    *n = (size_t)got;
    for (size_t i = w->text_len; i > 0 && w->text[i - 1] == '='; i--)
        --*n;
    return true;
}

/* A word's text in UTF-8 behind out; false: it is none, or no room. */
static bool decode(const struct word *w, char *out, size_t room, size_t *n)
{
    unsigned char bytes[WORDS_MAX];
    size_t len;
    bool latin = is_charset(w, "iso-8859-1");

    if (!latin && !is_charset(w, "utf-8") && !is_charset(w, "us-ascii"))
        return false;
    if (!(strchr("qQ", w->encoding)   ? decode_q(w, bytes, &len)
          : strchr("bB", w->encoding) ? decode_b(w, bytes, &len)
                                      : false) ||
        2 * len > room)
        return false;
    for (size_t i = *n = 0; i < len; i++) {
        if (latin && bytes[i] >= 0x80) {
            out[(*n)++] = (char)(0xc0 | bytes[i] >> 6);
            out[(*n)++] = (char)(0x80 | (bytes[i] & 0x3f));
        } else {
            out[(*n)++] = (char)bytes[i];
        }
    }
    return true;
}

static bool is_clean(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return utf8_check(text, len) == len;
}

void words_decode(char *text)
{
    char out[4 * WORDS_MAX];
    size_t n = 0, len;
    bool before = false;

    if (!strstr(text, "=?") || strlen(text) >= WORDS_MAX)
        return;
    for (const char *at = text; *at; at += len + (at[len] == ' ')) {
        struct word w;
        size_t got;

        len = strcspn(at, " ");
        bool coded = read_word(at, len, &w);

        /* White space between two of them belongs to neither (6.2). */
        if (at > text && !(coded && before))
            out[n++] = ' ';
        if (coded && !decode(&w, out + n, sizeof out - n - 1, &got))
            return;
        if (!coded)
            memcpy(out + n, at, got = len);
        n += got;
        before = coded;
    }
    if (n > strlen(text) || !is_clean(out, n))
        return;
    memcpy(text, out, n);
    text[n] = 0;
}
