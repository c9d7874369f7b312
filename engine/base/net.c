#include "base/net.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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
