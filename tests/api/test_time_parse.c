#include "api/time_parse.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define NOW INT64_C(1795412460000000) /* 2026-11-23T05:41:00Z */
#define S INT64_C(1000000)

static const struct {
    const char *text;
    int64_t us;
} good[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1969-12-31T23:59:59.5Z", -S / 2},
    {"2026-11-23T05:41:00Z", NOW},
    {"2026-11-23 05:41:00z", NOW},
    {"2026-11-23t05:41Z", NOW},
    {"2026-11-23T05:41:00.123456789Z", NOW + 123456},
    {"2026-11-23T05:41:00,5Z", NOW + S / 2},
    {"2026-11-23T06:41:00+01:00", NOW},
    {"2026-11-23T11:11:00+0530", NOW},
    {"2026-11-22T21:41:00-08", NOW},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800) * S},
    {"2000-02-29T23:59:60Z", INT64_C(951868800) * S},
    {"9999-12-31T23:59:59Z", INT64_C(253402300799) * S},
    {"in 1 min", NOW + 60 * S},
    {"in 10 minutes", NOW + 600 * S},
    {"In 30 sec", NOW + 30 * S},
    {"45 seconds", NOW + 45 * S},
    {"1 hour", NOW + 3600 * S},
    {"in an hour", NOW + 3600 * S},
    {"in a day", NOW + 86400 * S},
    {"in 2 days", NOW + 2 * 86400 * S},
    {"in 1 week", NOW + 7 * 86400 * S},
    {"5m", NOW + 300 * S},
    {"in  3   hrs", NOW + 3 * 3600 * S},
    {"in 0 sec", NOW},
};

static const char *const bad[] = {
    "",
    "now",
    "tomorrow",
    "in",
    "in ",
    "in 5",
    "in min",
    "in 5 mins ago",
    "in -5 min",
    "in 1.5 hours",
    "in 9999999999 sec",
    "in 5 ss",
    "5 x",
    "2026-11-23",
    "2026-11-23T05:41:00", /* whose time? */
    "2026-11-23T05:41:00 Z",
    "2026-11-23T05:41:00ZZ",
    "2026-11-23T5:41:00Z",
    "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T05:60:00Z",
    "2026-11-23T05:41:61Z",
    "2026-11-23T05:41:00.Z",
    "2026-11-23T05:41:00+24",
    "2026-11-23T05:41:00+01:",
    "2026-11-23T05:41:00+01:60",
    "2026-11-23T05:41:00Z and so on, for longer than any time can be written",
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct error err;
        int64_t us = -1;

        if (time_parse(good[i].text, NOW, &us, &err) != STATUS_OK)
            fail_msg("%s: %s", good[i].text, err.text);
        if (us != good[i].us)
            fail_msg("%s: %lld", good[i].text, (long long)us);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err;
        int64_t us;

        if (time_parse(bad[i], NOW, &us, &err) == STATUS_OK)
            fail_msg("accepted: %s", bad[i]);
    }
}

/* A good text, cut anywhere, is refused or is itself a time; it is never read
 * beyond its end. */
static void test_cut(void **state)
{
    char text[TIME_PARSE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        for (size_t n = 0; n < strlen(good[i].text); n++) {
            struct error err;
            int64_t us;

            memcpy(text, good[i].text, n);
            text[n] = 0;
            (void)!time_parse(text, NOW, &us, &err);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
