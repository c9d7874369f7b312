#include "pace/site.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define NOW (1000 * SECOND)

static const struct pace_keys nothing;
static int64_t waits_us;
static const struct pace_asker anyone = {.waits_us = &waits_us};

static struct limits limits_of(const char *text)
{
    struct limits limits;

    assert_int_equal(limits_parse(text, &limits, NULL), STATUS_OK);
    return limits;
}

/* Alone, or one of two workers. */
static struct pace *pace_of(const char *standard, unsigned workers)
{
    static const int32_t ids[] = {1, 2};
    const struct limits limits = limits_of(standard);
    struct pace *p = pace_new(&limits);

    pace_lanes(p, ids, workers, 1, 0, 0, 1);
    return p;
}

static void rule(struct pace *p, enum pace_scope scope, const char *name,
                 const char *text)
{
    const struct limits limits = limits_of(text);

    pace_rules_start(p);
    assert_true(pace_rule(p, scope, name, &limits));
    pace_rules_done(p, 1);
}

static int sent_in(struct pace_site *s, const struct pace_keys *keys,
                   int64_t from, int64_t us)
{
    int64_t when;
    int n = 0;

    for (int64_t now = from; now < from + us; now += 1000)
        for (; n < 100000 && pace_may_send(s, keys, now, &when); n++)
            pace_spend(s, keys, now);
    return n;
}

static void limits_come_from_settings_providers_and_rules(void **state)
{
    struct pace *p = pace_of("connections=10 mails_per_second=100", 1);
    struct pace_site *google = pace_site(p, "google", false, 1);
    struct pace_site *other = pace_site(p, "mx.example.com", false, 1);
    struct pace_site *relay = pace_site(p, "google", true, 1);

    (void)state;
    assert_int_equal(pace_connections(google), 5);
    assert_int_equal(pace_mails_per_connection(google, NULL), 50);
    assert_int_equal(pace_connections(other), 10);
    assert_ptr_not_equal(relay, google);
    assert_true(pace_connections(relay) == UINT32_MAX);
    rule(p, PACE_SITE, "google", "connections=2");
    assert_int_equal(pace_connections(google), 2);
    assert_int_equal(pace_mails_per_connection(google, NULL), 50);
    rule(p, PACE_RELAY, "google", "connections=3");
    assert_int_equal(pace_connections(google), 5);
    assert_int_equal(pace_connections(relay), 3);
    pace_free(p);
}

static void nothing_is_spent_unless_all_allow(void **state)
{
    struct pace *p = pace_of("mails_per_second=1000 burst=1", 1);
    struct pace_site *s = pace_site(p, "a.example", false, 1);
    const struct pace_keys keys = {.of[PACE_CAMPAIGN] = "c1",
                                   .of[PACE_SENDER] = "shop.example"};
    char why[PACE_WHY_MAX];
    int64_t when;

    (void)state;
    rule(p, PACE_SENDER, "shop.example", "mails_per_second=5 burst=1");
    assert_true(pace_has_rules(p, PACE_SENDER));
    assert_false(pace_has_rules(p, PACE_CAMPAIGN));
    assert_int_equal(sent_in(s, &keys, NOW, SECOND), 5);
    assert_in_range(sent_in(s, &nothing, NOW + 2 * SECOND, SECOND), 999, 1000);
    rule(p, PACE_CAMPAIGN, "c1", "mails_per_minute=1");
    assert_int_equal(sent_in(s, &keys, NOW + 60 * SECOND, 10 * SECOND), 1);
    assert_false(pace_may_send(s, &keys, NOW + 70 * SECOND, &when));
    pace_why(s, NOW + 70 * SECOND, why);
    assert_string_equal(why, "the limit for campaign c1 is 1 mails a minute");
    pace_why(s, NOW + 200 * SECOND, why);
    assert_string_equal(why, "");
    assert_false(pace_rules_allow(p, &keys, NOW + 70 * SECOND));
    assert_true(pace_rules_allow(p, &nothing, NOW + 70 * SECOND));
    pace_free(p);
}

