#include "dns/txt.h"

size_t dns_txt(const struct dns_data *data, char *out, size_t max)
{
    size_t n = 0;

    for (size_t at = 0; at < data->len;) {
        size_t left = data->bytes[at++];

        for (; left > 0 && at < data->len; left--, at++) {
            unsigned char c = data->bytes[at];

            if (n + 1 < max)
                out[n++] = c >= ' ' && c < 0x7f ? (char)c : '?';
        }
    }
    out[n] = 0;
    return n;
}
