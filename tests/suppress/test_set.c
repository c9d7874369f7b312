#include "suppress/set.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { MANY = 100000, PROJECT = 7 };

#define NOW INT64_C(1795770000000000) /* 2026-11-27 */
#define MINUTE INT64_C(60000000)

static const struct set_state bounced = {.until_us = INT64_MAX,
                                         .reason = SUPPRESSION_BOUNCE};
static const struct set_state none = {0};

static void put(struct set *s, const char *address,
                const struct set_state *state)
{
    set_put(s, PROJECT, address, strlen(address), state);
}

/* The reason as text, "" where the address may be written to. */
static const char *why(const struct set *s, const char *address, bool campaign,
                       int64_t now_us)
{
    enum suppression reason;

    return set_has(s, PROJECT, address, strlen(address), campaign, now_us,
                   &reason)
               ? suppression_text(reason)
               : "";
}

static void knows_each_and_nobody_else(void **state)
{
    struct set s;
    char address[64];

    (void)state;
    set_init(&s);
    assert_string_equal(why(&s, "a@b.example", true, NOW), "");
    for (int i = 0; i < MANY; i++) {
        snprintf(address, sizeof address, "u%d@b.example", i);
        put(&s, address, &bounced);
    }
    assert_int_equal(s.n, MANY);
    for (int i = 0; i < 2 * MANY; i++) {
        snprintf(address, sizeof address, "u%d@b.example", i);
        assert_string_equal(why(&s, address, i % 2, NOW),
                            i < MANY ? "bounce" : "");
    }
    /* What the header says of memory. */
    assert_true(s.n * 4 <= s.cap * 3);
    assert_true(s.cap <= MANY * 4);
    set_fini(&s);
}

static void case_is_nothing_and_project_all(void **state)
{
    struct set s;
    enum suppression reason;

    (void)state;
    set_init(&s);
    put(&s, "Jo@Example.COM", &bounced);
    assert_string_equal(why(&s, "jO@eXample.com", false, NOW), "bounce");
    assert_false(
        set_has(&s, PROJECT + 1, "jo@example.com", 14, true, NOW, &reason));
    set_fini(&s);
}

static void every_reason_comes_back(void **state)
{
    struct set s;

    (void)state;
    set_init(&s);
    for (int i = 0; i < SUPPRESSIONS; i++) {
        struct set_state one = {.until_us = INT64_MAX,
                                .reason = (enum suppression)i};

        put(&s, "a@b.example", &one);
        assert_string_equal(why(&s, "a@b.example", true, NOW),
                            suppression_text((enum suppression)i));
    }
    assert_int_equal(s.n, 1);
    set_fini(&s);
}

static void an_unsubscription_stops_campaigns_alone(void **state)
{
    const struct set_state gone = {.unsubscribed_until_us = INT64_MAX};
    struct set s;

    (void)state;
    set_init(&s);
    put(&s, "a@b.example", &gone);
    assert_string_equal(why(&s, "a@b.example", true, NOW), "unsubscribe");
    assert_string_equal(why(&s, "a@b.example", false, NOW), "");
    set_fini(&s);
}

static void ends_when_it_ends(void **state)
{
    const struct set_state soft = {.until_us = NOW + 10 * MINUTE,
                                   .reason = SUPPRESSION_SOFT_BOUNCE,
                                   .unsubscribed_until_us = NOW + 20 * MINUTE};
    const struct set_state past = {.until_us = 1,
                                   .unsubscribed_until_us = INT64_MIN};
    struct set s;

    (void)state;
    set_init(&s);
    put(&s, "a@b.example", &soft);
    assert_string_equal(why(&s, "a@b.example", true, NOW), "soft_bounce");
    assert_string_equal(why(&s, "a@b.example", true, NOW + 9 * MINUTE),
                        "soft_bounce");
    assert_string_equal(why(&s, "a@b.example", true, NOW + 12 * MINUTE),
                        "unsubscribe");
    assert_string_equal(why(&s, "a@b.example", true, NOW + 22 * MINUTE), "");
    put(&s, "a@b.example", &past);
    assert_string_equal(why(&s, "a@b.example", true, NOW), "");
    set_fini(&s);
}

/* Comings and goings do not fill it. */
static void what_was_taken_off_leaves(void **state)
{
    struct set s;
    char address[64];

    (void)state;
    set_init(&s);
    put(&s, "stays@b.example", &bounced);
    for (int i = 0; i < MANY; i++) {
        snprintf(address, sizeof address, "u%d@b.example", i);
        put(&s, address, &bounced);
        put(&s, address, &none);
        assert_string_equal(why(&s, address, true, NOW), "");
    }
    put(&s, "never-there@b.example", &none);
    assert_string_equal(why(&s, "stays@b.example", true, NOW), "bounce");
    assert_true(s.cap <= 1024);
    set_fini(&s);
}

/* Whichever spelling of its domain stands on the list, and whichever the mail
 * has; each has its own entries, that end for themselves. */
static void spelling_is_nothing(void **state)
{
    static const char *const spellings[] = {"a@b\xc3\xbc"
                                            "cher.example",
                                            "A@B\xc3\x9c"
                                            "CHER.example",
                                            "a@xn--bcher-kva.example",
                                            "a@XN--BCHER-KVA.example"};
    static const struct set_state left = {.unsubscribed_until_us = INT64_MAX};
    struct set s;

    (void)state;
    for (int listed = 0; listed < 4; listed++) {
        set_init(&s);
        put(&s, spellings[listed], &bounced);
        for (int i = 0; i < 4; i++)
            assert_string_equal(why(&s, spellings[i], false, NOW), "bounce");
        assert_string_equal(why(&s,
                                "b@b\xc3\xbc"
                                "cher.example",
                                false, NOW),
                            "");
        assert_string_equal(why(&s, "a@bucher.example", false, NOW), "");
        set_fini(&s);
    }
    set_init(&s);
    put(&s, spellings[0], &left);
    put(&s, spellings[2], &bounced);
    put(&s, spellings[2], &none);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(why(&s, spellings[i], true, NOW), "unsubscribe");
        assert_string_equal(why(&s, spellings[i], false, NOW), "");
    }
    put(&s, spellings[0], &none);
    assert_string_equal(why(&s, spellings[2], true, NOW), "");
    set_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_each_and_nobody_else),
        cmocka_unit_test(case_is_nothing_and_project_all),
        cmocka_unit_test(spelling_is_nothing),
        cmocka_unit_test(every_reason_comes_back),
        cmocka_unit_test(an_unsubscription_stops_campaigns_alone),
        cmocka_unit_test(ends_when_it_ends),
        cmocka_unit_test(what_was_taken_off_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
