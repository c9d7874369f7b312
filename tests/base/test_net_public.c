#include "base/net.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static bool is_public(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return net_is_public((const struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return net_is_public((const struct sockaddr *)&in6);
}

static void knows_public_addresses(void **state)
{
    static const char *const yes[] = {
        "1.1.1.1",     "9.255.255.255",  "11.0.0.0",         "100.63.255.255",
        "100.128.0.0", "172.15.0.1",     "172.32.0.1",       "192.167.1.1",
        "198.17.0.1",  "198.20.0.1",     "223.255.255.255",  "2606:4700::1",
        "2a00::1",     "::ffff:1.1.1.1", "64:ff9b::808:808", "2002:101:101::"};

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!is_public(yes[i]))
            fail_msg("not public: %s", yes[i]);
}

static void knows_the_others(void **state)
{
    static const char *const no[] = {"0.0.0.0",
                                     "0.1.2.3",
                                     "10.1.2.3",
                                     "100.64.0.1",
                                     "100.127.255.255",
                                     "127.0.0.1",
                                     "127.255.0.1",
                                     "169.254.169.254",
                                     "172.16.0.1",
                                     "172.31.255.255",
                                     "192.0.0.8",
                                     "192.0.2.1",
                                     "192.168.0.1",
                                     "198.18.0.1",
                                     "198.19.255.255",
                                     "198.51.100.7",
                                     "203.0.113.7",
                                     "224.0.0.1",
                                     "239.1.1.1",
                                     "240.0.0.1",
                                     "255.255.255.255",
                                     "::",
                                     "::1",
                                     "::127.0.0.1",
                                     "::ffff:10.0.0.1",
                                     "::ffff:127.0.0.1",
                                     "64:ff9b::a00:1",
                                     "2002:a00:1::",
                                     "2001::1",
                                     "2001:db8::1",
                                     "fc00::1",
                                     "fd12::1",
                                     "fe80::1",
                                     "fec0::1",
                                     "ff02::1",
                                     "100::1"};

    (void)state;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (is_public(no[i]))
            fail_msg("public: %s", no[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_public_addresses),
        cmocka_unit_test(knows_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
