#include "cli/sink/talk.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Each talk is fed whole, and again split at every byte boundary. What the
 * sink says and what the owner hears must be the same every time. */

#define HI "220 sink ESMTP presort sink\r\n"
#define HELLO "HELO me\r\n"
#define MAIL "MAIL FROM:<a@x>\r\n"
#define RCPT "RCPT TO:<b@y>\r\n"
#define OK_MAIL "250 2.1.0 ok\r\n"
#define OK_RCPT "250 2.1.5 ok\r\n"
#define OK_3 HI "250 sink\r\n" OK_MAIL OK_RCPT "354 go ahead\r\n"
#define OK "250 2.0.0 ok\r\n"
#define INTO HELLO MAIL RCPT "DATA\r\n"

struct talk_case {
    const char *name, *in, *out, *heard;
    void (*manner)(struct sink_manners *manners);
    enum sink_talk_state state;
};

struct ears {
    struct buf heard, body;
    bool full;
};

static void hear_body(void *owner, const char *bytes, size_t n)
{
    buf_add(&((struct ears *)owner)->body, bytes, n);
}

static bool hear_keep(void *owner, const struct sink_envelope *e)
{
    struct ears *ears = owner;
    buf_addf(&ears->heard, "keep %s%s%s %s%s%s [%s]\n", e->sender,
             *e->mail_parameters ? " " : "", e->mail_parameters, e->recipient,
             *e->rcpt_parameters ? " " : "", e->rcpt_parameters,
             ears->body.data ? ears->body.data : "");
    return !ears->full;
}

static void hear_forget(void *owner)
{
    struct ears *ears = owner;
    buf_add_text(&ears->heard, "forget\n");
    if (ears->body.data)
        buf_reset(&ears->body);
}

static void hear_settled(void *owner, const char *sender, const char *recipient,
                         size_t size_bytes, enum sink_deed deed)
{
    buf_addf(&((struct ears *)owner)->heard, "%s %s %s %zu\n",
             sink_deed_text(deed), sender, recipient, size_bytes);
}

static void add(struct sink_manners *manners, enum sink_deed deed,
                const char *text)
{
    struct error err;
    assert_int_equal(sink_rules_add(manners->rules, deed, text, &err),
                     STATUS_OK);
}

static void add_drop(struct sink_manners *manners, enum sink_deed deed,
                     enum sink_step step)
{
    struct error err;
    assert_int_equal(
        sink_rules_add_drop(manners->rules, deed, step, "b@*+1", &err),
        STATUS_OK);
}

static void refuse_b(struct sink_manners *manners)
{
    add(manners, SINK_REFUSED, "B@Y:550 5.1.1 who?");
}

static void defer_sender(struct sink_manners *manners)
{
    add(manners, SINK_DEFERRED, "a@x@mail:450 4.1.0 not you");
}

static void refuse_at_data(struct sink_manners *manners)
{
    add(manners, SINK_REFUSED, "b@y@data:554 5.7.1 no");
}

static void end_at_dot(struct sink_manners *manners)
{
    add(manners, SINK_DEFERRED, "b@y@dot:421 4.3.2 going");
}

static void drop_before(struct sink_manners *manners)
{
    add_drop(manners, SINK_DROPPED, SINK_AT_DATA);
}

static void drop_after(struct sink_manners *manners)
{
    add_drop(manners, SINK_DROPPED_ACCEPTED, SINK_AT_DOT);
}

static void lose_after(struct sink_manners *manners)
{
    add_drop(manners, SINK_DROPPED, SINK_AT_DOT);
}

static void one_mail(struct sink_manners *manners)
{
    manners->mails_max = 1;
}

static void ten_bytes(struct sink_manners *manners)
{
    manners->size_max = 10;
}

static void helo_only(struct sink_manners *manners)
{
    manners->no_ehlo = true;
}

