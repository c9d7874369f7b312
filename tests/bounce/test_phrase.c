/* Phrases in folded text: gaps, edges of words, bounded time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bounce/meaning.h"
#include "bounce/phrase.h"
#include <cmocka.h>
#include <string.h>

static bool in(const char *text, const char *pattern)
{
    struct phrase_text folded;

    phrase_fold(&folded, text, strlen(text));
    return phrase_in(&folded, pattern);
}

static void text_is_folded(void **state)
{
    struct phrase_text t;
    const char wild[] = "  User\r\n\tUnknown \xe2\x80\x99 X ";

    (void)state;
    phrase_fold(&t, wild, sizeof wild - 1);
    assert_string_equal(t.text, "user unknown ' x");
    phrase_fold(&t, "", 0);
    assert_int_equal(t.len, 0);
    assert_false(phrase_in(&t, "a"));
}

static void pieces_and_gaps(void **state)
{
    (void)state;
    assert_true(in("550 5.1.1 User\n Unknown", "user unknown"));
    assert_false(in("user is unknown", "user unknown"));
    assert_true(in("user jo is unknown", "user*unknown"));
    assert_false(in("unknown is the user", "user*unknown"));
    /* The first "user" is too far away, the second is not. */
    assert_true(in("user ............................................"
                   "............................ user jo unknown",
                   "user*unknown"));
    assert_false(in("user ............................................"
                    "............................ unknown",
                    "user*unknown"));
}

static void edges_of_words(void **state)
{
    (void)state;
    assert_true(in("listed in RBL", "~rbl~"));
    assert_true(in("RBL: yes", "~rbl~"));
    assert_false(in("marble", "~rbl~"));
    assert_false(in("rblsmtpd", "~rbl~"));
    assert_true(in("marble rbl", "~rbl~"));
}

static void text_is_cut(void **state)
{
    static char big[PHRASE_TEXT_MAX * 2];
    struct phrase_text t;

    (void)state;
    memset(big, 'a', sizeof big);
    memcpy(big + sizeof big - 4, "spam", 4);
    phrase_fold(&t, big, sizeof big);
    assert_int_equal(t.len, PHRASE_TEXT_MAX - 1);
    assert_false(phrase_in(&t, "spam"));
}

static void meanings(void **state)
{
    (void)state;
    assert_true(
        bounce_text_means("Undelivered Mail", 16, BOUNCE_MEANS_SUBJECT));
    assert_false(bounce_text_means("Undelivered Mail", 16, BOUNCE_MEANS_AUTO));
    assert_true(bounce_text_means("Out of Office: Jo", 17, BOUNCE_MEANS_AUTO));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_folded), cmocka_unit_test(pieces_and_gaps),
        cmocka_unit_test(edges_of_words), cmocka_unit_test(text_is_cut),
        cmocka_unit_test(meanings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
