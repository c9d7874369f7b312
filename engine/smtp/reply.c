#include "smtp/reply.h"
#include <string.h>

/* RFC 5321, 4.2:  Reply-line = *( code "-" [ text ] CRLF )
 *                                  code [ SP text ] CRLF
 * One function per place in the grammar; each takes one byte. */

ENUM_DEFINE(smtp_fed, SMTP_FED_TABLE);

/* The text is not wiped: it is 4 KB, and this runs four times a mail. */
void smtp_reply_start(struct smtp_reply_parser *p)
{
    p->reply.code = 0;
    p->reply.len = 0;
    p->reply.text[0] = 0;
    p->at = AT_CODE;
    p->code = p->digits = 0;
    p->last = p->beyond_ascii = false;
    p->seen = 0;
}

/* Text past the limit is dropped, not refused: to lose the answer to DATA
 * because it talks too much would be to send the message twice. */
static void keep(struct smtp_reply_parser *p, unsigned char c)
{
    struct smtp_reply *r = &p->reply;
    bool printable = (c >= ' ' && c != 127) || c == '\n';

    if (r->len + 1 >= SMTP_REPLY_TEXT_MAX)
        return;
    p->beyond_ascii |= c > 127;
    r->text[r->len++] = printable ? (char)c : '?';
}

/* Bytes of the UTF-8 sequence at s (RFC 3629), 0 if it is none. */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
    unsigned c = s[0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    if (n == 0 || c > 0xf4 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* Over-long forms, surrogates, and what is above U+10FFFF. */
    if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) ||
        (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f))
        return 0;
    /* C1 control characters are no more printable than C0. */
    return c == 0xc2 && s[1] < 0xa0 ? 0 : n;
}

/* The text is stored and shown: what is no UTF-8 would be refused there. */
static void keep_to_utf8(struct smtp_reply *r)
{
    for (size_t i = 0; i < r->len;) {
        const unsigned char *at = (const unsigned char *)r->text + i;
        size_t n = utf8_sequence(at, r->len - i);

        if (n == 0)
            r->text[i] = '?';
        i += n ? n : 1;
    }
}

static enum smtp_fed end_line(struct smtp_reply_parser *p)
{
    if (!p->last) {
        keep(p, '\n');
        p->code = p->digits = 0;
        p->at = AT_CODE;
        return SMTP_FED_MORE;
    }
    if (p->beyond_ascii)
        keep_to_utf8(&p->reply);
    return SMTP_FED_READY;
}

static enum smtp_fed take_code(struct smtp_reply_parser *p, unsigned char c)
{
    if (c < '0' || c > '9')
        return SMTP_FED_BAD_CODE;

    p->code = p->code * 10 + (c - '0');
    if (++p->digits < 3)
        return SMTP_FED_MORE;
    if (p->code < 200 || p->code > 599)
        return SMTP_FED_BAD_CODE;
    if (p->reply.code != 0 && p->reply.code != p->code)
        return SMTP_FED_CODE_CHANGED;

    p->reply.code = p->code;
    p->at = AT_SEPARATOR;
    return SMTP_FED_MORE;
}

/* Some servers end lines with a bare LF; here it does no harm. CR is noise. */
static enum smtp_fed take_text(struct smtp_reply_parser *p, unsigned char c)
{
    if (c == '\n')
        return end_line(p);
    if (c != '\r')
        keep(p, c);
    return SMTP_FED_MORE;
}

static enum smtp_fed take_separator(struct smtp_reply_parser *p,
                                    unsigned char c)
{
    p->last = c != '-';
    p->at = AT_TEXT;
    if (c == '-' || c == ' ')
        return SMTP_FED_MORE;
    return c == '\r' || c == '\n' ? take_text(p, c) : SMTP_FED_BAD_LINE;
}

enum smtp_fed smtp_reply_feed(struct smtp_reply_parser *p, const char *bytes,
                              size_t len, size_t *used)
{
    enum smtp_fed fed = SMTP_FED_MORE;

    for (*used = 0; *used < len && fed == SMTP_FED_MORE; ++*used) {
        unsigned char c = (unsigned char)bytes[*used];

        if (++p->seen > SMTP_REPLY_BYTES_MAX) {
            fed = SMTP_FED_TOO_LONG;
            if (p->beyond_ascii)
                keep_to_utf8(&p->reply);
            break;
        }
        switch (p->at) {
        case AT_CODE: fed = take_code(p, c); break;
        case AT_SEPARATOR: fed = take_separator(p, c); break;
        case AT_TEXT: fed = take_text(p, c); break;
        }
    }
    p->reply.text[p->reply.len] = 0;
    return fed;
}

static size_t digits(const char *s)
{
    size_t n = 0;

    while (s[n] >= '0' && s[n] <= '9')
        n++;
    return n;
}

/* RFC 3463, 2:  status-code = class "." subject "." detail
 *               subject, detail = 1*3digit
 * Returns its length, 0 if there is none of this class. */
static size_t enhanced_len(const char *s, unsigned class)
{
    if (s[0] != (char)('0' + class) || s[1] != '.')
        return 0;
    size_t subject = digits(s + 2);
    if (subject < 1 || subject > 3 || s[2 + subject] != '.')
        return 0;
    size_t detail = digits(s + 3 + subject);
    if (detail < 1 || detail > 3)
        return 0;

    size_t n = 3 + subject + detail;
    return s[n] == ' ' || s[n] == '\n' || s[n] == 0 ? n : 0;
}

void smtp_reply_take_enhanced(struct smtp_reply *r, char out[SMTP_ENHANCED_MAX])
{
    unsigned class = r->code / 100;
    size_t n = class == 3 ? 0 : enhanced_len(r->text, class);

    memcpy(out, r->text, n);
    out[n] = 0;
    if (n == 0)
        return;

    size_t len = 0;
    bool line_start = true;
    for (size_t i = 0; i < r->len; i++) {
        if (line_start && strncmp(r->text + i, out, n) == 0 &&
            enhanced_len(r->text + i, class) == n) {
            i += n;
            if (r->text[i] == 0)
                break;
            if (r->text[i] == ' ') {
                line_start = false;
                continue;
            }
        }
        line_start = r->text[i] == '\n';
        r->text[len++] = r->text[i];
    }
    r->len = len;
    r->text[len] = 0;
}
