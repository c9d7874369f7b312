#include "smtp/session.h"
#include "smtp/tls.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "base/memory.h"
#include "smtp/talks.h"
#include "smtp/talks_secure.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Each talk of smtp/talks.h is played with its server's bytes whole, one by
 * one, and split once at every place. */

static const struct {
    const char *from, *to, *data;
    bool eight_bit, utf8_header;
} mails[] = {
    [1] = {"a@x", "b@y", "Hi\r\n", false, false},
    [2] = {"a@x", "c@y", "Ho\r\n", false, false},
    [3] = {"", "b@y", "\xc3\xa4\r\n", false, false},
    [4] = {"a@x", "j\xc3\xb6@y", "Hi\r\n", false, false},
    [5] = {"a@x", "b@y\r\nRCPT", "Hi\r\n", false, false},
    [6] = {"a@x> SIZE=1", "b@y", "Hi\r\n", false, false},
    [7] = {"a@x", "", "Hi\r\n", false, false},
    [8] = {"a@x", "b@y", "..dot\r\n", false, false},
    [9] = {"a@x", "b@y", "\xc3\xa4\r\n", true, false},
    [10] = {"a@x", "\"/S=D\\\"oe/O=<Some Org>/ADMD= /\"@y", "Hi\r\n", false,
            false},
    [11] = {"a@x", "\"b\" SIZE=1@y", "Hi\r\n", false, false},
    [12] = {"a@x", "\"b\n\"@y", "Hi\r\n", false, false},
    [13] = {"\"a b@x", "b@y", "Hi\r\n", false, false},
    [14] = {"a@x", "b@y", "Cc: \xc3\xa4@x\r\n", false, true},
};

static const size_t WHOLE = SIZE_MAX, EACH = SIZE_MAX - 1;

struct play {
    struct smtp_session s;
    struct buf log;  /* the talk as it really went */
    struct buf in;   /* server's lines in a row, not yet fed */
    size_t cut, fed; /* split behind so many of the server's bytes */
    bool hold;       /* nothing is taken */
    struct smtp_auth *auth;
};

static size_t index_of(const void *tag)
{
    for (size_t i = 0; i < sizeof mails / sizeof *mails; i++)
        if (tag == &mails[i])
            return i;
    fail_msg("a result of no mail");
    return 0;
}

static void log_results(struct play *p)
{
    struct smtp_result r;

    while (smtp_session_result(&p->s, &r)) {
        buf_addf(&p->log, "R%zu: %s %s %u %s %s%s: ", index_of(r.tag),
                 verdict_text(r.verdict), reach_text(r.reach), r.code,
                 *r.enhanced ? r.enhanced : "-", smtp_step_text(r.step),
                 r.seven_bit ? " seven_bit"
                 : r.untried ? " untried"
                             : "");
        for (const char *c = r.text; *c; c++)
            buf_add_char(&p->log, *c == '\n' ? '/' : *c);
        buf_add_char(&p->log, '\n');
    }
}

/* Takes at most n bytes of what was said, one by one. */
static void take(struct play *p, size_t n, bool logged)
{
    static const char crlf[] = "\r\n";
    struct iovec iov[SMTP_IOV_MAX];
    struct buf said = {0};
    char *line, *end;

    for (; n > 0 && smtp_said_pending(&p->s.said, iov) > 0; n--) {
        buf_add(&said, iov[0].iov_base, 1);
        smtp_said_taken(&p->s.said, 1);
    }
    line = said.data;
    while (logged && line && (end = strstr(line, crlf)) != NULL) {
        *end = 0;
        buf_addf(&p->log, "C: %s\n", line);
        line = end + strlen(crlf);
    }
    if (logged && line && *line)
        buf_addf(&p->log, "C, no line: %s\n", line);
    buf_fini(&said);
}

static void feed(struct play *p, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t used = smtp_session_receive(&p->s, bytes, len);

        assert_true(used <= len);
        bytes += used;
        len -= used;
        log_results(p);
    }
}

