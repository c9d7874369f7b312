/* What decides, in which order: words, status, code; and whom it reaches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "bounce/classify.h"
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct bounce_verdict classify(enum bounce_step step, unsigned code,
                                      const char *status, const char *text,
                                      const char *source)
{
    struct bounce_evidence e = {
        .step = step,
        .code = code,
        .status = status,
        .text = text,
        .text_len = strlen(text),
        .source = source,
    };
    return bounce_classify(&e);
}

static void grounds(void **state)
{
    static const struct {
        unsigned code;
        const char *status, *text;
        enum bounce_category category;
        bool hard;
        enum bounce_ground ground;
    } cases[] = {
        {550, "5.7.1", "user unknown", CATEGORY_INVALID_RECIPIENT, true,
         BOUNCE_BY_WORDS},
        {550, "5.1.1", "no", CATEGORY_INVALID_RECIPIENT, true,
         BOUNCE_BY_STATUS},
        {450, "4.1.1", "no", CATEGORY_INVALID_RECIPIENT, false,
         BOUNCE_BY_STATUS},
        {450, NULL, "user unknown", CATEGORY_INVALID_RECIPIENT, false,
         BOUNCE_BY_WORDS},
        {552, "5.2.2", "no", CATEGORY_MAILBOX_FULL, false, BOUNCE_BY_STATUS},
        {550, "5.2.20", "no", CATEGORY_OTHER, false, BOUNCE_BY_CODE},
        {550, "5.7.99", "no", CATEGORY_AUTH_OR_POLICY, false, BOUNCE_BY_STATUS},
        {421, "", "bye", CATEGORY_TRANSIENT, false, BOUNCE_BY_CODE},
        {499, "", "", CATEGORY_TRANSIENT, false, BOUNCE_BY_CODE},
        {556, "", "", CATEGORY_BAD_DOMAIN, true, BOUNCE_BY_CODE},
        {554, "", "no", CATEGORY_OTHER, false, BOUNCE_BY_CODE},
        {0, "", "", CATEGORY_OTHER, false, BOUNCE_BY_NOTHING},
        {0, "4.0.0", "", CATEGORY_TRANSIENT, false, BOUNCE_BY_CODE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bounce_verdict v =
            classify(BOUNCE_STEP_RCPT, cases[i].code, cases[i].status,
                     cases[i].text, NULL);
        assert_int_equal(v.category, cases[i].category);
        assert_int_equal(v.hard, cases[i].hard);
        assert_int_equal(v.ground, cases[i].ground);
    }
}

/* Whatever the codes say of a mailbox. */
static void blame_of_ours_spares_the_recipient(void **state)
{
    static const char *const texts[] = {
        "blocked using zen.spamhaus.org",
        "message content rejected as spam",
        "your IP address has been blocked",
        "poor reputation of the sender",
        "does not pass DMARC",
        "has sent to too many recipients this hour",
        "Sender address rejected: user unknown",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct bounce_verdict v =
            classify(BOUNCE_STEP_RCPT, 550, "5.1.1", texts[i], NULL);
        assert_false(v.hard);
        assert_int_not_equal(v.follow, BOUNCE_SUPPRESS);
        assert_int_not_equal(v.reach, BOUNCE_REACH_RECIPIENT);
    }
}

static void our_address_in_the_reply(void **state)
{
    const char *said = "550 5.1.1 no mail from 192.0.2.10 here";
    struct bounce_verdict v;

    (void)state;
    v = classify(BOUNCE_STEP_RCPT, 550, "5.1.1", said, "192.0.2.10");
    assert_int_equal(v.category, CATEGORY_SPAM_OR_REPUTATION);
    assert_int_equal(v.follow, BOUNCE_CHANGE_SOURCE);
    v = classify(BOUNCE_STEP_RCPT, 550, "5.1.1", said, "192.0.2.1");
    assert_int_equal(v.category, CATEGORY_INVALID_RECIPIENT);
    v = classify(BOUNCE_STEP_RCPT, 550, "5.1.1", said, "92.0.2.10");
    assert_int_equal(v.category, CATEGORY_INVALID_RECIPIENT);
}

