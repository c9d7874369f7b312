/* Source addresses of a site: blamed ones, and their warm-up over days. */
#include "pace/site.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)
#define NOW (1000 * SECOND)
#define CLOCK (1790000000 * SECOND) /* to add for what all share */

static const struct pace_keys from_a = {.of[PACE_SOURCE] = "192.0.2.1"};
static const struct pace_keys from_b = {.of[PACE_SOURCE] = "192.0.2.2"};

static struct pace *pace_of_n(unsigned workers, int32_t mine)
{
    static const int32_t ids[] = {1, 2, 3, 4};
    const struct limits none = limits_unset();
    struct pace *p = pace_new(&none);

    pace_lanes(p, ids, workers, mine, 0, CLOCK, 1);
    pace_sources(p, (const char *const[]){"192.0.2.1", "192.0.2.2"}, 2);
    return p;
}

/* As much as it may in a day from then on. */
static int64_t in_a_day(struct pace_site *s, int64_t from)
{
    int64_t n = 0, when;

    for (int64_t now = from; now < from + DAY; now += SECOND)
        for (; pace_may_send(s, &from_a, now, &when); n++)
            pace_spend(s, &from_a, now);
    return n;
}

/* Day by day what the schedule says, all workers together; a warm one is not
 * held up, nor is one site by what another got. */
static void an_allowance_a_day(void **state)
{
    static const int64_t schedule[] = {50, 100, 500, 20000};
    struct pace *workers[4];
    int64_t when;

    (void)state;
    for (int32_t w = 0; w < 4; w++)
        workers[w] = pace_of_n(4, w + 1);
    for (int day = 0; day < 4; day++) {
        int64_t sent = 0, from = NOW + day * DAY;

        for (int w = 0; w < 4; w++) {
            struct pace_site *s = pace_site(workers[w], "google", false, from);
            struct pace_site *t = pace_site(workers[w], "yahoo", false, from);

            pace_warm(s, "192.0.2.1", schedule[day], from);
            pace_warm(t, "192.0.2.1", schedule[day], from);
            sent += in_a_day(s, from);
            assert_true(pace_may_send(s, &from_b, from + DAY, &when));
            if (day == 3) {
                pace_warm(s, "192.0.2.1", 0, from + DAY);
                assert_true(pace_may_send(s, &from_a, from + DAY, &when));
            }
        }
        assert_true(sent <= schedule[day]);
        assert_true(sent >= schedule[day] * 9 / 10);
    }
    for (int w = 0; w < 4; w++)
        pace_free(workers[w]);
}

/* Two workers, each of which is started anew every so often, and then knows
 * nothing: no day holds more than it may, and not much less. */
static void restarts_send_no_more(void **state)
{
    static const int64_t per_day[] = {1, 50, 432, 433, 2000};
    static const int64_t restart_s[] = {7, 60, 601, 1800, 50000};
    enum { SECONDS = 3 * 86400 };
    static int64_t sent[SECONDS];

    (void)state;
    for (size_t c = 0; c < 25; c++) {
        struct pace *p[2] = {NULL, NULL};
        struct pace_site *s[2] = {NULL, NULL};
        int64_t n = per_day[c % 5], every = restart_s[c / 5], when, all = 0;
        size_t first = 0;

        for (int64_t at = 0, total = 0; at < SECONDS; at++) {
            int64_t now = NOW + at * SECOND;

            for (int w = 0; w < 2; w++) {
                if ((at + w * every / 2) % every == 0 || !p[w]) {
                    pace_free(p[w]);
                    p[w] = pace_of_n(2, w + 1);
                    s[w] = pace_site(p[w], "google", false, now);
                    assert_true(pace_warm(s[w], "192.0.2.1", n, now));
                }
                if (!pace_may_send(s[w], &from_a, now, &when))
                    continue;
                pace_spend(s[w], &from_a, now);
                sent[total++] = at;
                all++;
            }
            while (first < (size_t)total && sent[first] <= at - 86400)
                first++;
            assert_true(total - (int64_t)first <= n);
        }
        /* Whoever restarts within the time of a few mails sends less. */
        if (every >= 600 && n > 1 && n <= 432)
            assert_true(all >= 3 * n * 9 / 10);
        pace_free(p[0]);
        pace_free(p[1]);
    }
}

