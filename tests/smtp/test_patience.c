#include "smtp/patience.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MINUTE_MS = 60 * 1000, QUIT_MS = 5000, IDLE_MS = 1234 };

static const struct smtp_conn_limits RFC = {.reply_ms = 5 * MINUTE_MS,
                                            .final_dot_ms = 10 * MINUTE_MS,
                                            .idle_ms = IDLE_MS};
static const struct smtp_conn_limits SHORT = {
    .reply_ms = 11, .final_dot_ms = 22, .idle_ms = 33};

static struct smtp_session *at(enum smtp_step step, bool all_taken)
{
    static struct smtp_session s;

    smtp_session_init(&s, "me.example");
    s.unanswered[0].step = step;
    s.n_unanswered = 1;
    s.said.total = 100;
    s.said.taken = all_taken ? 100 : 60;
    return &s;
}

/* RFC 5321, 4.5.3.2, with the limits that it names; and with shorter ones,
 * which are kept everywhere. */
static void as_the_rfc_says(void **state)
{
    static const struct {
        enum smtp_step step;
        bool all_taken;
        int64_t ms, short_ms;
    } cases[] = {
        {STEP_GREETING, true, 5 * MINUTE_MS, 11}, /* 4.5.3.2.1 */
        {STEP_EHLO, true, 5 * MINUTE_MS, 11},
        {STEP_HELO, true, 5 * MINUTE_MS, 11},
        {STEP_STARTTLS, true, 5 * MINUTE_MS, 11},
        {STEP_HANDSHAKE, true, 5 * MINUTE_MS, 11},
        {STEP_AUTH, true, 5 * MINUTE_MS, 11},
        {STEP_MAIL, true, 5 * MINUTE_MS, 11},  /* 4.5.3.2.2 */
        {STEP_RCPT, true, 5 * MINUTE_MS, 11},  /* 4.5.3.2.3 */
        {STEP_DATA, true, 2 * MINUTE_MS, 11},  /* 4.5.3.2.4 */
        {STEP_BODY, false, 3 * MINUTE_MS, 22}, /* 4.5.3.2.5 */
        {STEP_BDAT, false, 3 * MINUTE_MS, 22},
        {STEP_BODY, true, 10 * MINUTE_MS, 22}, /* 4.5.3.2.6 */
        {STEP_BDAT, true, 10 * MINUTE_MS, 22},
        {STEP_EMPTY, true, 10 * MINUTE_MS, 22},
        {STEP_RSET, true, 5 * MINUTE_MS, 11},
        {STEP_IDLE, true, IDLE_MS, 33},
        {STEP_QUIT, true, QUIT_MS, QUIT_MS}, /* whatever the limits */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct smtp_session *s = at(cases[i].step, cases[i].all_taken);

        if (smtp_patience_ms(s, &RFC) != cases[i].ms ||
            smtp_patience_ms(s, &SHORT) != cases[i].short_ms)
            fail_msg("%s, %s: %lld and %lld ms", smtp_step_text(cases[i].step),
                     cases[i].all_taken ? "all taken" : "not all taken",
                     (long long)smtp_patience_ms(s, &RFC),
                     (long long)smtp_patience_ms(s, &SHORT));
    }
}

/* Who leaves waits no longer than for a 221, but for a mail under way. */
static void leaving_is_quick(void **state)
{
    struct smtp_session *s = at(STEP_EHLO, true);

    (void)state;
    s->quitting = true;
    assert_int_equal(smtp_patience_ms(s, &RFC), QUIT_MS);
    s->unanswered[0].step = STEP_RSET;
    assert_int_equal(smtp_patience_ms(s, &RFC), QUIT_MS);
    s->unanswered[0].step = STEP_BODY;
    assert_int_equal(smtp_patience_ms(s, &RFC), 10 * MINUTE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_rfc_says),
        cmocka_unit_test(leaving_is_quick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