static void a_reading_without_it_ends_a_rule(void **state)
{
    struct pace *p = pace_of("", 1);
    struct pace_site *s = pace_site(p, "a.example", false, 1);
    const struct pace_keys keys = {.of[PACE_PROJECT] = "7"};

    (void)state;
    rule(p, PACE_PROJECT, "7", "mails_per_second=2");
    assert_int_equal(sent_in(s, &keys, NOW, SECOND), 2);
    pace_rules_start(p);
    pace_rules_done(p, 2);
    assert_false(pace_has_rules(p, PACE_PROJECT));
    assert_true(sent_in(s, &keys, NOW + 2 * SECOND, SECOND) > 100);
    pace_free(p);
}

static void connections_are_counted_and_their_rate_held(void **state)
{
    struct pace *p = pace_of("connections=2 connections_per_minute=3", 1);
    struct pace_site *s = pace_site(p, "a.example", false, 1);
    int64_t now = NOW, when;
    int opened = 0;

    (void)state;
    for (; now < NOW + 60 * SECOND; now += 100000) {
        if (!pace_may_connect(s, &anyone, now, &when))
            continue;
        pace_opened(s, &anyone, now);
        assert_in_range(pace_open(s), 1, 2);
        if (++opened >= 2)
            pace_closed(s, NULL, false, 0, "", now);
    }
    assert_int_equal(opened, 3);
    pace_free(p);
}

static void two_workers_share_and_a_site_of_one_has_one(void **state)
{
    struct pace *p = pace_of("connections=5 mails_per_second=10", 2);
    unsigned with = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        char name[] = {'a', (char)('0' + i / 10), (char)('0' + i % 10), 0};
        struct pace_site *s = pace_site(p, name, false, 1);
        int64_t until;

        assert_in_range(pace_connections(s), 2, 3);
        assert_int_equal(sent_in(s, &nothing, NOW, SECOND), 5);
        rule(p, PACE_SITE, name, "connections=1");
        with += !pace_parked(s, NOW, &until);
        assert_int_equal(pace_connections(s),
                         pace_parked(s, NOW, &until) ? 0 : 1);
    }
    assert_in_range(with, 30, 70);
    pace_free(p);
}

static struct pace_verdict says(struct pace_site *s, unsigned code,
                                const char *status, const char *text)
{
    const struct pace_keys keys = {.of[PACE_CAMPAIGN] = "c1",
                                   .of[PACE_SOURCE] = "192.0.2.1:4711"};

    return pace_outcome(s, &keys,
                        code >= 500 ? VERDICT_BOUNCED : VERDICT_DEFERRED, code,
                        status, text, NOW);
}

/* Whoever claims the first mail of a site must not take all of it. */
static void what_a_site_takes_is_foreseen(void **state)
{
    struct pace *p = pace_of("mails_per_second=100", 2);
    double rate;

    (void)state;
    assert_true(pace_foresee(p, "mx.example", NOW, &rate) && rate <= 0);
    rule(p, PACE_SITE, "mx.example", "mails_per_second=20");
    assert_true(pace_foresee(p, "mx.example", NOW, &rate));
    assert_true(rate > 8 && rate < 12);
    assert_null(pace_find(p, "mx.example", false));
    assert_true(pace_foresee(p, "google", NOW, &rate) && rate > 0);
    pace_free(p);
}

static void replies_suspend(void **state)
{
    struct pace *p = pace_of("", 1);
    struct pace_site *yahoo = pace_site(p, "yahoo", false, 1);
    struct pace_site *gmail = pace_site(p, "google", false, 1);
    const struct pace_keys c1 = {.of[PACE_CAMPAIGN] = "c1"};
    struct pace_verdict v;
    int64_t until;
    char why[PACE_WHY_MAX];

    (void)state;
    v = says(yahoo, 421, "4.7.0", "[TSS04] Messages temporarily deferred");
    assert_int_equal(v.deed, PROVIDER_SUSPEND_SITE);
    assert_true(pace_parked(yahoo, NOW, &until));
    assert_true(until == NOW + 7200 * SECOND);
    pace_why(yahoo, NOW, why);
    assert_non_null(strstr(why, "Yahoo asked us to stop"));
    assert_false(pace_parked(yahoo, until, &until));

    v = says(gmail, 550, "5.7.1", "[x] this is likely unsolicited mail");
    assert_int_equal(v.deed, PROVIDER_SUSPEND_CAMPAIGN);
    assert_false(v.keep);
    assert_false(pace_may_send(gmail, &c1, NOW, &until));
    assert_true(until == NOW + 3600 * SECOND);
    assert_true(pace_may_send(gmail, &nothing, NOW, &until));

    v = says(gmail, 550, "5.1.1", "no such user");
    assert_int_equal(v.deed, PROVIDER_NOTHING);
    assert_false(v.keep);
    pace_free(p);
}

