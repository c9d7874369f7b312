#include "api/upload/recipient.h"
#include "base/utf8.h"
#include "mail/address.h"
#include <stdarg.h>
#include <stdio.h>

enum { LABEL_MAX = 63 };

/* What a byte may be in the plain common form of an address. */
enum kind { OTHER, ALNUM, LOCAL, HYPHEN, DOT, AT };

static enum kind kind_at(const char *text, size_t at)
{
    char c = text[at];

    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
        (c >= 'A' && c <= 'Z'))
        return ALNUM;
    if (c == '_' || c == '+')
        return LOCAL;
    if (c == '-')
        return HYPHEN;
    if (c == '.')
        return DOT;
    return c == '@' ? AT : OTHER;
}

/* Letters, digits and _ + -, single dots between them, an @, labels of letters
 * and digits with hyphens inside: nearly every address there is. False means
 * no more than: ask address_parse_spec. */
static bool is_plain(const char *text, size_t len)
{
    size_t at = 0, label;
    bool dot = true; /* one may not stand here */

    if (len >= ADDRESS_MAX)
        return false;
    for (enum kind k; at < len && (k = kind_at(text, at)) != AT; at++) {
        if (k == OTHER || (dot && k == DOT))
            return false;
        dot = k == DOT;
    }
    if (dot || at == len)
        return false;
    for (label = ++at; at < len; at++) {
        enum kind k = kind_at(text, at);

        if (k == ALNUM || (k == HYPHEN && at > label))
            continue;
        if (k != DOT || at == label || kind_at(text, at - 1) == HYPHEN ||
            at - label > LABEL_MAX)
            return false;
        label = at + 1;
    }
    return at > label && at - label <= LABEL_MAX &&
           kind_at(text, at - 1) == ALNUM;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum status recipient_offer(const struct upload_sink *sink, uint64_t line,
                            const char *address, size_t address_len,
                            const char *variables, size_t variables_len,
                            struct error *err)
{
    while (address_len > 0 && is_blank(address[0]))
        address++, address_len--;
    while (address_len > 0 && is_blank(address[address_len - 1]))
        address_len--;
    if (!is_plain(address, address_len)) {
        struct address parsed;
        struct error why;

        if (address_parse_spec(address, address_len, &parsed, &why) !=
            STATUS_OK) {
            recipient_reject(sink, line, address, address_len, "email: %s",
                             why.text);
            return STATUS_OK;
        }
    }
    const char *why =
        sink->refuse ? sink->refuse(sink->context, variables, variables_len)
                     : NULL;
    if (why) {
        recipient_reject(sink, line, address, address_len, "%s", why);
        return STATUS_OK;
    }
    return sink->take(sink->context, address, address_len, variables,
                      variables_len, err);
}

void recipient_reject(const struct upload_sink *sink, uint64_t line,
                      const char *value, size_t value_len, const char *fmt, ...)
{
    char reason[UPLOAD_REASON_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    sink->reject(sink->context, line, reason, value, value_len);
}

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

void recipient_json_text(struct buf *b, const char *text, size_t len)
{
    /* At most \u001f for each byte. */
    char *start = buf_reserve(b, len * 6 + 2), *to = start;

    *to++ = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (!needs_escape(c)) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '\\';
        if (c == '"' || c == '\\') {
            *to++ = (char)c;
        } else if (c == '\n' || c == '\r' || c == '\t') {
            *to++ = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
        } else {
            memcpy(to, "u00", 3);
            to[3] = (char)('0' + (c >> 4));
            to[4] = "0123456789abcdef"[c & 15];
            to += 5;
        }
    }
    *to++ = '"';
    b->len += (size_t)(to - start);
    *to = 0;
}

static bool has_high_bit(const char *text, size_t len)
{
    uint64_t seen = 0, word;
    size_t i = 0;

    for (; i + sizeof word <= len; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        seen |= word;
    }
    for (; i < len; i++)
        seen |= (unsigned char)text[i];
    return seen & UINT64_C(0x8080808080808080);
}

const char *recipient_text_flaw(const char *text, size_t len)
{
    if (memchr(text, 0, len))
        return "has a NUL byte";
    if (has_high_bit(text, len) && utf8_check(text, len) != len)
        return "is not UTF-8";
    return NULL;
}
