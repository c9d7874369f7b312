#include "transcript.h"
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A talk is told in lines: what follows "> " was said, "< " heard (without the
 * line's end: it stands in the text), "* " is a note; "!" alone is a line of a
 * login, "@" a new connection. What is printed of it must be the same however
 * the bytes came in. */
struct talk {
    const char *secret; /* NULL: none is known */
    const char *tells[12];
    const char *shows;
};

static void tell(struct transcript *t, const char *line, size_t piece)
{
    const char *bytes = line + 2;
    size_t len = strlen(line) > 2 ? strlen(bytes) : 0;

    switch (*line) {
    case '@': transcript_tap(t, SMTP_TAP_CONNECTED, "[::1]:9", 7); return;
    case '!': transcript_tap(t, SMTP_TAP_SAID, NULL, 20); return;
    case '*': transcript_note(t, "%s", bytes); return;
    default: break;
    }
    for (size_t at = 0, n; at < len; at += n) {
        n = len - at < piece ? len - at : piece;
        transcript_tap(t, *line == '>' ? SMTP_TAP_SAID : SMTP_TAP_HEARD,
                       bytes + at, n);
    }
}

static char *printed(const struct talk *talk, size_t piece)
{
    char *text = NULL;
    size_t len = 0;
    struct transcript t = {.to = open_memstream(&text, &len)};

    assert_non_null(t.to);
    if (talk->secret)
        transcript_hide(&t, talk->secret);
    for (size_t i = 0; talk->tells[i]; i++)
        tell(&t, talk->tells[i], piece);
    transcript_fini(&t);
    fclose(t.to);
    assert_int_equal(strlen(text), len); /* no NUL gets through */
    return text;
}

static void shows_each(const struct talk *talks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t piece = 1; piece < 80; piece++) {
            char *text = printed(&talks[i], piece);

            assert_string_equal(text, talks[i].shows);
            free(text);
        }
}

#define SHOWS_EACH(talks) shows_each(talks, sizeof talks / sizeof *(talks))

static void shows_who_says_what(void **state)
{
    static const struct talk talks[] = {
        {NULL,
         {"@", "< 220 mx ready\r\n", "> EHLO a\r\n",
          "< 250-mx\r\n250 PIPELINING\r\n",
          /* pipelined: three commands, and three replies, at once */
          "> MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n",
          "< 250 ok\r\n250 ok\r\n354 go\r\n", "> hi\r\n.\r\n", "< 250 kept\r\n",
          "* mx took the mail"},
         "* connected, from [::1]:9\n< 220 mx ready\n> EHLO a\n< 250-mx\n"
         "< 250 PIPELINING\n> MAIL FROM:<a@b>\n> RCPT TO:<c@d>\n> DATA\n"
         "< 250 ok\n< 250 ok\n< 354 go\n> hi\n> .\n< 250 kept\n"
         "* mx took the mail\n"},
        /* A line that does not end: the next speaker ends it, and the end. */
        {NULL, {"< 220 mx", "> QUIT", "* lost"}, "< 220 mx\n> QUIT\n* lost\n"},
        {NULL, {"< 2"}, "< 2\n"},
        {NULL, {"< \n\r\n\n"}, "< \n< \n< \n"},
    };

    (void)state;
    SHOWS_EACH(talks);
}

static void steers_no_terminal(void **state)
{
    static const struct talk talks[] = {
        {NULL,
         {"< 220 \x1b[2J\x1b]0;x\x07\x7f\b\r\n"},
         "< 220 \\x1b[2J\\x1b]0;x\\x07\\x7f\\x08\n"},
        /* C1 as UTF-8 and alone; what is no UTF-8; what is. */
        {NULL,
         {"< 220 \xc2\x9b"
          "2J\xc2\x85\x9b \xff \xe2\x82 \xe2\x82\xac\xc2\xa0"
          "\xed\xa0\x80\r\n"},
         "< 220 \\xc2\\x9b2J\\xc2\\x85\\x9b \\xff \\xe2\\x82 \xe2\x82\xac"
         "\xc2\xa0\\xed\\xa0\\x80\n"},
        /* A forged line: by CR, by what Unicode has of them, by a note. */
        {NULL, {"< 250 a\r> QUIT\r\r\n"}, "< 250 a\\x0d> QUIT\\x0d\n"},
        {NULL,
         {"< 250 \xe2\x80\xa8> QUIT\xe2\x80\xa9\r\n"},
         "< 250 \\xe2\\x80\\xa8> QUIT\\xe2\\x80\\xa9\n"},
        {NULL, {"* a\n> QUIT\x1b[A"}, "* a\\x0a> QUIT\\x1b[A\n"},
        /* Text that runs the other way, or does not show. */
        {NULL,
         {"< 250 \xe2\x80\xae"
          "a\xe2\x81\xa6"
          "b\xe2\x80\x8b\xef\xbb\xbf"
          "\xd8\x9c\r\n"},
         "< 250 \\xe2\\x80\\xaea\\xe2\\x81\\xa6b\\xe2\\x80\\x8b\\xef\\xbb\\xbf"
         "\\xd8\\x9c\n"},
        {NULL, {"> a\tb\x01\r\n"}, "> a\tb\\x01\n"},
    };

    (void)state;
    SHOWS_EACH(talks);
}