static void nothing_offered(struct sink_manners *manners)
{
    manners->no_8bitmime = manners->no_smtputf8 = true;
}

static void false_8bitmime(struct sink_manners *manners)
{
    manners->false_8bitmime = true;
}

static void chunking(struct sink_manners *manners)
{
    manners->chunking = true;
}

static void with_login(struct sink_manners *manners)
{
    manners->auth = "jo:pw";
}

static void starttls(struct sink_manners *manners)
{
    manners->starttls = manners->tls_required = true;
}

static void dsn(struct sink_manners *manners)
{
    manners->dsn = true;
}

static const struct talk_case cases[] = {
    {"nothing", "", HI, "", NULL, SINK_COMMAND},
    {"ehlo", "EHLO me\r\n",
     HI "250-sink\r\n250-SIZE 1000\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
        "250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n",
     "", NULL, SINK_COMMAND},
    {"one mail", INTO "Hi\r\n.\r\nQUIT\r\n", OK_3 OK "221 2.0.0 bye\r\n",
     "keep a@x b@y [Hi\r\n]\naccepted a@x b@y 4\nforget\n", NULL, SINK_OVER},
    {"empty message", INTO ".\r\n", OK_3 OK,
     "keep a@x b@y []\naccepted a@x b@y 0\nforget\n", NULL, SINK_COMMAND},
    {"dots", INTO "..\r\n...\r\n.a\r\nb.\r\n. \r\n.\r\n", OK_3 OK,
     "keep a@x b@y [.\r\n..\r\na\r\nb.\r\n \r\n]\naccepted a@x b@y 17\n"
     "forget\n",
     NULL, SINK_COMMAND},
    {"only CRLF.CRLF ends a message",
     INTO "a\n.\nb\r.\rc\n.\r\nd\r\n.\ne\r\n.\rf\r\r\n.\r\n", OK_3 OK,
     "keep a@x b@y [a\n.\nb\r.\rc\n.\r\nd\r\n\ne\r\n\rf\r\r\n]\n"
     "accepted a@x b@y 25\nforget\n",
     NULL, SINK_COMMAND},
    {"two recipients, one refused",
     HELLO MAIL RCPT "RCPT TO:<c@z>\r\nDATA\r\n.\r\n",
     HI "250 sink\r\n" OK_MAIL "550 5.1.1 who?\r\n" OK_RCPT
        "354 go ahead\r\n" OK,
     "refused a@x b@y 0\nkeep a@x c@z []\naccepted a@x c@z 0\nforget\n",
     refuse_b, SINK_COMMAND},
    {"no recipient left", INTO,
     HI "250 sink\r\n" OK_MAIL
        "550 5.1.1 who?\r\n554 5.5.1 no valid recipients\r\n",
     "refused a@x b@y 0\nforget\n", refuse_b, SINK_COMMAND},
    {"sender deferred", HELLO MAIL, HI "250 sink\r\n450 4.1.0 not you\r\n",
     "deferred a@x  0\n", defer_sender, SINK_COMMAND},
    {"refused at DATA", INTO "RSET\r\n",
     HI "250 sink\r\n" OK_MAIL OK_RCPT "554 5.7.1 no\r\n" OK,
     "refused a@x b@y 0\nforget\n", refuse_at_data, SINK_COMMAND},
    {"421 after the dot", INTO "x\r\n.\r\nNOOP\r\n", OK_3 "421 4.3.2 going\r\n",
     "deferred a@x b@y 3\nforget\n", end_at_dot, SINK_OVER},
    {"dropped before the dot", INTO, HI "250 sink\r\n" OK_MAIL OK_RCPT,
     "dropped a@x b@y 0\nforget\n", drop_before, SINK_OVER},
    {"dropped after the dot", INTO "x\r\n.\r\n", OK_3,
     "keep a@x b@y [x\r\n]\ndropped_accepted a@x b@y 3\nforget\n", drop_after,
     SINK_OVER},
    {"lost after the dot", INTO "x\r\n.\r\n", OK_3,
     "dropped a@x b@y 3\nforget\n", lose_after, SINK_OVER},
    {"421 after one mail", INTO "x\r\n.\r\n" MAIL RCPT,
     OK_3 OK "421 4.7.0 enough mails for one connection\r\n",
     "keep a@x b@y [x\r\n]\naccepted a@x b@y 3\nforget\n", one_mail, SINK_OVER},
    {"too big", INTO "12345678\r\n9\r\n.\r\n",
     OK_3 "552 5.3.4 message too big\r\n", "refused a@x b@y 10\nforget\n",
     ten_bytes, SINK_COMMAND},
    {"as big as allowed", INTO "12345678\r\n.\r\n", OK_3 OK,
     "keep a@x b@y [12345678\r\n]\naccepted a@x b@y 10\nforget\n", ten_bytes,
     SINK_COMMAND},
    {"said to be too big", HELLO "MAIL FROM:<a@x> SIZE=11\r\n" RCPT,
     HI "250 sink\r\n552 5.3.4 message too big\r\n503 5.5.1 MAIL first\r\n", "",
     ten_bytes, SINK_COMMAND},
    {"parameters", HELLO "MAIL FROM:<> SIZE=10 BODY=8BITMIME SMTPUTF8\r\n",
     HI "250 sink\r\n" OK_MAIL, "forget\n", NULL, SINK_COMMAND},
    {"8BITMIME offered and refused",
     "EHLO me\r\nMAIL FROM:<a@x> BODY=8BITMIME\r\nMAIL FROM:<a@x>\r\n",
     HI "250-sink\r\n250-SIZE 1000\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
        "250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
        "555 5.5.4 unknown parameter\r\n" OK_MAIL,
     "forget\n", false_8bitmime, SINK_COMMAND},
    {"parameters not offered",
     HELLO "MAIL FROM:<a@x> BODY=8BITMIME\r\nMAIL FROM:<a@x> SMTPUTF8\r\n"
           "MAIL FROM:<a@x> SIZE=x\r\n",
     HI "250 sink\r\n555 5.5.4 unknown parameter\r\n"
        "555 5.5.4 unknown parameter\r\n501 5.5.4 SIZE is a number\r\n",
     "", nothing_offered, SINK_COMMAND},
    {"UTF-8 without SMTPUTF8", HELLO "MAIL FROM:<\xc3\xa4@x>\r\n",
     HI "250 sink\r\n553 5.6.7 SMTPUTF8 is needed for this address\r\n", "",
     NULL, SINK_COMMAND},
    {"UTF-8 and what is none",
     HELLO "MAIL FROM:<\xc3\xa4@x> SMTPUTF8\r\nRCPT TO:<\xff@y>\r\n"
           "RCPT TO:<\xc3\xb6@y>\r\n",
     HI "250 sink\r\n" OK_MAIL "501 5.5.2 not UTF-8\r\n" OK_RCPT, "forget\n",
     NULL, SINK_COMMAND},
    {"quoted local part",
     HELLO MAIL "RCPT TO:<\"a> \\\"b\"@y>\r\nDATA\r\n.\r\n", OK_3 OK,
     "keep a@x \"a> \\\"b\"@y []\naccepted a@x \"a> \\\"b\"@y 0\nforget\n",
     NULL, SINK_COMMAND},
    {"bad paths",
     HELLO "MAIL FROM:a@x\r\nMAIL FROM:<a@x\r\nMAIL FROM:<@r:a@x>\r\n"
           "MAIL FROM:<a\tb@x>\r\nMAIL FROM:<a@x>y\r\n" MAIL "RCPT TO:<>\r\n",
     HI "250 sink\r\n"
        "501 5.1.7 MAIL FROM:<address> is expected\r\n"
        "501 5.1.7 MAIL FROM:<address> is expected\r\n"
        "501 5.1.7 MAIL FROM:<address> is expected\r\n"
        "501 5.1.7 MAIL FROM:<address> is expected\r\n"
        "501 5.1.7 MAIL FROM:<address> is expected\r\n" OK_MAIL
        "501 5.1.3 RCPT TO:<address> is expected\r\n",
     "forget\n", NULL, SINK_COMMAND},
    {"out of order", MAIL "DATA\r\n" HELLO RCPT MAIL MAIL "RSET\r\nDATA\r\n",
     HI "503 5.5.1 EHLO first\r\n503 5.5.1 MAIL first\r\n250 sink\r\n"
        "503 5.5.1 MAIL first\r\n" OK_MAIL "503 5.5.1 one mail at a time\r\n" OK
        "503 5.5.1 MAIL first\r\n",
     "forget\n", NULL, SINK_COMMAND},
    {"unknown and odd commands",
     "BDAT 1\r\nehlox\r\nHELO\r\nnoop x\nVRFY a\r\n",
     HI "500 5.5.1 unknown command\r\n500 5.5.1 unknown command\r\n"
        "501 5.5.4 a domain is expected\r\n" OK
        "252 2.5.0 send mail and see\r\n",
     "", NULL, SINK_COMMAND},
    {"no EHLO", "EHLO me\r\nHELO me\r\n",
     HI "500 5.5.1 unknown command\r\n250 sink\r\n", "", helo_only,
     SINK_COMMAND},
    {"too many errors",
     "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n"
     "DATA x\r\nNOOP\r\n",
     NULL, "", NULL, SINK_OVER},
    /* BDAT, AUTH, STARTTLS, DSN. */
    {"two chunks", HELLO MAIL RCPT "BDAT 4\r\nHi\r\nBDAT 6 LAST\r\n.\r\nx\r\n",
     HI "250 sink\r\n" OK_MAIL OK_RCPT OK OK,
     "keep a@x b@y [Hi\r\n.\r\nx\r\n]\naccepted a@x b@y 10\nforget\n", chunking,
     SINK_COMMAND},
    {"a chunk for nobody is read", HELLO "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
     HI "250 sink\r\n503 5.5.1 MAIL first\r\n" OK, "", chunking, SINK_COMMAND},
    {"a chunk of no size", HELLO "BDAT x LAST\r\n",
     HI "250 sink\r\n421 5.5.4 BDAT SIZE [LAST] is expected\r\n", "", chunking,
     SINK_OVER},
    {"chunks are not offered", HELLO "BDAT 0 LAST\r\n",
     HI "250 sink\r\n500 5.5.1 unknown command\r\n", "", NULL, SINK_COMMAND},
    {"login by PLAIN", HELLO MAIL "AUTH PLAIN AGpvAHB3\r\n" MAIL,
     HI "250 sink\r\n530 5.7.0 AUTH first\r\n235 2.7.0 welcome\r\n" OK_MAIL,
     "forget\n", with_login, SINK_COMMAND},
    {"login by LOGIN", HELLO "AUTH LOGIN\r\nam8=\r\ncHc=\r\n",
     HI "250 sink\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n"
        "235 2.7.0 welcome\r\n",
     "", with_login, SINK_COMMAND},
    {"login by XOAUTH2",
     HELLO "AUTH XOAUTH2 dXNlcj1qbwFhdXRoPUJlYXJlciBwdwEB\r\n",
     HI "250 sink\r\n235 2.7.0 welcome\r\n", "", with_login, SINK_COMMAND},
    {"a wrong token is told by an empty line",
     HELLO "AUTH XOAUTH2 eA==\r\n\r\n",
     HI "250 sink\r\n334 eyJzdGF0dXMiOiI0MDEifQ==\r\n"
        "535 5.7.8 wrong credentials\r\n",
     "", with_login, SINK_COMMAND},
    {"a wrong password", HELLO "AUTH LOGIN am8=\r\neA==\r\n",
     HI "250 sink\r\n334 UGFzc3dvcmQ6\r\n535 5.7.8 wrong credentials\r\n", "",
     with_login, SINK_COMMAND},
    {"STARTTLS", HELLO MAIL "STARTTLS\r\n",
     HI "250 sink\r\n530 5.7.0 STARTTLS first\r\n220 2.0.0 go ahead\r\n", "",
     starttls, SINK_TLS},
    {"DSN",
     HELLO "MAIL FROM:<a@x> RET=HDRS SIZE=9 ENVID=7\r\n"
           "RCPT TO:<b@y> NOTIFY=NEVER\r\nRCPT TO:<c@z>\r\nDATA\r\n.\r\n"
           "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n.\r\n",
     HI "250 sink\r\n" OK_MAIL OK_RCPT OK_RCPT
        "354 go ahead\r\n" OK OK_MAIL OK_RCPT "354 go ahead\r\n" OK,
     "keep a@x RET=HDRS ENVID=7 b@y NOTIFY=NEVER []\n"
     "keep a@x RET=HDRS ENVID=7 c@z []\n"
     "accepted a@x b@y 0\naccepted a@x c@z 0\nforget\n"
     "keep a@x b@y []\naccepted a@x b@y 0\nforget\n",
     dsn, SINK_COMMAND},
};

