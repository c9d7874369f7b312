/* What outcomes mean, as they are settled. */
#include "bounce/answer.h"
#include "bounce/category.h"
#include "bounce/classify.h"
#include "bounce/reply.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TRIES_MAX = 3, FILE_BYTES = 65536 };

struct row {
    enum verdict verdict;
    unsigned code;
    const char *enhanced, *step, *reply;
    int tries;
    enum verdict expected;
    const char *category;
};

static const struct row table[] = {
    {VERDICT_BOUNCED, 550, "5.1.1", "RCPT TO", "no such user", 0,
     VERDICT_BOUNCED, "invalid_recipient"},
    {VERDICT_DEFERRED, 450, "4.1.1", "RCPT TO", "no such user", 0,
     VERDICT_DEFERRED, "invalid_recipient"},
    {VERDICT_DEFERRED, 452, "4.2.2", "RCPT TO", "over quota", 0,
     VERDICT_DEFERRED, "mailbox_full"},
    {VERDICT_BOUNCED, 552, "5.2.2", "RCPT TO", "over quota", 0, VERDICT_BOUNCED,
     "mailbox_full"},
    /* Blames our address: again, but not for ever. */
    {VERDICT_BOUNCED, 554, "5.7.1", "RCPT TO", "listed at zen.spamhaus.org", 0,
     VERDICT_DEFERRED, "spam_or_reputation"},
    {VERDICT_BOUNCED, 554, "5.7.1", "RCPT TO", "listed at zen.spamhaus.org",
     TRIES_MAX - 1, VERDICT_DEFERRED, "spam_or_reputation"},
    {VERDICT_BOUNCED, 554, "5.7.1", "RCPT TO", "listed at zen.spamhaus.org",
     TRIES_MAX, VERDICT_BOUNCED, "spam_or_reputation"},
    /* The same words once the text was seen. */
    {VERDICT_BOUNCED, 554, "5.7.1", "end of data", "blocked using spamhaus", 0,
     VERDICT_BOUNCED, "spam_or_reputation"},
    {VERDICT_BOUNCED, 550, "", "MAIL FROM", "Connection frequency limited", 0,
     VERDICT_DEFERRED, "rate_limited"},
    {VERDICT_BOUNCED, 550, "", "end of data", "Connection frequency limited", 0,
     VERDICT_DEFERRED, "rate_limited"},
    /* Before a recipient was named, no words are about one. */
    {VERDICT_BOUNCED, 550, "5.1.1", "MAIL FROM", "no such user", 0,
     VERDICT_BOUNCED, "auth_or_policy"},
    {VERDICT_BOUNCED, 550, "5.1.1", "EHLO", "no such user", 0, VERDICT_DEFERRED,
     "transient"},
    {VERDICT_BOUNCED, 550, "5.1.1", "STARTTLS", "no such user", 0,
     VERDICT_DEFERRED, "transient"},
    /* A login is wanted: of us, however often. */
    {VERDICT_BOUNCED, 530, "5.7.0", "MAIL FROM", "Authentication required", 0,
     VERDICT_DEFERRED, "auth_or_policy"},
    {VERDICT_BOUNCED, 530, "", "MAIL FROM", "Must issue a STARTTLS first",
     TRIES_MAX, VERDICT_DEFERRED, "auth_or_policy"},
    {VERDICT_BOUNCED, 530, "5.7.0", "RCPT TO", "Authentication required", 0,
     VERDICT_BOUNCED, "auth_or_policy"},
    /* From DNS. */
    {VERDICT_BOUNCED, 550, "5.1.2", "DNS", "no such domain", 0, VERDICT_BOUNCED,
     "bad_domain"},
    {VERDICT_BOUNCED, 556, "5.1.10", "DNS", "takes no mail (null MX)", 0,
     VERDICT_BOUNCED, "bad_domain"},
    {VERDICT_BOUNCED, 550, "5.1.3", "RCPT TO", "bad address", 0,
     VERDICT_BOUNCED, "invalid_recipient"},
    /* Rules of ours are nothing that suppresses. */
    {VERDICT_BOUNCED, 0, "5.1.3", "RCPT TO", "not fit for SMTP", 0,
     VERDICT_BOUNCED, "other"},
    {VERDICT_BOUNCED, 550, "5.1.3", "DNS", "no address literals", 0,
     VERDICT_BOUNCED, "other"},
    {VERDICT_BOUNCED, 0, "5.3.4", "MAIL FROM", "4 bytes are more", 0,
     VERDICT_BOUNCED, "too_big"},
    /* Nobody answered: these words are ours, whatever they say. */
    {VERDICT_DEFERRED, 0, "", "greeting", "no such user", 0, VERDICT_DEFERRED,
     "transient"},
    {VERDICT_DEFERRED, 0, NULL, NULL, NULL, 0, VERDICT_DEFERRED, "transient"},
    /* Not judged. */
    {VERDICT_DELIVERED, 250, "2.0.0", "end of data", "ok", 0, VERDICT_DELIVERED,
     NULL},
    {VERDICT_IN_DOUBT, 0, "", "end of data", "lost", 0, VERDICT_IN_DOUBT, NULL},
    {VERDICT_BOUNCED, 0, "", "render", "unknown user variable", 0,
     VERDICT_BOUNCED, NULL},
    {VERDICT_DEFERRED, 0, "", "sign", "no key", 0, VERDICT_DEFERRED, NULL},
    {VERDICT_SUPPRESSED, 0, "", "suppress", "bounce", 0, VERDICT_SUPPRESSED,
     NULL},
};