static void feed_pieces(struct play *p)
{
    size_t at = 0, n = p->in.len;

    if (p->cut == EACH)
        for (; at < n; at++)
            feed(p, p->in.data + at, 1);
    else if (p->cut > p->fed && p->cut < p->fed + n)
        feed(p, p->in.data, at = p->cut - p->fed);
    feed(p, p->in.data + at, n - at);
    p->fed += n;
    buf_reset(&p->in);
}

static void give(struct play *p, size_t i)
{
    struct smtp_message m = {.from = mails[i].from,
                             .to = mails[i].to,
                             .data = mails[i].data,
                             .data_len = strlen(mails[i].data),
                             .eight_bit = mails[i].eight_bit,
                             .utf8_header = mails[i].utf8_header};

    /* A tag is only compared. */
    union {
        const void *ours;
        void *theirs;
    } tag = {.ours = &mails[i]};
    m.tag = tag.theirs;
    if (!smtp_session_takes(&p->s))
        buf_add_text(&p->log, "takes no mail\n");
    else
        smtp_session_send(&p->s, &m);
}

/* "W may", "W must", with "login", with "secure" */
static void want(struct play *p, const char *line)
{
    enum smtp_starttls starttls = strstr(line, "must")  ? SMTP_STARTTLS_MUST
                                  : strstr(line, "may") ? SMTP_STARTTLS_MAY
                                                        : SMTP_STARTTLS_NEVER;

    smtp_session_want(&p->s, starttls, strstr(line, "secure") != NULL,
                      strstr(line, "login") ? p->auth : NULL);
}

static void play_line(struct play *p, const char *line)
{
    switch (line[0]) {
    case 'M': give(p, strtoul(line + 1, NULL, 10)); break;
    case 'Q': smtp_session_quit(&p->s); break;
    case 'L': smtp_session_lost(&p->s, SMTP_LOSS_SERVER, "lost"); break;
    case 'T': smtp_session_lost(&p->s, SMTP_LOSS_TIMEOUT, "timeout"); break;
    case 'O': smtp_session_lost(&p->s, SMTP_LOSS_OWNER, "ended"); break;
    case 'H': p->hold = true; break;
    case 'W': want(p, line); break;
    case 'Z': smtp_session_secured(&p->s); break;
    case 'P': take(p, strtoul(line + 1, NULL, 10), false); break;
    case 'F': p->hold = false; break;
    default: fail_msg("not a line of a talk: %s", line);
    }
}

static void play(struct play *p, const char *talk)
{
    const struct smtp_login login = {.mechs = SMTP_MECH_SCRAM_SHA_256 |
                                              SMTP_MECH_PLAIN | SMTP_MECH_LOGIN,
                                     .user = "user",
                                     .secret = "pencil"};

    smtp_session_init(&p->s, "me.example");
    p->auth = smtp_auth_new(&login);
    smtp_auth_nonce(p->auth, "rOprNGfwEbeRWgbNEkqO");
    for (const char *end; *talk; talk = end + 1) {
        char *line;

        end = strchr(talk, '\n');
        if (strchr("CRE", talk[0]))
            continue;
        line = text_copy_n(talk, (size_t)(end - talk));
        buf_addf(&p->log, "%s\n", line);
        if (line[0] == 'S')
            buf_addf(&p->in, "%s\r\n", line + strlen("S: "));
        else
            play_line(p, line);
        free(line);
        if (end[1] == 'S' && talk[0] == 'S')
            continue;
        feed_pieces(p);
        log_results(p);
        if (!p->hold)
            take(p, SIZE_MAX, true);
    }
    buf_addf(&p->log, "E: %s%s%s", smtp_step_text(smtp_session_waits(&p->s)),
             p->s.why[0] ? ": " : "", p->s.why);
    if (p->s.reply_code)
        buf_addf(&p->log, " (%u)", p->s.reply_code);
    if (p->s.fault == SMTP_FAULT_TLS || p->s.fault == SMTP_FAULT_LOGIN)
        buf_addf(&p->log, " [%s]", smtp_fault_text(p->s.fault));
    buf_add_char(&p->log, '\n');
}

