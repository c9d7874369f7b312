/* Transcripts of inbound/talk, each fed whole and split at every byte. */
#include "inbound/talk.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static struct inbound_addresses addresses;
static const unsigned char secret[MAILID_SECRET_BYTES] = "a secret of tests";
static char good[128]; /* a return path of ours */
static bool brings = true;

static bool may_bring(void *owner)
{
    (void)owner;
    return brings;
}

static const struct talk_manners manners = {.hostname = "mx.example",
                                            .addresses = &addresses,
                                            .size_max = 2000,
                                            .starttls = true,
                                            .may_bring = may_bring};

static int set_up(void **state)
{
    struct config config = {.inbound_domains = (char[]){"b.example, c.example"},
                            .inbound_names = (char[]){"fbl"},
                            .return_path_domain = (char[]){""}};
    struct error err;
    char name[MAILID_TEXT_MAX];

    (void)state;
    assert_int_equal(inbound_addresses_init(&addresses, &config, &err),
                     STATUS_OK);
    memcpy(addresses.secret, secret, sizeof secret);
    mailid_text(secret, (struct mailid){12345, 6}, name);
    snprintf(good, sizeof good, "b+%s@B.example", name);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    inbound_addresses_fini(&addresses);
    return 0;
}

/* What came, and the codes of the replies. */
struct heard {
    struct buf codes, messages, replies;
    enum talk_state state;
};

static void hear_replies(struct heard *h, struct talk *talk)
{
    for (const char *at = talk->out.data, *lf; talk->out.len && *at;
         at = lf + 1) {
        lf = strchr(at, '\n');
        assert_non_null(lf);
        if (at[3] == ' ')
            buf_addf(&h->codes, "%.3s ", at);
    }
    buf_add(&h->replies, talk->out.data ? talk->out.data : "", talk->out.len);
    buf_reset(&talk->out);
}

/* step: so many bytes more are offered at a time. */
static void run(const char *said, size_t len, size_t step, struct heard *h)
{
    struct talk talk;
    size_t used = 0;

    *h = (struct heard){0};
    talk_init(&talk, &manners, NULL);
    for (size_t there = 0; there < len || used < there;) {
        there = there + step < len ? there + step : len;
        size_t n = talk_feed(&talk, said + used, there - used);
        used += n;
        hear_replies(h, &talk);
        if (talk.state == TALK_MESSAGE) {
            buf_add(&h->messages, talk.message.data, talk.message.len);
            buf_add_char(&h->messages, '|');
            talk_taken(&talk, true);
            hear_replies(h, &talk);
            continue;
        }
        if (talk.state == TALK_TLS || (!n && there == len))
            break;
    }
    h->state = talk.state;
    talk_fini(&talk);
}

static void heard_fini(struct heard *h)
{
    buf_fini(&h->codes);
    buf_fini(&h->messages);
    buf_fini(&h->replies);
}

static void check(const char *said, const char *codes, const char *messages)
{
    size_t len = strlen(said);

    for (size_t step = 1; step <= len; step++) {
        struct heard h;

        run(said, len, step, &h);
        assert_string_equal(h.codes.data, codes);
        assert_string_equal(h.messages.data ? h.messages.data : "", messages);
        heard_fini(&h);
    }
}

/* Stops before "354": who goes on is sent away. */
static void check_turns(const char *before, const char *body, const char *codes,
                        const char *messages)
{
    struct talk talk;
    size_t len = strlen(body);

    for (size_t step = 1; step <= len; step++) {
        struct heard h = {0};
        size_t used = 0;

        talk_init(&talk, &manners, NULL);
        assert_int_equal(talk_feed(&talk, before, strlen(before)),
                         strlen(before));
        hear_replies(&h, &talk);
        for (size_t there = 0; there < len || talk.state == TALK_MESSAGE;) {
            there = there + step < len ? there + step : len;
            used += talk_feed(&talk, body + used, there - used);
            hear_replies(&h, &talk);
            if (talk.state != TALK_MESSAGE)
                continue;
            buf_add(&h.messages, talk.message.data, talk.message.len);
            buf_add_char(&h.messages, '|');
            talk_taken(&talk, true);
            used += talk_feed(&talk, body + used, there - used);
            hear_replies(&h, &talk);
        }
        assert_string_equal(h.codes.data, codes);
        assert_string_equal(h.messages.data ? h.messages.data : "", messages);
        heard_fini(&h);
        talk_fini(&talk);
    }
}