static struct settled judged(const struct row *row)
{
    struct settled s = {.verdict = row->verdict,
                        .code = row->code,
                        .enhanced = row->enhanced,
                        .step = row->step,
                        .reply = row->reply};

    answer_judge(&s, row->tries, TRIES_MAX);
    return s;
}

static void judges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct settled s = judged(&table[i]);
        const char *got = s.category ? s.category : "none";
        const char *expected = table[i].category ? table[i].category : "none";

        if (s.verdict != table[i].expected || strcmp(got, expected) != 0)
            fail_msg("row %zu (%s): %s, %s", i, table[i].reply,
                     verdict_text(s.verdict), got);
    }
}

/* Whatever the rule: what it blames is who pays. */
static void blame_is_not_the_recipients(void **state)
{
    size_t n;
    const struct bounce_rule *rules = bounce_rules(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        const char *text = rules[i].fixture;
        struct bounce_reply reply;

        bounce_reply_find(text, strlen(text), &reply);
        struct bounce_evidence e = {.step = BOUNCE_STEP_RCPT,
                                    .code = reply.code,
                                    .status = reply.status,
                                    .text = text,
                                    .text_len = strlen(text)};
        struct bounce_verdict v = bounce_classify(&e);

        if (v.reach == BOUNCE_REACH_RECIPIENT)
            continue;
        if (v.hard || v.follow == BOUNCE_SUPPRESS)
            fail_msg("\"%s\" would suppress a recipient", text);
    }
}

static void only_recipients_are_hard(void **state)
{
    (void)state;
    for (int i = 0; i < CATEGORIES; i++) {
        const struct category_row *row = category_row((enum bounce_category)i);

        if (row->hard || row->follow == BOUNCE_SUPPRESS)
            assert_int_equal(row->reach, BOUNCE_REACH_RECIPIENT);
    }
}

/* A name in quotes in the migration for each that is hard, and no other. */
static void the_store_agrees(void **state)
{
    static char sql[FILE_BYTES];
    FILE *file = fopen("migrations/0011_failures.sql", "r");

    (void)state;
    assert_non_null(file);
    size_t len = fread(sql, 1, sizeof sql - 1, file);

    (void)fclose(file);
    sql[len] = 0;
    const char *body = strstr(sql, "SELECT category IN (");

    assert_non_null(body);
    size_t end = strcspn(body, ")");

    for (int i = 0; i < CATEGORIES; i++) {
        const struct category_row *row = category_row((enum bounce_category)i);
        char quoted[64];

        snprintf(quoted, sizeof quoted, "'%s'", row->name);
        const char *at = strstr(body, quoted);

        assert_int_equal(at && at < body + end, row->hard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(blame_is_not_the_recipients),
        cmocka_unit_test(only_recipients_are_hard),
        cmocka_unit_test(the_store_agrees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