/* Returns how many bytes the server said. */
static size_t check(const struct talk *t, size_t cut)
{
    struct play p = {.cut = cut};

    play(&p, t->talk);
    if (strcmp(p.log.data, t->talk) != 0)
        fail_msg("%s, split at %zu\n--- wanted\n%s--- had\n%s", t->name, cut,
                 t->talk, p.log.data);
    buf_fini(&p.log);
    buf_fini(&p.in);
    smtp_auth_free(p.auth);
    return p.fed;
}

static void check_anywhere(const struct talk *t)
{
    size_t n = check(t, WHOLE);

    check(t, EACH);
    for (size_t cut = 1; cut < n; cut++)
        check(t, cut);
}

static void talks_split_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++)
        check_anywhere(&talks[i]);
    for (size_t i = 0; i < sizeof secure_talks / sizeof *secure_talks; i++)
        check_anywhere(&secure_talks[i]);
    for (size_t i = 0; i < sizeof chunk_talks / sizeof *chunk_talks; i++)
        check_anywhere(&chunk_talks[i]);
}

static void hear(struct smtp_session *s, const char *text)
{
    smtp_said_taken(&s->said, s->said.total - s->said.taken);
    for (size_t at = 0; at < strlen(text);)
        at += smtp_session_receive(s, text + at, strlen(text) - at);
}

static const struct smtp_message SOME = {
    .from = "a@x", .to = "b@y", .data = "Hi\r\n", .data_len = 4};

/* When another mail may be given: plainly, only when idle. */
static void takes_a_mail(void **state)
{
    struct smtp_session s;
    struct smtp_result r;

    (void)state;
    for (int piped = 0; piped <= 1; piped++) {
        smtp_session_init(&s, "me.example");
        assert_false(smtp_session_takes(&s));
        hear(&s, "220 hi\r\n");
        assert_false(smtp_session_takes(&s));
        hear(&s, piped ? "250-mx\r\n250 PIPELINING\r\n" : "250 mx\r\n");
        assert_true(smtp_session_takes(&s));
        smtp_session_send(&s, &SOME);
        assert_false(smtp_session_takes(&s));
        hear(&s, "250 ok\r\n");
        hear(&s, "250 ok\r\n");
        assert_false(smtp_session_takes(&s));
        hear(&s, "354 go\r\n");
        assert_int_equal(smtp_session_takes(&s), piped);
        hear(&s, "250 kept\r\n");
        assert_false(smtp_session_takes(&s)); /* before its result is taken */
        assert_true(smtp_session_result(&s, &r));
        assert_true(smtp_session_takes(&s));
        smtp_session_quit(&s);
        assert_false(smtp_session_takes(&s));
        assert_int_equal(s.attempts, 1);
    }
}

/* An address as long as can be fits the command; one byte more is refused. */
static void long_addresses(void **state)
{
    char longest[256];
    struct smtp_message m = SOME;
    struct smtp_session s;
    struct smtp_result r;

    (void)state;
    memset(longest, 'l', sizeof longest);
    longest[254] = 0;
    m.from = m.to = longest;
    smtp_session_init(&s, "me.example");
    hear(&s, "220 hi\r\n");
    hear(&s, "250-mx\r\n250 PIPELINING\r\n");
    smtp_session_send(&s, &m);
    hear(&s, "250 ok\r\n250 ok\r\n354 go\r\n");
    smtp_session_send(&s, &m);
    hear(&s, "250 kept\r\n");
    assert_true(smtp_session_result(&s, &r));
    assert_int_equal(r.verdict, VERDICT_DELIVERED);
    hear(&s, "250 ok\r\n550 no\r\n");
    assert_true(smtp_session_result(&s, &r));
    hear(&s, "554 no\r\n");
    longest[254] = 'l';
    longest[255] = 0;
    smtp_session_send(&s, &m);
    assert_true(smtp_session_result(&s, &r));
    assert_int_equal(r.verdict, VERDICT_BOUNCED);
    assert_int_equal(r.code, 0);
}