static void test_message(void **state)
{
    (void)state;
    check_turns("EHLO x\r\nMAIL FROM:<> SIZE=10\r\nRCPT TO:<fbl@c.example>\r\n"
                "DATA\r\n",
                "..a\r\n.b\r\nx.\r\n\r\n.\r\nNOOP\r\n",
                "220 250 250 250 354 250 250 ",
                "Delivered-To: fbl@c.example\r\n.a\r\nb\r\nx.\r\n\r\n|");
}

static void test_smuggling(void **state)
{
    (void)state;
    static const char *const ends[] = {"\n.\n",   "\n.\r\n", "\r\n.\n",
                                       "\r.\r\n", "\r.\r",   "\r\n.\r"};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char body[200];
        snprintf(body, sizeof body, "a%sMAIL FROM:<x@y>\r\n.\r\n", ends[i]);
        check_turns("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<fbl@c.example>\r\n"
                    "DATA\r\n",
                    body, "220 250 250 250 354 250 ",
                    i == 0   ? "Delivered-To: fbl@c.example\r\na\n.\n"
                               "MAIL FROM:<x@y>\r\n|"
                    : i == 1 ? "Delivered-To: fbl@c.example\r\na\n.\r\n"
                               "MAIL FROM:<x@y>\r\n|"
                    : i == 2 ? "Delivered-To: fbl@c.example\r\na\r\n\n"
                               "MAIL FROM:<x@y>\r\n|"
                    : i == 3 ? "Delivered-To: fbl@c.example\r\na\r.\r\n"
                               "MAIL FROM:<x@y>\r\n|"
                    : i == 4 ? "Delivered-To: fbl@c.example\r\na\r.\r"
                               "MAIL FROM:<x@y>\r\n|"
                             : "Delivered-To: fbl@c.example\r\na\r\n\r"
                               "MAIL FROM:<x@y>\r\n|");
    }
}

static void test_recipients(void **state)
{
    static const struct {
        const char *to, *codes;
    } cases[] = {
        {"fbl@b.example", "250"},
        {"FBL@C.EXAMPLE", "250"},
        {"fbl@d.example", "550"},
        {"root@b.example", "550"},
        {"fbl@b.example.", "550"},
        {"fbl", "550"},
        {"fbl%d.example@x.y", "550"},
        {"@b.example:fbl@c.example", "501"},
        {"\"fbl\"@b.example", "550"},
        {"", "501"},
        {"b+@b.example", "550"},
        {"fbl@d.example@b.example", "550"},
        {"b+01890a5d-ac96-8abc-8def-0123456789ab@b.example", "550"},
    };
    char said[300], codes[60];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(said, sizeof said,
                 "HELO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<%s>\r\n",
                 cases[i].to);
        snprintf(codes, sizeof codes, "220 250 250 %s ", cases[i].codes);
        check(said, codes, "");
    }
    snprintf(said, sizeof said,
             "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\n"
             "RCPT TO:<fbl@b.example>\r\n",
             good);
    check(said, "220 250 250 250 452 ", "");
}

static void test_order(void **state)
{
    (void)state;
    check("MAIL FROM:<>\r\n", "220 503 ", "");
    check("EHLO x\r\nRCPT TO:<fbl@b.example>\r\nDATA\r\n", "220 250 503 503 ",
          "");
    check("EHLO x\r\nMAIL FROM:<>\r\nDATA\r\n", "220 250 250 554 ", "");
    check("EHLO x\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n", "220 250 250 503 ", "");
    check("EHLO x\r\nMAIL FROM:<> SIZE=2001\r\n", "220 250 552 ", "");
    check("EHLO x\r\nMAIL FROM:<> RET=FULL\r\n", "220 250 555 ", "");
    check("EHLO\r\nFOO\r\nVRFY x\r\nRSET\r\nQUIT\r\nNOOP\r\n",
          "220 501 500 252 250 221 ", "");
    check("GET / HTTP/1.1\r\nEHLO x\r\n", "220 421 ", "");
    brings = false;
    check("EHLO x\r\nMAIL FROM:<>\r\n", "220 250 451 ", "");
    brings = true;
}