static void who_blames_our_address_does_not_get_it(void **state)
{
    struct pace *p = pace_of("", 1);
    struct pace_site *s = pace_site(p, "mx.example", false, 1);
    struct pace_verdict v;
    int64_t until;

    (void)state;
    pace_sources(p, (const char *const[]){"192.0.2.1", "192.0.2.2"}, 2);
    v = says(s, 554, "5.7.1", "Client host [192.0.2.1] blocked using bl.test");
    assert_int_equal(v.deed, PROVIDER_SUSPEND_SOURCE);
    assert_true(v.keep);
    assert_false(pace_source_may(s, "192.0.2.1", NOW));
    assert_true(pace_source_may(s, "192.0.2.2", NOW));
    assert_false(pace_parked(s, NOW, &until));
    /* Another machine's, or another pool's. */
    pace_sources(p, (const char *const[]){"192.0.2.3"}, 1);
    assert_false(pace_parked(s, NOW, &until));
    pace_sources(p, (const char *const[]){"192.0.2.1"}, 1);
    assert_true(pace_parked(s, NOW, &until));
    assert_true(until == NOW + 12 * 3600 * SECOND);
    pace_retry(s, NOW);
    assert_false(pace_parked(s, NOW, &until));
    pace_free(p);
}

static void orders_and_restarts(void **state)
{
    struct pace *p = pace_of("", 1), *q = pace_of("", 1);
    struct pace_site *s = pace_site(p, "yahoo", false, 1);
    struct pace_site *t = pace_site(q, "yahoo", false, 1);
    struct pace_saved saved;
    int64_t until;
    char why[PACE_WHY_MAX];

    (void)state;
    pace_pause(s, true);
    assert_true(pace_parked(s, NOW, &until) && until == PACE_NEVER_US);
    pace_why(s, NOW, why);
    assert_string_equal(why, "paused by the operator");
    pace_pause(s, false);
    assert_false(pace_parked(s, NOW, &until));
    says(s, 421, "", "slow down");
    says(s, 421, "4.7.0", "[TSS04] Messages temporarily deferred");
    pace_save(s, NOW, &saved);
    assert_true(saved.rate > 0);
    pace_restore(t, &saved, NOW);
    assert_true(pace_parked(t, NOW, &until));
    assert_true(until == NOW + 7200 * SECOND);
    assert_true(pace_shape(t)->rate == pace_shape(s)->rate);
    pace_free(p);
    pace_free(q);
}

/* A campaign that is blamed is saved with the reply that blames it, apart from
 * what was said of the site; and `retry` forgets both. */