static void run(const struct talk_case *c, size_t cut)
{
    struct sink_rules *rules = calloc(1, sizeof *rules);
    struct sink_manners manners = {
        .hostname = "sink",
        .rules = rules,
        .size_max = 1000,
        .ears = {hear_body, hear_keep, hear_forget, hear_settled}};
    if (c->manner)
        c->manner(&manners);
    struct ears ears = {0};
    struct sink_talk talk;
    sink_talk_init(&talk, &manners, &ears);

    size_t n = strlen(c->in);
    size_t used = sink_talk_feed(&talk, c->in, cut, 1);
    assert_true(used <= cut);
    used += sink_talk_feed(&talk, c->in + used, n - used, 1);
    if (used != n || talk.state != c->state)
        fail_msg("%s, split at %zu: %zu of %zu used, state %d", c->name, cut,
                 used, n, (int)talk.state);
    if (c->out && strcmp(talk.out.data, c->out) != 0)
        fail_msg("%s, split at %zu: said:\n%s", c->name, cut, talk.out.data);
    sink_talk_fini(&talk);
    if (strcmp(ears.heard.len ? ears.heard.data : "", c->heard) != 0)
        fail_msg("%s, split at %zu: heard:\n%s", c->name, cut, ears.heard.data);
    buf_fini(&ears.heard);
    buf_fini(&ears.body);
    sink_rules_fini(rules);
    free(rules);
}