static void test_too_big(void **state)
{
    char body[2600];

    (void)state;
    memset(body, 'x', sizeof body);
    memcpy(body + 2500, "\r\n.\r\nNOOP\r\n", 12);
    check_turns("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<fbl@b.example>\r\n"
                "DATA\r\n",
                body, "220 250 250 250 354 552 250 ", "");
}

static void test_limits(void **state)
{
    struct buf said = {0};

    (void)state;
    for (size_t i = 0; i < 1500; i++)
        buf_add_char(&said, 'x');
    buf_add_text(&said, "\r\nNOOP\r\n");
    check(said.data, "220 500 250 ", "");
    buf_reset(&said);
    for (int i = 0; i < TALK_BAD_MAX + 5; i++)
        buf_add_text(&said, "FOO\r\n");
    check(said.data, "220 500 500 500 500 500 500 500 500 500 500 421 ", "");
    buf_reset(&said);
    for (int i = 0; i < TALK_COMMANDS_MAX + 5; i++)
        buf_add_text(&said, "NOOP\r\n");
    struct heard h;
    run(said.data, said.len, said.len, &h);
    assert_int_equal(h.state, TALK_OVER);
    assert_non_null(strstr(h.codes.data, "250 421 "));
    heard_fini(&h);
    buf_fini(&said);
}

/* Behind DATA, before 354. */
static void test_early_body(void **state)
{
    static const char said[] = "EHLO x\r\nMAIL FROM:<>\r\n"
                               "RCPT TO:<fbl@b.example>\r\nDATA\r\nhello\r\n";
    struct heard h;

    (void)state;
    run(said, sizeof said - 1, sizeof said - 1, &h);
    assert_string_equal(h.codes.data, "220 250 250 250 354 421 ");
    assert_int_equal(h.state, TALK_OVER);
    heard_fini(&h);
}

/* What was said behind STARTTLS is not taken, what was said before it is
 * forgotten, and it is not offered again. */
static void test_starttls(void **state)
{
    static const char said[] = "EHLO x\r\nMAIL FROM:<>\r\nSTARTTLS\r\nNOOP\r\n";
    struct talk talk;

    (void)state;
    talk_init(&talk, &manners, NULL);
    assert_int_equal(talk_feed(&talk, said, sizeof said - 1),
                     sizeof said - 1 - 6);
    assert_int_equal(talk.state, TALK_TLS);
    assert_int_equal(talk_feed(&talk, "NOOP\r\n", 6), 0);
    buf_reset(&talk.out);
    talk_secured(&talk);
    talk_feed(&talk, "RCPT TO:<fbl@b.example>\r\nMAIL FROM:<>\r\nEHLO x\r\n",
              48);
    assert_true(strncmp(talk.out.data, "503", 3) == 0);
    assert_non_null(strstr(talk.out.data, "503 5.5.1 EHLO first"));
    assert_null(strstr(talk.out.data, "STARTTLS"));
    talk_feed(&talk, "STARTTLS\r\n", 10);
    assert_int_equal(talk.state, TALK_COMMAND);
    talk_fini(&talk);
}

static void test_not_committed(void **state)
{
    struct talk talk;

    (void)state;
    talk_init(&talk, &manners, NULL);
    static const char said[] =
        "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<fbl@b.example>\r\nDATA\r\n";
    talk_feed(&talk, said, sizeof said - 1);
    talk_feed(&talk, "a\r\n.\r\n", 6);
    assert_int_equal(talk.state, TALK_MESSAGE);
    buf_reset(&talk.out);
    talk_taken(&talk, false);
    assert_true(strncmp(talk.out.data, "451", 3) == 0);
    talk_fini(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),       cmocka_unit_test(test_smuggling),
        cmocka_unit_test(test_recipients),    cmocka_unit_test(test_order),
        cmocka_unit_test(test_too_big),       cmocka_unit_test(test_limits),
        cmocka_unit_test(test_early_body),    cmocka_unit_test(test_starttls),
        cmocka_unit_test(test_not_committed),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