static void a_suspended_campaign_outlives_a_restart(void **state)
{
    static const char id[] = "6c5bdf55-153d-4687-8cfd-f09e4a6eeb39";
    const struct pace_keys keys = {.of[PACE_CAMPAIGN] = id};
    struct pace *p = pace_of("", 1), *q = pace_of("", 1);
    struct pace_site *s = pace_site(p, "a.example", false, 1);
    struct pace_site *t = pace_site(q, "a.example", false, 1);
    struct pace_saved saved;
    int64_t until, when;
    size_t at = 0;

    (void)state;
    pace_outcome(s, &keys, VERDICT_DEFERRED, 451, "4.7.1",
                 "a link is\nlisted by SURBL", NOW);
    pace_save(s, NOW, &saved);
    assert_int_equal(saved.suspended_until_us, 0);
    assert_string_equal(saved.why, "");
    assert_string_equal(saved.campaign_why,
                        "451 4.7.1 a link is listed by SURBL");
    pace_restore(t, &saved, NOW);
    assert_false(pace_parked(t, NOW, &until));
    assert_false(pace_may_send(t, &keys, NOW, &when));
    assert_true(pace_may_send(t, &nothing, NOW, &when));
    until = pace_suspended_until(t, id, NOW);
    assert_true(until == NOW + 4 * 3600 * SECOND);
    assert_string_equal(pace_suspended_next(t, &at, NOW, &when), id);
    assert_true(when == until);
    assert_null(pace_suspended_next(t, &at, NOW, &when));
    assert_false(pace_is_plain(t, NOW));
    assert_true(pace_is_plain(t, until));
    pace_save(t, until, &saved);
    assert_string_equal(saved.campaign_why, "");
    pace_retry(t, NOW);
    assert_int_equal(pace_suspended_until(t, id, NOW), 0);
    pace_save(t, NOW, &saved);
    assert_string_equal(saved.campaign_why, "");
    pace_free(p);
    pace_free(q);
}

static void lanes(struct pace *p, unsigned workers, int64_t quiet_until_us)
{
    static const int32_t ids[] = {1, 2, 3, 4};

    pace_lanes(p, ids, workers, 1, quiet_until_us, 0, NOW);
}

static double saved_rate(const struct pace_site *s)
{
    struct pace_saved saved;

    pace_save(s, NOW, &saved);
    return saved.rate;
}

/* What a worker learned of its lane is told as of the whole, and stays that
 * when others come or go; where nothing is divided, all send alike. */
static void bounds_are_of_the_whole(void **state)
{
    static const char *const standards[] = {"mails_per_second=1000", ""};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pace *p = pace_of(standards[i], 2);
        struct pace_site *s = pace_site(p, "a.example", false, 1);
        const struct pace_saved saved = {.rate = 12, .lines = 8};
        double own;

        pace_restore(s, &saved, NOW);
        own = pace_shape(s)->rate;
        assert_true(own == 6 && pace_shape(s)->lines == 4);
        assert_true(saved_rate(s) == 12);
        lanes(p, 1, 0);
        assert_true(pace_shape(s)->rate == 12 && saved_rate(s) == 12);
        lanes(p, 4, 0);
        assert_true(pace_shape(s)->rate == 3 && pace_shape(s)->lines == 2);
        assert_true(saved_rate(s) == 12);
        pace_free(p);
    }
}

/* A worker that has no lane yet, or none any more, knows what the others found
 * out, and begins with its share of that; one that has goes by its own. */
static void who_gets_a_lane_begins_with_what_others_know(void **state)
{
    struct pace *p = pace_of("mails_per_second=1000", 0);
    struct pace_site *s;
    struct pace_saved saved = {.rate = 12, .lines = 8};

    (void)state;
    lanes(p, 2, INT64_MAX);
    s = pace_site(p, "a.example", false, 1);
    pace_restore(s, &saved, NOW);
    pace_save(s, NOW, &saved);
    assert_false(saved.has_lane);
    saved.rate = 20;
    assert_false(pace_hear(s, &saved, NOW));
    lanes(p, 2, 0);
    assert_true(pace_shape(s)->rate == 10 && pace_shape(s)->lines == 4);
    saved.rate = 2;
    assert_false(pace_hear(s, &saved, NOW));
    pace_save(s, NOW, &saved);
    assert_true(saved.has_lane && saved.rate == 20);
    lanes(p, 2, INT64_MAX);
    saved.rate = saved.lines = 0;
    assert_false(pace_hear(s, &saved, NOW));
    lanes(p, 2, 0);
    assert_true(pace_shape(s)->rate == 0 && pace_shape(s)->lines == 0);
    pace_free(p);
}

