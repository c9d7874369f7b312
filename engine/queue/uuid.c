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