static void talks_split_at_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t cut = 0; cut <= strlen(cases[i].in); cut++)
            run(&cases[i], cut);
}

static void start(struct sink_talk *talk, struct sink_manners *manners,
                  struct sink_rules *rules, struct ears *ears)
{
    *manners = (struct sink_manners){.hostname = "sink",
                                     .rules = rules,
                                     .size_max = 1000,
                                     .ears = {.settled = hear_settled}};
    sink_talk_init(talk, manners, ears);
    buf_reset(&talk->out);
    talk->replies = 0;
}

static void over_long_lines_are_skipped(void **state)
{
    (void)state;
    static struct sink_rules rules;
    struct sink_manners manners;
    struct ears ears = {0};
    struct sink_talk talk;
    char line[3 * SINK_LINE_MAX];
    memset(line, 'x', sizeof line);
    memcpy(line + sizeof line - 7, "\nNOOP\r\n", 7);

    start(&talk, &manners, &rules, &ears);
    size_t used = sink_talk_feed(&talk, line, SINK_LINE_MAX - 1, 1);
    assert_int_equal(used, 0);
    used = sink_talk_feed(&talk, line, sizeof line, 1);
    assert_int_equal(used, sizeof line);
    assert_string_equal(talk.out.data, "500 5.5.6 line too long\r\n" OK);
    sink_talk_fini(&talk);
}