static const char *said(struct smtp_session *s, char *out, size_t max)
{
    struct iovec iov[SMTP_IOV_MAX];
    int n = smtp_said_pending(&s->said, iov);
    size_t len = 0;

    for (int i = 0; i < n && len + iov[i].iov_len < max; i++) {
        memcpy(out + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    out[len] = 0;
    return out;
}

/* A reply without end, as one line or as many: the session is over. Of a body
 * its code says what became of it; before, the mail is deferred. */
static void endless_replies(void **state)
{
    static const char line[] = "250-more of it\r\n";
    static char reply[SMTP_REPLY_BYTES_MAX + sizeof line];

    (void)state;
    for (int i = 0; i < 6; i++) {
        bool many_lines = i % 2, dot_gone = i >= 2, refused = i >= 4;
        struct smtp_session s;
        struct smtp_result r;

        memset(reply, 0xff, sizeof reply);
        memcpy(reply, refused ? "554-" : line, strlen("250-"));
        for (size_t n = 0; many_lines && n + sizeof line <= sizeof reply;
             n += strlen(line)) {
            memcpy(reply + n, line, strlen(line));
            memcpy(reply + n, refused ? "554" : "250", strlen("250"));
        }
        smtp_session_init(&s, "me.example");
        hear(&s, "220 hi\r\n");
        hear(&s, "250 mx\r\n");
        smtp_session_send(&s, &SOME);
        hear(&s, "250 ok\r\n");
        if (dot_gone) {
            hear(&s, "250 ok\r\n");
            hear(&s, "354 go\r\n");
        }
        hear(&s, "");
        assert_int_equal(smtp_session_receive(&s, reply, SMTP_REPLY_BYTES_MAX),
                         SMTP_REPLY_BYTES_MAX);
        assert_int_equal(smtp_session_waits(&s),
                         dot_gone ? STEP_BODY : STEP_RCPT);
        assert_true(smtp_session_receive(&s, reply + SMTP_REPLY_BYTES_MAX, 1) <=
                    1);
        assert_int_equal(smtp_session_waits(&s), STEP_OVER);
        assert_true(smtp_session_result(&s, &r));
        assert_int_equal(r.verdict, refused    ? VERDICT_BOUNCED
                                    : dot_gone ? VERDICT_DELIVERED
                                               : VERDICT_DEFERRED);
        assert_int_equal(r.code, refused ? 554 : dot_gone ? 250 : 0);
        assert_int_equal(utf8_check(r.text, strlen(r.text)), strlen(r.text));
        assert_non_null(strstr(s.why, "reply exceeds 64 KiB"));
        assert_false(smtp_session_result(&s, &r));
        assert_int_equal(s.fault, SMTP_FAULT_LOST);
    }
}

/* RFC 3461: only where it is offered. */
static void asks_for_notifications(void **state)
{
    struct smtp_message m = SOME;
    struct smtp_session s;
    char out[1024];

    (void)state;
    m.ret = "HDRS";
    m.envid = "a+b=c d";
    m.notify = "FAILURE,DELAY";
    for (int offered = 0; offered <= 1; offered++) {
        smtp_session_init(&s, "me.example");
        hear(&s, "220 hi\r\n");
        hear(&s, offered ? "250-mx\r\n250-PIPELINING\r\n250 DSN\r\n"
                         : "250-mx\r\n250 PIPELINING\r\n");
        smtp_session_send(&s, &m);
        assert_string_equal(
            said(&s, out, sizeof out),
            offered ? "MAIL FROM:<a@x> RET=HDRS ENVID=a+2Bb+3Dc+20d\r\n"
                      "RCPT TO:<b@y> NOTIFY=FAILURE,DELAY\r\nDATA\r\n"
                    : "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
    }
}

/* RFC 3461, 4.4: 100 characters as said, and no half of one. */
static void an_envid_has_its_length(void **state)
{
    struct smtp_message m = SOME;
    struct smtp_session s;
    char envid[200], out[1024];
    const char *at;

    (void)state;
    memset(envid, 'x', sizeof envid);
    envid[98] = '=';
    envid[sizeof envid - 1] = 0;
    m.envid = envid;
    smtp_session_init(&s, "me.example");
    hear(&s, "220 hi\r\n");
    hear(&s, "250-mx\r\n250 DSN\r\n");
    smtp_session_send(&s, &m);
    at = strstr(said(&s, out, sizeof out), "ENVID=");
    assert_non_null(at);
    assert_int_equal(strcspn(at, "\r") - strlen("ENVID="), 98);
}

/* What offers DSN and does not know NOTIFY gets the mail without; SIZE stays.
 */
static void dsn_refused_is_left_out(void **state)
{
    struct smtp_message m = SOME;
    struct smtp_session s;
    struct smtp_result r;
    char out[1024];

    (void)state;
    m.ret = "HDRS";
    m.notify = "NEVER";
    smtp_session_init(&s, "me.example");
    hear(&s, "220 hi\r\n");
    hear(&s, "250-mx\r\n250-SIZE\r\n250 DSN\r\n");
    smtp_session_send(&s, &m);
    hear(&s, "250 ok\r\n");
    assert_string_equal(said(&s, out, sizeof out),
                        "RCPT TO:<b@y> NOTIFY=NEVER\r\n");
    hear(&s, "550 5.5.4 NOTIFY is unknown\r\n");
    assert_false(smtp_session_result(&s, &r));
    hear(&s, "250 ok\r\n");
    assert_string_equal(said(&s, out, sizeof out),
                        "MAIL FROM:<a@x> SIZE=4\r\n");
    hear(&s, "250 ok\r\n");
    assert_string_equal(said(&s, out, sizeof out), "RCPT TO:<b@y>\r\n");
    hear(&s, "550 5.5.4 no\r\n");
    assert_true(smtp_session_result(&s, &r));
    assert_int_equal(r.verdict, VERDICT_BOUNCED);
    assert_int_equal(r.reach, REACH_RECIPIENT);
}

/* A refused mail's bytes go with its result, though a chunk of them is still on
 * its way: what follows of it is nobody's. */
static void what_is_left_of_a_refused_chunk(void **state)
{
    struct smtp_message m = SOME;
    struct smtp_session s;
    struct smtp_result r;
    char out[1024];

    (void)state;
    smtp_session_init(&s, "me.example");
    hear(&s, "220 hi\r\n");
    hear(&s, "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    char *data = text_copy("Hi, you there\r\n");
    m.data = data;
    m.data_len = strlen(data);
    smtp_session_send(&s, &m);
    smtp_said_taken(&s.said, strlen("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"
                                    "BDAT 15 LAST\r\nHi"));
    assert_int_equal(smtp_session_receive(&s, "250 ok\r\n550 no\r\n", 16), 16);
    assert_true(smtp_session_result(&s, &r));
    assert_int_equal(r.verdict, VERDICT_BOUNCED);
    memset(data, '!', strlen(data));
    free(data);
    size_t left = s.said.total - s.said.taken;
    assert_int_equal(left, strlen(", you there\r\nRSET\r\n"));
    assert_null(memchr(said(&s, out, sizeof out), '!', left));
    hear(&s, "503 nobody\r\n250 ok\r\n");
    assert_int_equal(smtp_session_waits(&s), STEP_IDLE);
}

/* RFC 8689, 4.2.1: TLS, with the domain's own server, that keeps to it. */
static void a_mail_that_requires_tls(void **state)
{
    static const struct {
        bool secure, broken, sure, verified, offered;
        enum verdict verdict; /* DELIVERED: it is said */
        const char *enhanced, *text;
    } cases[] = {
        {true, false, true, true, true, VERDICT_DELIVERED, "", ""},
        {false, false, true, false, true, VERDICT_BOUNCED, "5.7.10", "none"},
        {false, true, true, false, true, VERDICT_DEFERRED, "4.7.10", "failed"},
        {true, false, false, true, true, VERDICT_BOUNCED, "5.7.10", "DNSSEC"},
        {true, false, true, false, true, VERDICT_BOUNCED, "5.7.10",
         "nothing: self-signed"},
        {true, false, true, true, false, VERDICT_BOUNCED, "5.7.30",
         "REQUIRETLS"},
    };
    struct smtp_session s;
    struct smtp_result r;
    char out[1024];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct smtp_tls_facts facts = {
            .verified = cases[i].verified,
            .why = cases[i].verified ? "" : "self-signed"};
        struct smtp_message m = SOME;

        m.require_tls = true;
        m.sure_host = cases[i].sure;
        smtp_session_init(&s, "me.example");
        smtp_session_want(&s, SMTP_STARTTLS_NEVER, cases[i].secure, NULL);
        smtp_session_proves(&s, &facts, cases[i].broken);
        hear(&s, "220 hi\r\n");
        hear(&s,
             cases[i].offered ? "250-mx\r\n250 REQUIRETLS\r\n" : "250 mx\r\n");
        smtp_session_send(&s, &m);
        if (cases[i].verdict == VERDICT_DELIVERED) {
            assert_false(smtp_session_result(&s, &r));
            assert_string_equal(said(&s, out, sizeof out),
                                "MAIL FROM:<a@x> REQUIRETLS\r\n");
            continue;
        }
        assert_true(smtp_session_result(&s, &r));
        assert_int_equal(r.verdict, cases[i].verdict);
        assert_int_equal(r.reach, REACH_MESSAGE);
        assert_string_equal(r.enhanced, cases[i].enhanced);
        assert_non_null(strstr(r.text, cases[i].text));
        assert_string_equal(said(&s, out, sizeof out), "");
    }
}

/* RFC 9422, and what lies about itself. */
static void reads_what_is_offered(void **state)
{
    struct smtp_offer offer = smtp_ehlo_parse(
        "mx LIMITS MAILMAX=1\nlimits mailmax=20 RCPTMAX=5 RCPTDOMAINMAX=x "
        "OTHER=9 MAILMAX\nAUTH plain SCRAM-SHA-256 PLAINER\nSIZE 7 8\n"
        "STARTTLSX\nREQUIRETLS");

    (void)state;
    assert_int_equal(offer.mails_max, 20);
    assert_int_equal(offer.rcpts_max, 5);
    assert_int_equal(offer.rcpt_domains_max, 0);
    assert_int_equal(offer.mechs, SMTP_MECH_PLAIN | SMTP_MECH_SCRAM_SHA_256);
    assert_int_equal(offer.size_max, 7);
    assert_int_equal(offer.caps, SMTP_CAP_LIMITS | SMTP_CAP_AUTH |
                                     SMTP_CAP_SIZE | SMTP_CAP_REQUIRETLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks_split_anywhere),
        cmocka_unit_test(takes_a_mail),
        cmocka_unit_test(long_addresses),
        cmocka_unit_test(endless_replies),
        cmocka_unit_test(asks_for_notifications),
        cmocka_unit_test(an_envid_has_its_length),
        cmocka_unit_test(dsn_refused_is_left_out),
        cmocka_unit_test(what_is_left_of_a_refused_chunk),
        cmocka_unit_test(a_mail_that_requires_tls),
        cmocka_unit_test(reads_what_is_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
