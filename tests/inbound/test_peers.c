/* How much each client may take up. */
#include "inbound/peers.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct peers peers;

static struct peer *enter(const char *address, int64_t most)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
        return peer_enter(&peers, (const struct sockaddr *)&in, most);
    assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
    return peer_enter(&peers, (const struct sockaddr *)&in6, most);
}

static void connections(void **state)
{
    struct peer *a = enter("192.0.2.1", 2);

    (void)state;
    assert_non_null(a);
    assert_ptr_equal(enter("192.0.2.1", 2), a);
    assert_null(enter("192.0.2.1", 2));
    assert_non_null(enter("192.0.2.2", 2)); /* another's are another's */
    peer_leave(a);
    assert_ptr_equal(enter("192.0.2.1", 2), a);
    /* Of IPv6 all of a /64 are one. */
    assert_non_null(enter("2001:db8::1", 1));
    assert_null(enter("2001:db8::2", 1));
    assert_non_null(enter("2001:db8:0:1::1", 1));
    peers_fini(&peers);
    memset(&peers, 0, sizeof peers);
}

static void mails_a_minute(void **state)
{
    struct peer *a = enter("192.0.2.1", 1), *b = enter("192.0.2.2", 1);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(peer_bring(a, 1000000 + i, 3));
    assert_false(peer_bring(a, 1000003, 3));
    assert_false(peer_bring(a, 1059900, 3));
    assert_true(peer_bring(b, 1000003, 3));
    assert_true(peer_bring(a, 1062000, 3));
    /* Who goes and comes again within the minute has not more. */
    assert_true(peer_bring(a, 1062001, 3) && peer_bring(a, 1062002, 3));
    peer_leave(a);
    peers_sweep(&peers, 1062003);
    a = enter("192.0.2.1", 1);
    assert_false(peer_bring(a, 1062004, 3));
    peers_fini(&peers);
    memset(&peers, 0, sizeof peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections),
        cmocka_unit_test(mails_a_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
