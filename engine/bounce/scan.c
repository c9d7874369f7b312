#include "bounce/scan.h"
#include "mail/address.h"
#include <string.h>
#include <strings.h>

bool scan_line(struct span *rest, struct span *line)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->s, '\n', rest->len);
    size_t len = end ? (size_t)(end - rest->s) : rest->len;
    size_t used = end ? len + 1 : len;

    line->s = rest->s;
    line->len = len && rest->s[len - 1] == '\r' ? len - 1 : len;
    rest->s += used;
    rest->len -= used;
    return true;
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

struct span scan_trim(struct span s)
{
    while (s.len && is_blank(s.s[0]))
        s.s++, s.len--;
    while (s.len && is_blank(s.s[s.len - 1]))
        s.len--;
    return s;
}

bool scan_starts(struct span s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && strncasecmp(s.s, prefix, n) == 0;
}

bool scan_is(struct span s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.s, text, s.len) == 0;
}

bool scan_field(struct span line, struct span *name, struct span *value)
{
    size_t n = 0;

    while (n < line.len && line.s[n] > ' ' && line.s[n] < 127 &&
           line.s[n] != ':')
        n++;
    *name = (struct span){line.s, n};
    while (n < line.len && line.s[n] == ' ')
        n++;
    if (name->len == 0 || n == line.len || line.s[n] != ':')
        return false;
    *value = scan_trim((struct span){line.s + n + 1, line.len - n - 1});
    return true;
}

bool scan_header(struct span block, const char *name, struct span *value)
{
    struct span line, field;

    while (scan_line(&block, &line)) {
        if (!scan_field(line, &field, value) || !scan_is(field, name))
            continue;
        const char *end = line.s + line.len;
        while (block.len && (block.s[0] == ' ' || block.s[0] == '\t') &&
               scan_line(&block, &line))
            end = line.s + line.len;
        value->len = (size_t)(end - value->s);
        *value = scan_trim(*value);
        return true;
    }
    return false;
}

static bool is_atext(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static bool is_domain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

/* Where the local part that ends before at starts. */
static size_t local_start(struct span text, size_t at)
{
    size_t from = at;

    if (at >= 2 && text.s[at - 1] == '"') {
        for (size_t i = at - 1; i > 0 && at - i < ADDRESS_MAX; i--)
            if (text.s[i - 1] == '"' && (i < 2 || text.s[i - 2] != '\\'))
                return i - 1;
        return at;
    }
    /* In angle brackets it may be UTF-8 (RFC 6531); in running text the
     * characters before it may be a sentence. */
    while (from > 0 && at - from < ADDRESS_MAX &&
           (is_atext(text.s[from - 1]) || (text.s[from - 1] & 0x80)))
        from--;
    if (from > 0 && text.s[from - 1] == '<')
        return from;
    from = at;
    while (from > 0 && at - from < ADDRESS_MAX && is_atext(text.s[from - 1]))
        from--;
    while (from < at && strchr("'*=|.`", text.s[from]))
        from++;
    return from;
}

static size_t domain_end(struct span text, size_t at)
{
    size_t end = at;

    if (end < text.len && text.s[end] == '[') {
        while (end < text.len && end - at < ADDRESS_MAX && text.s[end] != ']')
            end++;
        return end < text.len && text.s[end] == ']' ? end + 1 : at;
    }
    bool angle = false;
    while (end < text.len && end - at < ADDRESS_MAX &&
           (is_domain(text.s[end]) || (text.s[end] & 0x80)))
        end++;
    angle = end < text.len && text.s[end] == '>';
    if (!angle) {
        end = at;
        while (end < text.len && end - at < ADDRESS_MAX &&
               is_domain(text.s[end]))
            end++;
    }
    while (end > at && strchr(".-_", text.s[end - 1]))
        end--;
    return end;
}

bool scan_address(struct span text, struct span *address, struct span *behind)
{
    size_t from = 0;

    while (from < text.len) {
        const char *hit = memchr(text.s + from, '@', text.len - from);
        if (!hit)
            return false;
        size_t at = (size_t)(hit - text.s);
        size_t start = local_start(text, at);
        size_t end = domain_end(text, at + 1);
        from = at + 1;
        if (start == at || end == at + 1 || end - start >= ADDRESS_MAX)
            continue;
        /* "david...@example.com" was shortened for the public. */
        if (at - start > 3 && memcmp(text.s + at - 3, "...", 3) == 0)
            continue;
        if (end + 1 < text.len && memcmp(text.s + end, "..", 2) == 0)
            continue;
        *address = (struct span){text.s + start, end - start};
        if (behind)
            *behind = (struct span){text.s + end, text.len - end};
        return true;
    }
    return false;
}
