#include "cli/sink/ledger.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_told(const struct sink_ledger *ledger, const char *part)
{
    struct buf out = {0};

    sink_ledger_totals(ledger, &out);
    if (!strstr(out.data, part))
        fail_msg("no %s in %s", part, out.data);
    buf_fini(&out);
}

/* Any minute counts (of 59.9 seconds), wherever it begins; a connection that
 * began a minute ago is not of it. */
static void connections_of_a_minute(void **state)
{
    static const int64_t began_ms[] = {7,     50000, 50001,  59906, 59907,
                                       60008, 70000, 109899, 400000};
    static const char *const most[] = {"1", "2", "3", "4", "4",
                                       "5", "6", "7", "7"};
    struct sink_ledger ledger;
    struct error err;
    char part[64];

    (void)state;
    assert_int_equal(sink_ledger_init(&ledger, false, NULL, &err), STATUS_OK);
    assert_told(&ledger, "\"max_connections_a_minute\": 0,");
    for (size_t i = 0; i < sizeof began_ms / sizeof *began_ms; i++) {
        sink_ledger_connected(&ledger, began_ms[i]);
        snprintf(part, sizeof part, "\"max_connections_a_minute\": %s,",
                 most[i]);
        assert_told(&ledger, part);
    }
    assert_told(&ledger, "\"connections\": 9, \"open\": 9, "
                         "\"max_connections\": 9,");
    sink_ledger_fini(&ledger);
}

/* More than the ring holds: its size is told, and what comes a minute later is
 * counted as ever. */
static void more_than_are_kept(void **state)
{
    struct sink_ledger ledger;
    struct error err;

    (void)state;
    assert_int_equal(sink_ledger_init(&ledger, false, NULL, &err), STATUS_OK);
    for (int64_t i = 0; i < 2 * SINK_MINUTE_MAX + 5; i++)
        sink_ledger_connected(&ledger, i);
    assert_told(&ledger, "\"max_connections_a_minute\": 4096,");
    sink_ledger_connected(&ledger, 1000000);
    assert_int_equal(ledger.minute.n, 1);
    assert_int_equal(ledger.minute.most, SINK_MINUTE_MAX);
    sink_ledger_fini(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_of_a_minute),
        cmocka_unit_test(more_than_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