static void it_says_so(void **state)
{
    struct pace *p = pace_of_n(1, 1);
    struct pace_site *s = pace_site(p, "google", false, NOW);
    char why[PACE_WHY_MAX];

    (void)state;
    pace_warm(s, "192.0.2.1", 50, NOW);
    pace_spend(s, &from_a, NOW);
    pace_why(s, NOW + 60 * SECOND, why);
    assert_string_equal(
        why, "192.0.2.1 is being warmed up: 50 mails a day for Google");
    for (int i = 0; i < 3 * PACE_WARMING_MAX; i++) {
        char source[] = {'a', (char)('a' + i), 0};

        /* One that can't be counted must not go without a limit. */
        assert_int_equal(pace_warm(s, source, 50, NOW),
                         i + 1 < PACE_WARMING_MAX);
    }
    for (int i = 0; i < 3 * PACE_WARMING_MAX; i++) {
        char source[] = {'a', (char)('a' + i), 0};

        pace_warm(s, source, 0, NOW);
    }
    pace_warm(s, "192.0.2.1", 0, NOW);
    pace_why(s, NOW + 60 * SECOND, why);
    assert_string_equal(why, "");
    pace_free(p);
}

/* One blamed address is not the other; both are saved, and come back. */
static void one_is_blamed_not_the_other(void **state)
{
    struct pace *p = pace_of_n(1, 1), *q = pace_of_n(1, 1);
    struct pace_site *s = pace_site(p, "a.example", false, NOW);
    struct pace_site *t = pace_site(q, "a.example", false, NOW);
    struct pace_saved saved;
    int64_t until;

    (void)state;
    pace_outcome(s, &from_a, VERDICT_BOUNCED, 550, "5.7.1",
                 "client host [192.0.2.1] blocked using zen.spamhaus.org", NOW);
    assert_false(pace_source_may(s, "192.0.2.1", NOW));
    assert_true(pace_source_until(s, "192.0.2.1", NOW) > NOW);
    assert_true(pace_source_may(s, "192.0.2.2", NOW));
    assert_false(pace_parked(s, NOW, &until));
    assert_false(pace_is_plain(s, NOW));
    pace_save(s, NOW, &saved);
    assert_true(saved.suspended_until_us == 0);
    pace_restore(t, &saved, NOW);
    assert_false(pace_source_may(t, "192.0.2.1", NOW));
    assert_true(pace_source_may(t, "192.0.2.2", NOW));
    pace_retry(t, NOW);
    assert_true(pace_source_may(t, "192.0.2.1", NOW));
    pace_free(p);
    pace_free(q);
}

/* A session that ends before its first mail says at which step it did; the
 * rules see what the server said there, enhanced status and all. */
static void a_greeting_blames_the_address(void **state)
{
    struct pace *p = pace_of_n(1, 1);
    struct pace_site *s = pace_site(p, "google", false, NOW);
    struct pace_verdict verdict;

    (void)state;
    verdict = pace_closed(
        s, "192.0.2.1", true, 421,
        "greeting: 421 4.7.0 [192.0.2.1] Our system has detected that this "
        "message is suspicious due to the very low reputation of the sending "
        "IP address",
        NOW);
    assert_int_equal(verdict.deed, PROVIDER_SUSPEND_SOURCE);
    assert_false(pace_source_may(s, "192.0.2.1", NOW));
    assert_true(pace_source_may(s, "192.0.2.2", NOW));
    pace_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allowance_a_day),
        cmocka_unit_test(restarts_send_no_more),
        cmocka_unit_test(it_says_so),
        cmocka_unit_test(one_is_blamed_not_the_other),
        cmocka_unit_test(a_greeting_blames_the_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