/* Each hears of the other's, for as long as the longer says, once. */
static void what_another_was_told_holds_here(void **state)
{
    static const char bad[] = "6c5bdf55-153d-4687-8cfd-f09e4a6eeb39";
    const struct pace_keys keys = {.of[PACE_CAMPAIGN] = bad};
    struct pace *p = pace_of("", 2), *q = pace_of("", 2);
    struct pace_site *s = pace_site(p, "yahoo", false, 1);
    struct pace_site *t = pace_site(q, "yahoo", false, 1);
    struct pace_saved saved;
    uint64_t changes;
    int64_t until, hour = 3600 * SECOND;

    (void)state;
    pace_sources(p, (const char *const[]){"192.0.2.1", "192.0.2.2"}, 2);
    pace_sources(q, (const char *const[]){"192.0.2.1", "192.0.2.2"}, 2);
    pace_outcome(s, &keys, VERDICT_DEFERRED, 451, "4.7.1", "in SURBL", NOW);
    pace_save(s, NOW, &saved);
    assert_true(pace_hear(t, &saved, NOW));
    assert_true(pace_suspended_until(t, bad, NOW) == NOW + 4 * hour);
    assert_false(pace_parked(t, NOW, &until));
    says(s, 421, "4.7.0", "[TSS04] Messages temporarily deferred");
    pace_save(s, NOW, &saved);
    assert_true(pace_hear(t, &saved, NOW));
    assert_true(pace_parked(t, NOW, &until) && until == NOW + 2 * hour);
    pace_save(t, NOW, &saved);
    assert_non_null(strstr(saved.why, "TSS04"));
    assert_non_null(strstr(saved.campaign_why, "SURBL"));
    /* Back, by clocks that differ a little: that is no news. */
    changes = pace_ledger(s)->changes;
    saved.suspended_until_us += 900000;
    saved.campaigns[0].until_us += 900000;
    assert_false(pace_hear(s, &saved, NOW));
    assert_true(pace_ledger(s)->changes == changes);
    saved.suspended_until_us += hour;
    assert_true(pace_hear(s, &saved, NOW));
    saved.suspended_until_us -= 2 * hour;
    assert_false(pace_hear(s, &saved, NOW));
    assert_true(pace_parked(s, NOW, &until) && until > NOW + 3 * hour);
    /* What is over is no news either. */
    pace_retry(s, NOW);
    assert_false(pace_hear(s, &saved, NOW + 5 * hour));
    assert_false(pace_parked(s, NOW + 5 * hour, &until));
    pace_free(p);
    pace_free(q);
}

/* More than there is room for: those that last longest, whoever tells them in
 * which order, so that workers do not tell each other the same for ever. */
static void too_many_settle(void **state)
{
    struct pace *p = pace_of("", 2);
    struct pace_site *s = pace_site(p, "a.example", false, 1);
    struct pace_saved said = {0};
    int rounds = 0;
    bool news = true;

    (void)state;
    for (; news && rounds < 10; rounds++) {
        news = false;
        for (int half = 0; half < 2; half++) {
            for (int i = 0; i < PACE_CAMPAIGNS_MAX; i++) {
                snprintf(said.campaigns[i].name, PACE_ID_TEXT, "c%d-%d", half,
                         i);
                said.campaigns[i].until_us =
                    NOW + (i * 2 + half + 2) * SECOND * 10;
            }
            news |= pace_hear(s, &said, NOW);
        }
    }
    assert_int_equal(rounds, 2);
    assert_true(pace_suspended_until(s, "c0-15", NOW) > 0);
    assert_true(pace_suspended_until(s, "c1-8", NOW) > 0);
    assert_int_equal(pace_suspended_until(s, "c1-7", NOW), 0);
    pace_free(p);
}

/* Of what is not in use here. */
static void what_was_saved_holds_mail_up(void **state)
{
    struct pace *p = pace_of("", 1);
    struct pace_saved said = {.suspended_until_us = NOW + SECOND};

    (void)state;
    assert_true(pace_saved_until(p, &said, NOW) == NOW + SECOND);
    assert_int_equal(pace_saved_until(p, &said, NOW + SECOND), 0);
    said.sources[3] = (struct pace_blamed){"", NOW + 9 * SECOND};
    assert_true(pace_saved_until(p, &said, NOW) == NOW + 9 * SECOND);
    pace_sources(p, (const char *const[]){"192.0.2.1", "192.0.2.2"}, 2);
    assert_true(pace_saved_until(p, &said, NOW) == NOW + SECOND);
    pace_free(p);
}

