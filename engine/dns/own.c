#include "dns/own.h"
#include "base/net.h"
#include <arpa/inet.h>
#include <string.h>
#include <uv.h>

/* RFC 4291, 2.5.5.2. */
static void map_v4(const struct in_addr *a, struct in6_addr *out)
{
    *out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(&out->s6_addr[12], a, sizeof *a);
}

/* Every address as IPv6. False: it is of neither family. */
static bool plain(const struct sockaddr *address, struct in6_addr *out)
{
    const void *any = address;

    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = any;

        *out = in6->sin6_addr;
        return true;
    }
    if (address->sa_family != AF_INET)
        return false;
    const struct sockaddr_in *in = any;

    map_v4(&in->sin_addr, out);
    return true;
}

static bool is_loopback(const struct in6_addr *a)
{
    return IN6_IS_ADDR_LOOPBACK(a) ||
           (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == IN_LOOPBACKNET);
}

static void add(struct own *o, const struct in6_addr *a)
{
    if (o->n < OWN_ADDRESSES_MAX)
        o->addresses[o->n++] = *a;
}

static void add_interfaces(struct own *o, bool v4_only,
                           const struct sockaddr_storage *interfaces, size_t n)
{
    struct in6_addr a;

    for (size_t i = 0; i < n; i++) {
        const void *any = &interfaces[i];

        if (plain(any, &a) && !is_loopback(&a) &&
            (!v4_only || IN6_IS_ADDR_V4MAPPED(&a)))
            add(o, &a);
    }
}

/* Where the listener is, at the port of mail hosts; false: not there. */
static bool listens_at(const char *listen, uint16_t port, struct in6_addr *out)
{
    struct net_address at;
    struct in_addr v4;

    if (net_parse(listen, &at, NULL) != STATUS_OK || at.port != port)
        return false;
    if (inet_pton(AF_INET, at.host, &v4) != 1)
        return inet_pton(AF_INET6, at.host, out) == 1;
    map_v4(&v4, out);
    return true;
}

void own_set(struct own *o, const char *listen, uint16_t port,
             const struct sockaddr_storage *interfaces, size_t n)
{
    static const struct in6_addr any_v4 = {
        .s6_addr = {[10] = 0xff, [11] = 0xff}};
    struct in6_addr at;
    bool v4;

    o->n = 0;
    if (!listens_at(listen, port, &at))
        return;
    v4 = IN6_ARE_ADDR_EQUAL(&at, &any_v4);
    /* [::] takes IPv4, too: the listener leaves IPV6_V6ONLY off. */
    if (v4 || IN6_IS_ADDR_UNSPECIFIED(&at))
        add_interfaces(o, v4, interfaces, n);
    else
        add(o, &at);
}

void own_find(struct own *o, const struct config *config, const char *name)
{
    struct sockaddr_storage interfaces[OWN_ADDRESSES_MAX] = {0};
    uv_interface_address_t *found = NULL;
    size_t n = 0;
    int n_found = 0;

    o->name = name;
    if (config->inbound_listen[0] &&
        uv_interface_addresses(&found, &n_found) == 0) {
        for (int i = 0; i < n_found && n < OWN_ADDRESSES_MAX; i++, n++)
            memcpy(&interfaces[n], &found[i].address, sizeof found[i].address);
        uv_free_interface_addresses(found, n_found);
    }
    own_set(o, config->inbound_listen, (uint16_t)config->direct_port,
            interfaces, n);
}

bool own_has(const struct own *o, const struct sockaddr *address)
{
    struct in6_addr a;

    if (o->n == 0 || !plain(address, &a))
        return false;
    for (size_t i = 0; i < o->n; i++)
        if (IN6_ARE_ADDR_EQUAL(&o->addresses[i], &a))
            return true;
    return false;
}
