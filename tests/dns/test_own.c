/* Mail hosts that are us, by address. */
#include "dns/mail.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sockaddr_storage at(const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_storage out = {0};

    if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
        memcpy(&out, &in, sizeof in);
    else if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1)
        memcpy(&out, &in6, sizeof in6);
    else
        fail_msg("%s is no address", address);
    return out;
}

static bool has(const struct own *o, const char *address)
{
    struct sockaddr_storage a = at(address);

    return own_has(o, (const struct sockaddr *)&a);
}

static const struct {
    const char *listen, *address;
    bool ours;
} cases[] = {
    /* All of the machine's, but for loopback. */
    {"0.0.0.0:25", "192.0.2.1", true},
    {"0.0.0.0:25", "192.0.2.2", true},
    {"0.0.0.0:25", "192.0.2.3", false},
    {"0.0.0.0:25", "::ffff:192.0.2.1", true},
    {"0.0.0.0:25", "2001:db8::1", false},
    {"0.0.0.0:25", "127.0.0.1", false},
    {"0.0.0.0:25", "127.0.1.1", false},
    {"0.0.0.0:25", "0.0.0.0", false},
    {"[::]:25", "2001:db8::1", true},
    {"[::]:25", "192.0.2.1", true},
    {"[::]:25", "::1", false},
    {"[::]:25", "127.0.0.1", false},
    {"[::]:25", "2001:db8::2", false},
    /* The one that is named, which may be another host's by now. */
    {"192.0.2.1:25", "192.0.2.1", true},
    {"192.0.2.1:25", "192.0.2.2", false},
    {"192.0.2.9:25", "192.0.2.9", true},
    {"127.0.0.1:25", "127.0.0.1", true},
    {"127.0.0.1:25", "127.0.0.2", false},
    {"127.0.0.1:25", "192.0.2.1", false},
    {"[::1]:25", "::1", true},
    {"[2001:DB8::1]:25", "2001:db8::1", true},
    /* Mail hosts are asked at 25. */
    {"0.0.0.0:26", "192.0.2.1", false},
    {"192.0.2.1:2525", "192.0.2.1", false},
    {"", "192.0.2.1", false},
    {"nonsense", "192.0.2.1", false},
    {"mx.example:25", "192.0.2.1", false},
};

static void an_address_is_ours_where_we_listen(void **state)
{
    const struct sockaddr_storage interfaces[] = {
        at("127.0.0.1"), at("::1"), at("192.0.2.1"), at("192.0.2.2"),
        at("2001:db8::1")};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct own own = {.n = 7}; /* of before */

        own_set(&own, cases[i].listen, 25, interfaces,
                sizeof interfaces / sizeof *interfaces);
        if (has(&own, cases[i].address) != cases[i].ours)
            fail_msg("%s: %s", cases[i].listen, cases[i].address);
    }
}

static void more_interfaces_than_there_is_room_for(void **state)
{
    static struct sockaddr_storage many[OWN_ADDRESSES_MAX + 1];
    struct own own;

    (void)state;
    for (size_t i = 0; i <= OWN_ADDRESSES_MAX; i++)
        many[i] = at("192.0.2.1");
    many[OWN_ADDRESSES_MAX] = at("192.0.2.2");
    own_set(&own, "0.0.0.0:25", 25, many, OWN_ADDRESSES_MAX + 1);
    assert_int_equal(own.n, OWN_ADDRESSES_MAX);
    assert_true(has(&own, "192.0.2.1"));
    assert_false(has(&own, "192.0.2.2"));
}

/* What this machine has is found: a mail host at any of it is us. */
static void interfaces_are_found(void **state)
{
    static char listen[] = "[::]:25";
    static struct config config = {.inbound_listen = listen};
    struct ifaddrs *all;
    struct own own;

    (void)state;
    config.direct_port = 25;
    own_find(&own, &config, "us.example");
    assert_string_equal(own.name, "us.example");
    assert_false(has(&own, "127.0.0.1"));
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        if (i->ifa_addr && i->ifa_flags & IFF_UP &&
            i->ifa_flags & IFF_RUNNING && !(i->ifa_flags & IFF_LOOPBACK) &&
            (i->ifa_addr->sa_family == AF_INET ||
             i->ifa_addr->sa_family == AF_INET6))
            assert_true(own_has(&own, i->ifa_addr));
    freeifaddrs(all);
    config.direct_port = 26;
    own_find(&own, &config, "us.example");
    assert_int_equal(own.n, 0);
}

static struct dns_mail_host host(unsigned preference, const char *address)
{
    struct dns_mail_host h = {.preference = preference, .n_addresses = 2};

    h.addresses[0] = at("2001:db8::99");
    h.addresses[1] = at(address);
    return h;
}

/* RFC 5321, 5.1: only those better than us, by any of our addresses. */
static void cuts_hosts_that_are_no_better(void **state)
{
    const struct dns_mail_host hosts[] = {
        host(0, "192.0.2.10"), host(1, "192.0.2.11"), host(2, "192.0.2.12"),
        host(2, "192.0.2.1"),  host(2, "192.0.2.13"), host(3, "192.0.2.1")};
    const struct sockaddr_storage interface = at("192.0.2.1");
    struct own own;
    size_t loop;

    (void)state;
    own_set(&own, "0.0.0.0:25", 25, &interface, 1);
    assert_int_equal(dns_mail_better(hosts, 6, &own, &loop), 2);
    assert_int_equal(loop, 3);
    assert_int_equal(dns_mail_better(hosts + 2, 4, &own, &loop), 0);
    assert_int_equal(loop, 1);
    assert_int_equal(dns_mail_better(hosts, 3, &own, &loop), 3);
    assert_int_equal(loop, 3);
    assert_int_equal(dns_mail_better(hosts, 0, &own, &loop), 0);
    assert_int_equal(loop, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_ours_where_we_listen),
        cmocka_unit_test(more_interfaces_than_there_is_room_for),
        cmocka_unit_test(interfaces_are_found),
        cmocka_unit_test(cuts_hosts_that_are_no_better),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