static void keeps_the_latest_replies(void **state)
{
    struct pace *p = pace_of("", 1);
    struct pace_site *s = pace_site(p, "a.example", false, 1);
    const struct pace_reply *replies;
    char text[] = "reply 0\nmore\xff";

    (void)state;
    for (int i = 0; i < 3; i++)
        says(s, 450, "4.2.0", "again");
    for (int i = 0; i < 20; i++) {
        text[6] = (char)('a' + i);
        pace_outcome(s, &nothing, VERDICT_DEFERRED, 450, "4.2.0", text,
                     NOW + i);
    }
    assert_int_equal(pace_replies(s, &replies), PACE_REPLIES_MAX);
    for (size_t i = 0; i < PACE_REPLIES_MAX; i++) {
        assert_null(strchr(replies[i].text, '\n'));
        assert_null(strchr(replies[i].text, '\xff'));
        assert_true(replies[i].n == 1);
    }
    pace_free(p);
}

static void says_which_limit_binds(void **state)
{
    struct pace *p = pace_of("mails_per_second=2 burst=1", 1);
    struct pace_site *s = pace_site(p, "a.example", false, 1);
    char why[PACE_WHY_MAX];

    (void)state;
    pace_why(s, NOW, why);
    assert_string_equal(why, "");
    pace_spend(s, &nothing, NOW);
    pace_why(s, NOW, why);
    assert_string_equal(why, "the limit for a.example is 2 mails a second");
    pace_ledger(s)->stranded = true;
    pace_why(s, NOW + 10 * SECOND, why);
    assert_non_null(strstr(why, "no source address of its pool"));
    pace_free(p);
}

/* What the site's refusals have taught is less than what the limit says, or
 * there is none. */
static void says_who_bounds_connections(void **state)
{
    struct pace *p = pace_of("connections=5", 1);
    struct pace_site *s = pace_site(p, "a.example", false, 1);
    struct pace_site *relay = pace_site(p, "corp", true, 1);
    char why[PACE_WHY_MAX];

    (void)state;
    for (int i = 0; i < 5; i++)
        pace_opened(s, &anyone, NOW);
    pace_why(s, NOW, why);
    assert_string_equal(why, "the limit for a.example is 5 connections");
    pace_closed(s, NULL, true, 0, "connect: connection refused", NOW);
    pace_why(s, NOW, why);
    assert_string_equal(why,
                        "a.example refused connections: 2 at a time, rising");
    pace_opened(relay, &anyone, NOW);
    pace_closed(relay, NULL, true, 0, "connect: connection refused", NOW);
    pace_opened(relay, &anyone, NOW);
    pace_why(relay, NOW, why);
    assert_string_equal(why, "corp refused connections: 1 at a time, rising");
    pace_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_come_from_settings_providers_and_rules),
        cmocka_unit_test(nothing_is_spent_unless_all_allow),
        cmocka_unit_test(a_reading_without_it_ends_a_rule),
        cmocka_unit_test(connections_are_counted_and_their_rate_held),
        cmocka_unit_test(two_workers_share_and_a_site_of_one_has_one),
        cmocka_unit_test(what_a_site_takes_is_foreseen),
        cmocka_unit_test(replies_suspend),
        cmocka_unit_test(who_blames_our_address_does_not_get_it),
        cmocka_unit_test(orders_and_restarts),
        cmocka_unit_test(a_suspended_campaign_outlives_a_restart),
        cmocka_unit_test(bounds_are_of_the_whole),
        cmocka_unit_test(who_gets_a_lane_begins_with_what_others_know),
        cmocka_unit_test(what_another_was_told_holds_here),
        cmocka_unit_test(too_many_settle),
        cmocka_unit_test(what_was_saved_holds_mail_up),
        cmocka_unit_test(keeps_the_latest_replies),
        cmocka_unit_test(says_which_limit_binds),
        cmocka_unit_test(says_who_bounds_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