static void replies_do_not_pile_up(void **state)
{
    (void)state;
    static struct sink_rules rules;
    struct sink_manners manners;
    struct ears ears = {0};
    struct sink_talk talk;
    char noops[5 * 4096];
    for (size_t i = 0; i < sizeof noops; i += 5)
        memcpy(noops + i, "NOOP\n", 5);

    start(&talk, &manners, &rules, &ears);
    size_t used = sink_talk_feed(&talk, noops, sizeof noops, 1);
    assert_in_range(used, 1, sizeof noops - 1);
    assert_in_range(talk.out.len, SINK_OUT_MAX, SINK_OUT_MAX + 64);
    assert_int_equal(talk.replies * 5, used);
    buf_reset(&talk.out);
    assert_true(sink_talk_feed(&talk, noops + used, 100, 1) == 100);
    sink_talk_fini(&talk);
}

static void recipients_are_limited(void **state)
{
    (void)state;
    static struct sink_rules rules;
    struct sink_manners manners;
    struct ears ears = {0};
    struct sink_talk talk;
    start(&talk, &manners, &rules, &ears);
    assert_true(sink_talk_feed(&talk, HELLO MAIL, strlen(HELLO MAIL), 1) > 0);
    for (size_t i = 0; i < SINK_RECIPIENTS_MAX + 1; i++) {
        buf_reset(&talk.out);
        assert_int_equal(sink_talk_feed(&talk, RCPT, strlen(RCPT), 1),
                         strlen(RCPT));
    }
    assert_string_equal(talk.out.data, "452 4.5.3 too many recipients\r\n");
    assert_int_equal(talk.recipients_n, SINK_RECIPIENTS_MAX);
    sink_talk_fini(&talk);
    buf_fini(&ears.heard);
}