static void shows_nul_by_its_byte(void **state)
{
    char *text = NULL;
    size_t len = 0;
    struct transcript t = {.to = open_memstream(&text, &len)};

    (void)state;
    transcript_tap(&t, SMTP_TAP_HEARD, "220 a\0b\r\n", 9);
    transcript_tap(&t, SMTP_TAP_SAID, "\0\r\n", 3);
    transcript_fini(&t);
    fclose(t.to);
    assert_string_equal(text, "< 220 a\\x00b\n> \\x00\n");
    free(text);
}

static void tells_nothing_of_a_login(void **state)
{
#define LOGIN "* the login: what is said in it is not shown\n"
    static const struct talk talks[] = {
        {NULL,
         {"!", "< 334 VXNlcm5hbWU6\r\n", "!", "< 334 UGFzc3dvcmQ6\r\n", "!",
          "< 235 2.7.0 welcome jo\r\n", "> RSET\r\n", "< 250 ok\r\n"},
         LOGIN "< 334\n< 334\n< 235\n> RSET\n< 250 ok\n"},
        /* Refusals say why; not what was said, nor proofs (SCRAM). */
        {NULL,
         {"!", "< 535-5.7.8 no such\r\n535 5.7.8 jo: ask postmaster@x\r\n"},
         LOGIN "< 535-5.7.8 no such\n< 535 5.7.8 jo: ask postmaster@x\n"},
        {NULL,
         {"!", "< 535 5.7.8 bad AGpvAHNlY3JldHNlY3JldA== there\r\n"},
         LOGIN "< 535 5.7.8 bad [not shown]\n"},
        /* What is no reply; what was not ended before we spoke again. */
        {NULL,
         {"!", "< dGVzdA==\r\n 235 x\r\n2x5 y\r\n23\r\n"},
         LOGIN "< [not shown]\n< [not shown]\n< [not shown]\n< [not shown]\n"},
        {NULL, {"!", "< 235 dGVzdA==", "> QUIT\r\n"}, LOGIN "< 235\n> QUIT\n"},
        {NULL,
         {"!", "< 235 ok\r\n334 dGVzdA", "> QUIT\r\n"},
         LOGIN "< 235\n< 334\n> QUIT\n"},
        {NULL, {"!", "< 235 dGVzdA==", "* lost"}, LOGIN "< 235\n* lost\n"},
        {NULL, {"!", "< 334 dGVzdA=="}, LOGIN "< 334\n"},
        /* The next connection's greeting is none of it. */
        {NULL,
         {"!", "< 235 x", "@", "< 220 mx ready\r\n"},
         LOGIN "< 235\n* connected, from [::1]:9\n< 220 mx ready\n"},
        /* What was heard before it is. */
        {NULL, {"< 250 AUTH PLAIN", "!"}, "< 250 AUTH PLAIN\n" LOGIN},
    };

    (void)state;
    SHOWS_EACH(talks);
}

static void hides_a_secret_that_comes_back(void **state)
{
    static const struct talk talks[] = {
        {"correct horse",
         {"< 250 jo, correct horse, hi\r\n", "< 250 fine\r\n",
          "* failed: 535 jo:correct horse", "> correct horse\r\n"},
         "< 250 jo, [not shown]\n< 250 fine\n* failed: 535 [not shown]\n"
         "> [not shown]\n"},
        {"correct horse",
         {"!", "< 535 5.7.8 not (jo/correct horse) here\r\n"},
         LOGIN "< 535 5.7.8 not [not shown]\n"},
        /* In part, on two lines, in base64; and the next login's answer. */
        {"correct horse",
         {"!", "< 535-5.7.8 not CORREC\r\n535 t horse\r\n", "> RSET\r\n", "!",
          "< 535 5.7.8 no\r\n"},
         LOGIN "< 535-5.7.8 not [not shown]\n< 535\n> RSET\n" LOGIN
               "< 535 5.7.8 no\n"},
        {"correct horse",
         {"!", "< 535-not Y29ycmVj\r\n535 dCBob3JzZQ==\r\n"},
         LOGIN "< 535-not [not shown]\n< 535\n"},
        /* A long word of letters alone is people's. */
        {"correct horse",
         {"!", "< 535 5.7.57 SmtpClientAuthentication is disabled\r\n"},
         LOGIN "< 535 5.7.57 SmtpClientAuthentication is disabled\n"},
        {"", {"< 250 fine\r\n", "* fine"}, "< 250 fine\n* fine\n"},
        {"a", {"< 250 fine and\r\n"}, "< 250 fine [not shown]\n"},
        {"correct", {"< 250 correc\r\n"}, "< 250 correc\n"},
    };

    (void)state;
    SHOWS_EACH(talks);
}

