#include "pace/retry.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct config config_of(int64_t first, int64_t most, int64_t jitter)
{
    return (struct config){.retry_first_seconds = first,
                           .retry_most_seconds = most,
                           .retry_jitter_percent = jitter};
}

/* Of a site that has no schedule of its own. */
static int64_t wait_ms(const struct config *c, bool transactional, int tries,
                       uint32_t random)
{
    const struct retry retry = retry_schedule(c, 0, 0, transactional);

    return retry_wait_ms(&retry, c->retry_jitter_percent, tries, random);
}

static void doubles_up_to_the_longest(void **state)
{
    const struct config c = config_of(300, 3600, 0);
    static const int64_t seconds[] = {300, 600, 1200, 2400, 3600, 3600};

    (void)state;
    for (int i = 0; i < 6; i++)
        assert_true(wait_ms(&c, false, i + 1, 12345) == seconds[i] * 1000);
    assert_true(wait_ms(&c, false, 30000, 0) == 3600 * 1000);
    const struct config flat = config_of(300, 10, 0);

    assert_true(wait_ms(&flat, false, 1, 0) == 10 * 1000);
}

/* Up to a fifth more, never less: a greylist would count it as too early. */
static void leaves_a_share_to_chance(void **state)
{
    const struct config c = config_of(100, 3600, 20);
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    for (uint32_t random = 0; random < 5000; random++) {
        int64_t ms = wait_ms(&c, false, 1, random);

        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    assert_true(least == 100000 && most == 120000);
    assert_in_range(wait_ms(&c, false, 1, UINT32_MAX), 100000, 120000);
}

static void is_never_at_once(void **state)
{
    const struct config zero = config_of(0, 0, 100), one = config_of(1, 1, 100);

    (void)state;
    assert_true(wait_ms(&zero, false, 1, 0) == 500);
    assert_true(wait_ms(&one, false, 1, 0) == 1000);
}

/* The largest values that the settings take. */
static void does_not_overflow(void **state)
{
    const struct config c = config_of(366LL * 86400, 366LL * 86400, 100);

    (void)state;
    for (int tries = 1; tries < 200; tries++)
        assert_true(wait_ms(&c, false, tries, UINT32_MAX) > 0);
}

static void somebody_waits_for_transactional_mail(void **state)
{
    struct config c = config_of(300, 3600, 0);
    static const int64_t seconds[] = {60, 120, 240, 480, 900, 900};

    (void)state;
    c.transactional_retry_first_seconds = 60;
    c.transactional_retry_most_seconds = 900;
    for (int i = 0; i < 6; i++)
        assert_true(wait_ms(&c, true, i + 1, 1) == seconds[i] * 1000);
    c.retry_first_seconds = 1;
    c.retry_most_seconds = 5;
    assert_true(wait_ms(&c, true, 1, 1) == 1000);
    assert_true(wait_ms(&c, true, 9, 1) == 5000);
}

static void a_site_s_own_word_wins(void **state)
{
    struct config c = config_of(300, 3600, 0);
    static const struct {
        const char *limits;
        int64_t first_s, most_s, transactional_first_s, transactional_most_s;
    } cases[] = {
        {"", 300, 3600, 60, 900},
        {"connections=5", 300, 3600, 60, 900},
        {"retry_first=none retry_most=none", 300, 3600, 60, 900},
        {"retry_first=10s retry_most=30s", 10, 30, 10, 30},
        {"retry_first=10m retry_most=6h", 600, 21600, 60, 900},
        {"retry_first=10m", 600, 3600, 60, 900},
        {"retry_most=100s", 100, 100, 60, 100},
        {"retry_first=2h", 7200, 7200, 60, 900},
        {"retry_most=30s", 30, 30, 30, 30},
        {"not limits", 300, 3600, 60, 900},
    };

    (void)state;
    c.transactional_retry_first_seconds = 60;
    c.transactional_retry_most_seconds = 900;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct limits own;
        struct retry all = retry_by_text(&c, cases[i].limits);

        assert_int_equal(all.first_s, cases[i].first_s);
        assert_int_equal(all.most_s, cases[i].most_s);
        if (limits_parse(cases[i].limits, &own, NULL) != STATUS_OK)
            own = limits_unset();
        all = retry_schedule(&c, retry_own_s(&own, LIMIT_RETRY_FIRST),
                             retry_own_s(&own, LIMIT_RETRY_MOST), true);
        assert_int_equal(all.first_s, cases[i].transactional_first_s);
        assert_int_equal(all.most_s, cases[i].transactional_most_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_up_to_the_longest),
        cmocka_unit_test(leaves_a_share_to_chance),
        cmocka_unit_test(is_never_at_once),
        cmocka_unit_test(does_not_overflow),
        cmocka_unit_test(somebody_waits_for_transactional_mail),
        cmocka_unit_test(a_site_s_own_word_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