/* Names are no words: neither a recipient's nor a server's. */
static void names_are_not_words(void **state)
{
    static const char *const texts[] = {
        "550 5.1.1 <spam@blacklist.example>: user unknown",
        "host antispam.example.net[192.0.2.1] said: 550 5.1.1 user unknown",
        "host spamhaus.example.net [192.0.2.1]: 550 5.1.1 user unknown",
        "virus@example.com: 550 5.1.1 user unknown",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct bounce_verdict v =
            classify(BOUNCE_STEP_RCPT, 550, "5.1.1", texts[i], NULL);
        assert_int_equal(v.category, CATEGORY_INVALID_RECIPIENT);
        assert_int_equal(v.ground, BOUNCE_BY_WORDS);
    }
    struct bounce_verdict v = classify(BOUNCE_STEP_RCPT, 550, "",
                                       "Client host [192.0.2.1] blocked "
                                       "using zen.spamhaus.org",
                                       NULL);
    assert_int_equal(v.category, CATEGORY_SPAM_OR_REPUTATION);
}

/* Nobody was named yet, so nobody can be unknown. */
static void early_steps_reach_further(void **state)
{
    struct bounce_verdict v;

    (void)state;
    v = classify(BOUNCE_STEP_CONNECT, 550, "5.1.1", "user unknown", NULL);
    assert_int_equal(v.category, CATEGORY_TRANSIENT);
    assert_int_equal(v.reach, BOUNCE_REACH_SITE);
    assert_false(v.hard);
    v = classify(BOUNCE_STEP_MAIL, 550, "5.1.1", "user unknown", NULL);
    assert_int_equal(v.category, CATEGORY_AUTH_OR_POLICY);
    assert_int_equal(v.reach, BOUNCE_REACH_SENDER);
    assert_int_equal(v.follow, BOUNCE_GIVE_UP);
    v = classify(BOUNCE_STEP_DATA, 550, "5.1.1", "user unknown", NULL);
    assert_int_equal(v.category, CATEGORY_INVALID_RECIPIENT);
}

static void temporary_is_retried(void **state)
{
    (void)state;
    for (int c = 0; c <= CATEGORY_OTHER; c++) {
        struct bounce_verdict v =
            bounce_verdict_of((enum bounce_category)c, true);
        assert_false(v.hard);
        assert_int_not_equal(v.follow, BOUNCE_SUPPRESS);
        assert_int_not_equal(v.follow, BOUNCE_GIVE_UP);
    }
}

/* Only what speaks of the recipient may suppress one. */
static void table_is_consistent(void **state)
{
    (void)state;
    for (int c = 0; c < CATEGORIES; c++) {
        const struct category_row *row = category_row((enum bounce_category)c);
        if (row->follow == BOUNCE_SUPPRESS || row->hard)
            assert_int_equal(row->reach, BOUNCE_REACH_RECIPIENT);
        if (row->hard)
            assert_int_equal(row->follow, BOUNCE_SUPPRESS);
    }
}

/* docs/bounces.md shows the table as it is. */
static void page_is_current(void **state)
{
    static char page[65536];
    FILE *file = fopen("docs/bounces.md", "rb");
    struct buf row = {0};

    (void)state;
    assert_non_null(file);
    size_t len = fread(page, 1, sizeof page - 1, file);
    fclose(file);
    page[len] = '\0';
    for (int c = 0; c < CATEGORIES; c++) {
        const struct category_row *r = category_row((enum bounce_category)c);
        buf_reset(&row);
        buf_addf(&row, "| `%s` | %s | %s | %s | %s |\n", r->name,
                 r->hard ? "hard" : "soft", bounce_reach_text(r->reach),
                 bounce_follow_text(r->follow), r->meaning);
        if (!strstr(page, row.data))
            fail_msg("docs/bounces.md lacks: %s", row.data);
    }
    buf_fini(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grounds),
        cmocka_unit_test(blame_of_ours_spares_the_recipient),
        cmocka_unit_test(our_address_in_the_reply),
        cmocka_unit_test(names_are_not_words),
        cmocka_unit_test(early_steps_reach_further),
        cmocka_unit_test(temporary_is_retried),
        cmocka_unit_test(table_is_consistent),
        cmocka_unit_test(page_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
