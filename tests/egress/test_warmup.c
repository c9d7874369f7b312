#include "egress/here.h"
#include "egress/warmup.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void schedules(void **state)
{
    static const char *const bad[] = {"",
                                      ",",
                                      "5,",
                                      ",5",
                                      "5,,6",
                                      "0",
                                      "-1",
                                      "5 6",
                                      "x",
                                      "5;6",
                                      "+5",
                                      "1e3",
                                      "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(warmup_is_valid(bad[i]));
        assert_int_equal(warmup_per_day(bad[i], 1), 0);
    }
    assert_true(warmup_is_valid("50,100,1000000000"));
    assert_int_equal(warmup_per_day("50,100,500", 0), 0);
    assert_int_equal(warmup_per_day("50,100,500", 1), 50);
    assert_int_equal(warmup_per_day("50,100,500", 2), 100);
    assert_int_equal(warmup_per_day("50,100,500", 3), 500);
    assert_int_equal(warmup_per_day("50,100,500", 4), 0);
}

static void tells_which_addresses_are_here(void **state)
{
    struct sockaddr_storage address;
    socklen_t len;

    (void)state;
    assert_true(egress_address("127.0.3.1", &address, &len));
    assert_int_equal(egress_here(&address, len), 0);
    assert_true(egress_address("192.0.2.77", &address, &len));
    assert_int_equal(egress_here(&address, len), EADDRNOTAVAIL);
    assert_true(egress_address("2001:db8::77", &address, &len));
    assert_int_not_equal(egress_here(&address, len), 0);
    assert_false(egress_address("192.0.2", &address, &len));
    assert_false(egress_address("out.example", &address, &len));
    assert_false(egress_address("", &address, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules),
        cmocka_unit_test(tells_which_addresses_are_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
