#include "queue/uuid.h"

static int hex_nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(const char *text, unsigned char uuid[UUID_BYTES])
{
    int digits = 0;

    for (; *text && digits < 2 * UUID_BYTES; text++) {
        int v = hex_nibble(*text);

        if (*text == '-')
            continue;
        if (v < 0)
            return false;
        uuid[digits / 2] = (unsigned char)(uuid[digits / 2] << 4 | v);
        digits++;
    }
    return digits == 2 * UUID_BYTES;
}

void uuid_text(const unsigned char uuid[UUID_BYTES], char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[uuid[i] >> 4];
        *out++ = digits[uuid[i] & 0xf];
    }
    *out = 0;
}