/* As PLAIN, LOGIN and XOAUTH2 carry it, behind whatever name. */
static void hides_it_in_base64(void **state)
{
    static const char secret[] = "hunter2-and-more-of-it-than-fits-a-needle";
    static const char *const befores[] = {"", "x", "xy", "xyz", "user=jo\1a"};

    (void)state;
    for (size_t i = 0; i < sizeof befores / sizeof *befores; i++) {
        for (size_t len = 7; len < sizeof secret; len++) {
            char clear[128], known[64], line[300];
            unsigned char coded[256];
            int n = snprintf(clear, sizeof clear, "%s%.*s\1", befores[i],
                             (int)len, secret);
            struct talk talk = {known, {line}, "< 250 so [not shown]\n"};
            char *text;

            EVP_EncodeBlock(coded, (const unsigned char *)clear, n);
            snprintf(known, sizeof known, "%.*s", (int)len, secret);
            snprintf(line, sizeof line, "< 250 so %s\r\n", coded);
            text = printed(&talk, i + 1);
            assert_string_equal(text, talk.shows);
            free(text);
        }
    }
}

static void cuts_long_lines(void **state)
{
    static char line[3000], shows[3000];
    const struct talk talk = {"correct horse", {line, "< 250 x\r\n"}, shows};

    (void)state;
    /* The secret, the end of a line or half a character where it is cut. */
    for (size_t len = TRANSCRIPT_LINE_MAX - 16; len < TRANSCRIPT_LINE_MAX + 40;
         len++) {
        const size_t pieces[] = {1, 7, 999, 1000, sizeof line};
        bool cut = len > TRANSCRIPT_LINE_MAX;

        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            int most = cut ? TRANSCRIPT_LINE_MAX : (int)len;
            char *text;

            snprintf(line, sizeof line, "< %0*d\r\n", (int)len, 0);
            snprintf(shows, sizeof shows, "< %0*d%s\n< 250 x\n", most, 0,
                     cut ? " ..." : "");
            text = printed(&talk, pieces[i]);
            assert_string_equal(text, shows);
            free(text);

            snprintf(line, sizeof line, "< %0*d correct horse%0*d\r\n",
                     (int)len, 0, 900, 0);
            snprintf(shows, sizeof shows, "< %0*d%s\n< 250 x\n", most, 0,
                     len < TRANSCRIPT_LINE_MAX ? " [not shown]" : " ...");
            text = printed(&talk, pieces[i]);
            assert_null(strstr(text, " c"));
            assert_string_equal(text, shows);
            free(text);
        }
    }
    snprintf(line, sizeof line, "< %0*d\xe2\x82\xac\r\n",
             TRANSCRIPT_LINE_MAX - 1, 0);
    snprintf(shows, sizeof shows, "< %0*d ...\n< 250 x\n",
             TRANSCRIPT_LINE_MAX - 1, 0);
    for (size_t piece = 1; piece < 5; piece++) {
        char *text = printed(&talk, piece);

        assert_string_equal(text, shows);
        free(text);
    }
}

static void ends_what_never_ends(void **state)
{
    char *text = NULL, *rest;
    size_t len = 0;
    struct transcript t = {.to = open_memstream(&text, &len)};

    (void)state;
    for (int i = 0; i < 3 * TRANSCRIPT_HEARD_MAX / 8; i++)
        transcript_tap(&t, SMTP_TAP_HEARD, "250-a\r\nb", 8);
    assert_true(t.line.cap < 4096);
    transcript_tap(&t, SMTP_TAP_SAID, "QUIT\r\n", 6);
    transcript_tap(&t, SMTP_TAP_CONNECTED, "x", 1);
    transcript_tap(&t, SMTP_TAP_HEARD, "220 b\r\n", 7);
    transcript_fini(&t);
    fclose(t.to);
    rest = strstr(text, "* the server goes on");
    assert_non_null(rest);
    assert_string_equal(rest, "* the server goes on; no more of it is shown\n"
                              "> QUIT\n* connected, from x\n< 220 b\n");
    assert_true(len < 2 * TRANSCRIPT_HEARD_MAX);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_who_says_what),
        cmocka_unit_test(steers_no_terminal),
        cmocka_unit_test(shows_nul_by_its_byte),
        cmocka_unit_test(tells_nothing_of_a_login),
        cmocka_unit_test(hides_a_secret_that_comes_back),
        cmocka_unit_test(hides_it_in_base64),
        cmocka_unit_test(cuts_long_lines),
        cmocka_unit_test(ends_what_never_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
