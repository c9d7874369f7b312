/* Names of addresses, and domains that count as one for DMARC. */
#include "dns/align.h"
#include "dns/reverse.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_storage out = {0};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        memcpy(&out, &in, sizeof in);
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        memcpy(&out, &in6, sizeof in6);
    else
        fail();
    return out;
}

static void names_of_addresses(void **state)
{
    struct sockaddr_storage a = address("192.0.2.10");
    char name[DNS_NAME_MAX];

    (void)state;
    assert_string_equal(dns_reverse(&a, name), "10.2.0.192.in-addr.arpa");
    /* The example of RFC 3596, 2.5. */
    a = address("4321:0:1:2:3:4:567:89ab");
    assert_string_equal(dns_reverse(&a, name),
                        "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0."
                        "0.0.1.2.3.4.ip6.arpa");
}

static const struct {
    const char *address;
    bool private;
} addresses[] = {
    {"10.255.0.1", true},
    {"11.0.0.0", false},
    {"172.16.0.1", true},
    {"172.31.255.255", true},
    {"172.32.0.0", false},
    {"172.15.255.255", false},
    {"192.168.1.1", true},
    {"192.169.0.1", false},
    {"127.0.0.1", true},
    {"0.1.2.3", true},
    {"100.64.0.1", true},
    {"100.128.0.1", false},
    {"169.254.1.1", true},
    {"198.19.0.1", true},
    {"198.20.0.1", false},
    {"224.0.0.1", true},
    {"255.255.255.255", true},
    {"8.8.8.8", false},
    {"::1", true},
    {"::", true},
    {"fe80::1", true},
    {"fd00::1", true},
    {"2a00::1", false},
    {"::ffff:10.0.0.1", true},
    {"::ffff:8.8.8.8", false},
};

static void some_addresses_are_private(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct sockaddr_storage a = address(addresses[i].address);

        if (dns_is_private(&a) != addresses[i].private)
            fail_msg("%s", addresses[i].address);
    }
}

static const struct {
    const char *from, *other;
    bool strict;
    enum aligned expected;
} pairs[] = {
    {"a.example", "a.example", true, ALIGNED_YES},
    {"a.example", "b.a.example", false, ALIGNED_YES},
    {"b.a.example", "a.example", false, ALIGNED_YES},
    {"b.a.example", "a.example", true, ALIGNED_NO},
    {"x.a.example", "y.a.example", false, ALIGNED_MAYBE},
    {"x.co.uk", "y.co.uk", false, ALIGNED_MAYBE},
    {"a.example", "b.example", false, ALIGNED_NO},
    {"a.example", "xa.example", false, ALIGNED_NO},
    {"a.example", "a.test", false, ALIGNED_NO},
};

static void domains_align(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_int_equal(
            domains_aligned(pairs[i].from, pairs[i].other, pairs[i].strict),
            pairs[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_addresses),
        cmocka_unit_test(some_addresses_are_private),
        cmocka_unit_test(domains_align),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
