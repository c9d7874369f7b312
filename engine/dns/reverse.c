#include "dns/reverse.h"
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const unsigned char *bytes_of(const struct sockaddr_storage *address)
{
    const void *any = address;

    if (address->ss_family == AF_INET6)
        return ((const struct sockaddr_in6 *)any)->sin6_addr.s6_addr;
    return (const unsigned char *)&((const struct sockaddr_in *)any)->sin_addr;
}

const char *dns_reverse(const struct sockaddr_storage *address, char *out)
{
    const unsigned char *b = bytes_of(address);
    size_t n = 0;

    if (address->ss_family != AF_INET6) {
        snprintf(out, DNS_NAME_MAX, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2],
                 b[1], b[0]);
        return out;
    }
    for (int i = 15; i >= 0; i--)
        n += (size_t)snprintf(out + n, DNS_NAME_MAX - n, "%x.%x.", b[i] & 15u,
                              (unsigned)b[i] >> 4);
    snprintf(out + n, DNS_NAME_MAX - n, "ip6.arpa");
    return out;
}

/* Prefixes of IPv4, in bits. */
static const struct {
    unsigned char bytes[4];
    unsigned bits;
} private4[] = {
    {{0}, 8},         {{10}, 8},
    {{100, 64}, 10},  {{127}, 8},
    {{169, 254}, 16}, {{172, 16}, 12},
    {{192, 168}, 16}, {{224}, 4},
    {{240}, 4},       {{198, 18, 0, 0}, 15},
};

static bool within(const unsigned char *b, const unsigned char *prefix,
                   unsigned bits)
{
    for (unsigned i = 0; i < bits; i++)
        if ((b[i / 8] ^ prefix[i / 8]) & (0x80u >> i % 8))
            return false;
    return true;
}

static bool is_private4(const unsigned char *b)
{
    for (size_t i = 0; i < sizeof private4 / sizeof *private4; i++)
        if (within(b, private4[i].bytes, private4[i].bits))
            return true;
    return false;
}

bool dns_is_private(const struct sockaddr_storage *address)
{
    static const unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff};
    const unsigned char global = 0x20; /* 2000::/3 is what is in use */
    const unsigned char *b = bytes_of(address);

    if (address->ss_family != AF_INET6)
        return is_private4(b);
    if (within(b, mapped, 96))
        return is_private4(b + 12);
    return !within(b, &global, 3);
}
