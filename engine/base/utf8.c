#include "base/utf8.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* The range of the second byte is what rules out overlong forms (e0, f0),
 * surrogates (ed) and code points that do not exist (f4); RFC 3629, 4. */
static bool is_second(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0: return second >= 0xa0 && second <= 0xbf;
    case 0xed: return second >= 0x80 && second <= 0x9f;
    case 0xf0: return second >= 0x90 && second <= 0xbf;
    case 0xf4: return second >= 0x80 && second <= 0x8f;
    default: return is_tail(second);
    }
}

size_t utf8_char(const char *p, size_t left)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t n;

    if (left == 0)
        return 0;
    if (u[0] < 0x80)
        return 1;
    if (u[0] < 0xc2 || u[0] > 0xf4)
        return 0;
    n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    if (left < n || !is_second(u[0], u[1]))
        return 0;
    for (size_t i = 2; i < n; i++)
        if (!is_tail(u[i]))
            return 0;
    return n;
}

size_t utf8_check(const char *p, size_t len)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    size_t at = 0;

    while (at < len) {
        uint64_t word;
        size_t n;

        /* Mail is mostly ASCII: eight bytes at a time. */
        if (len - at >= sizeof word) {
            memcpy(&word, p + at, sizeof word);
            if (!(word & high)) {
                at += sizeof word;
                continue;
            }
        }
        n = utf8_char(p + at, len - at);
        if (n == 0)
            return at;
        at += n;
    }
    return len;
}

bool utf8_one_line(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < ' ' || *p == 0x7f ||
            (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
            return false;
    return true;
}

bool utf8_is_ascii(const char *bytes, size_t len)
{
    uint64_t all = 0, eight;
    size_t i = 0;

    for (; i + sizeof eight <= len; i += sizeof eight) {
        memcpy(&eight, bytes + i, sizeof eight);
        all |= eight;
    }
    for (; i < len; i++)
        all |= (unsigned char)bytes[i];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}
