#include "base/net.h"
#include <stdbool.h>
#include <stdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static bool port_parse(const char *text, uint16_t *port)
{
    unsigned value = 0;
    size_t len = strlen(text);

    if (!len || len > 5)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (unsigned)(*text - '0');
    }
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

static bool host_char(char c, bool bracketed)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           (bracketed && (c == ':' || c == '%'));
}

enum status net_parse(const char *text, struct net_address *out,
                      struct error *err)
{
    const char *host = text, *colon = strrchr(text, ':');
    bool bracketed = *text == '[';

    if (!colon)
        return fail(err, STATUS_INVALID, "no port: host:port is wanted");
    size_t len = (size_t)(colon - text);
    if (bracketed) {
        if (len < 2 || host[len - 1] != ']')
            return fail(err, STATUS_INVALID, "no port after the brackets");
        host++;
        len -= 2;
    } else if (memchr(host, ':', len)) {
        return fail(err, STATUS_INVALID,
                    "an IPv6 address needs brackets: [::1]:25");
    }
    if (!len || len >= NET_HOST_MAX)
        return fail(err, STATUS_INVALID, len ? "host too long" : "no host");
    for (size_t i = 0; i < len; i++)
        if (!host_char(host[i], bracketed))
            return fail(err, STATUS_INVALID, "bad character in the host");
    if (!port_parse(colon + 1, &out->port))
        return fail(err, STATUS_INVALID, "the port is no number up to 65535");
    memcpy(out->host, host, len);
    out->host[len] = 0;
    return STATUS_OK;
}

const char *net_text(const struct net_address *address, char *out)
{
    bool colon = strchr(address->host, ':') != NULL;

    snprintf(out, NET_TEXT_MAX, "%s%s%s:%u", colon ? "[" : "", address->host,
             colon ? "]" : "", (unsigned)address->port);
    return out;
}

const char *net_reach(const char *listen, char *out)
{
    struct net_address at = {0};

    if (net_parse(listen, &at, NULL) != STATUS_OK) {
        snprintf(out, NET_TEXT_MAX, "%s", listen);
        return out;
    }
    if (!strcmp(at.host, "0.0.0.0"))
        snprintf(at.host, sizeof at.host, "127.0.0.1");
    else if (!strcmp(at.host, "::"))
        snprintf(at.host, sizeof at.host, "::1");
    return net_text(&at, out);
}

/* ---- Public or not ---- */

struct range {
    unsigned char bytes[16];
    unsigned bits;
};

static bool is_in(const unsigned char *address, const struct range *r)
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;

    if (memcmp(address, r->bytes, whole) != 0)
        return false;
    return rest == 0 || ((address[whole] ^ r->bytes[whole]) &
                         (0xff << (8 - rest) & 0xff)) == 0;
}

static bool is_public_v4(const unsigned char *address)
{
    static const struct range special[] = {
        {{0}, 8},
        {{10}, 8},
        {{100, 64}, 10},
        {{127}, 8},
        {{169, 254}, 16},
        {{172, 16}, 12},
        {{192, 0, 0}, 24},
        {{192, 0, 2}, 24},
        {{192, 88, 99}, 24},
        {{192, 168}, 16},
        {{198, 18}, 15},
        {{198, 51, 100}, 24},
        {{203, 0, 113}, 24},
        {{224}, 3},
    };

    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (is_in(address, &special[i]))
            return false;
    return true;
}

static bool is_public_v6(const unsigned char *address)
{
    static const struct range global = {{0x20}, 3};
    static const struct range special[] = {
        {{0x20, 0x01}, 23},             /* Teredo and others */
        {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
        {{0x3f, 0xff}, 20},
    };
    static const struct range mapped = {
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
    static const struct range nat64 = {{0, 0x64, 0xff, 0x9b}, 96};
    static const struct range six_to_four = {{0x20, 0x02}, 16};
    const size_t last4 = 12, behind_prefix = 2;

    if (is_in(address, &mapped) || is_in(address, &nat64))
        return is_public_v4(address + last4);
    if (is_in(address, &six_to_four))
        return is_public_v4(address + behind_prefix);
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (is_in(address, &special[i]))
            return false;
    return is_in(address, &global);
}

bool net_is_public(const struct sockaddr *address)
{
    /* A sockaddr is made to be read as what its family says. */
    const void *any = address;
    unsigned char bytes[16];

    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = any;

        memcpy(bytes, &in->sin_addr, sizeof in->sin_addr);
        return is_public_v4(bytes);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = any;

        memcpy(bytes, &in6->sin6_addr, sizeof bytes);
        return is_public_v6(bytes);
    }
    return false;
}