static void pipelining_not_offered_is_answered_421(void **state)
{
    (void)state;
    static struct sink_rules rules;
    struct sink_manners manners;
    struct ears ears = {0};
    struct sink_talk talk;
    start(&talk, &manners, &rules, &ears);
    manners.no_pipelining = true;
    assert_true(sink_talk_feed(&talk, HELLO, strlen(HELLO), 1) > 0);
    assert_int_equal(talk.state, SINK_COMMAND);
    assert_true(sink_talk_feed(&talk, MAIL RCPT, strlen(MAIL RCPT), 1) > 0);
    assert_int_equal(talk.state, SINK_OVER);
    assert_non_null(strstr(talk.out.data, "421 4.5.0 "));
    sink_talk_fini(&talk);
}

static void what_cannot_be_kept_is_deferred(void **state)
{
    (void)state;
    static struct sink_rules rules;
    struct sink_manners manners;
    struct ears ears = {.full = true};
    struct sink_talk talk;
    start(&talk, &manners, &rules, &ears);
    manners.ears.keep = hear_keep;
    assert_true(sink_talk_feed(&talk, INTO ".\r\n", strlen(INTO) + 3, 1) > 0);
    assert_non_null(strstr(talk.out.data, "354 go ahead\r\n451 4.3.0 "));
    assert_non_null(strstr(ears.heard.data, "deferred a@x b@y 0\n"));
    sink_talk_fini(&talk);
    buf_fini(&ears.heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks_split_at_every_byte),
        cmocka_unit_test(over_long_lines_are_skipped),
        cmocka_unit_test(replies_do_not_pile_up),
        cmocka_unit_test(recipients_are_limited),
        cmocka_unit_test(pipelining_not_offered_is_answered_421),
        cmocka_unit_test(what_cannot_be_kept_is_deferred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
