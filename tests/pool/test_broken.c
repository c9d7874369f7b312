#include "pool/broken.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sockaddr_storage at(const char *address, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons(port)};
    struct sockaddr_storage out = {0};

    if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
        memcpy(&out, &in, sizeof in);
    else if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1)
        memcpy(&out, &in6, sizeof in6);
    return out;
}

static void note(struct broken_tls *b, struct sockaddr_storage a, int64_t now)
{
    broken_tls_note(b, (struct sockaddr *)&a, now);
}

static bool is(struct broken_tls *b, struct sockaddr_storage a, int64_t now)
{
    return broken_tls_is(b, (struct sockaddr *)&a, now);
}

static void lasts_an_hour(void **state)
{
    struct broken_tls *b = broken_tls_new();
    const int64_t hour = 3600 * 1000;

    (void)state;
    assert_false(is(b, at("192.0.2.1", 25), 5));
    note(b, at("192.0.2.1", 25), 5);
    assert_true(is(b, at("192.0.2.1", 25), 5));
    assert_true(is(b, at("192.0.2.1", 25), hour + 4));
    assert_false(is(b, at("192.0.2.1", 25), hour + 5));
    note(b, at("192.0.2.1", 25), hour);
    assert_true(is(b, at("192.0.2.1", 25), hour + 5));
    broken_tls_free(b);
    broken_tls_free(NULL);
}

static void is_of_an_address_and_port(void **state)
{
    struct broken_tls *b = broken_tls_new();
    struct sockaddr_storage flow = at("2001:db8::1", 25);
    struct sockaddr_in6 in6;

    (void)state;
    note(b, at("192.0.2.1", 25), 1);
    note(b, at("2001:db8::1", 25), 1);
    assert_false(is(b, at("192.0.2.1", 26), 2));
    assert_false(is(b, at("192.0.2.2", 25), 2));
    assert_false(is(b, at("2001:db8::2", 25), 2));
    /* The flow label leads nowhere else. */
    memcpy(&in6, &flow, sizeof in6);
    in6.sin6_flowinfo = 7;
    memcpy(&flow, &in6, sizeof in6);
    assert_true(is(b, flow, 2));
    broken_tls_free(b);
}

static void is_forgotten_on_demand(void **state)
{
    struct broken_tls *b = broken_tls_new();
    struct sockaddr_storage a = at("192.0.2.1", 25), other = at("::1", 25);

    (void)state;
    note(b, a, 1);
    broken_tls_forget(b, (struct sockaddr *)&other);
    assert_true(is(b, a, 2));
    broken_tls_forget(b, (struct sockaddr *)&a);
    assert_false(is(b, a, 2));
    broken_tls_free(b);
}

/* However many come: the newest is known, and most of as many as half of the
 * room. */
static void is_bounded(void **state)
{
    struct broken_tls *b = broken_tls_new();
    size_t known = 0;

    (void)state;
    for (uint32_t i = 0; i < 20 * BROKEN_TLS_MAX; i++) {
        struct sockaddr_in in = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(i)};

        broken_tls_note(b, (struct sockaddr *)&in, 1);
        assert_true(broken_tls_is(b, (struct sockaddr *)&in, 1));
    }
    broken_tls_free(b);
    b = broken_tls_new();
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < BROKEN_TLS_MAX / 2; i++) {
            struct sockaddr_in in = {.sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(i)};

            if (round == 0)
                broken_tls_note(b, (struct sockaddr *)&in, 1);
            else
                known += broken_tls_is(b, (struct sockaddr *)&in, 1);
        }
    assert_true(known > BROKEN_TLS_MAX / 3);
    broken_tls_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lasts_an_hour),
        cmocka_unit_test(is_of_an_address_and_port),
        cmocka_unit_test(is_forgotten_on_demand),
        cmocka_unit_test(is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
