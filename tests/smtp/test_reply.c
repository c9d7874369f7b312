#include "smtp/reply.h"
#include "base/buf.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct reply_case {
    const char *name, *bytes;
    enum smtp_fed fed;
    unsigned code;
    const char *text;
    size_t used;
} cases[] = {
    {"plain", "250 OK\r\n", SMTP_FED_READY, 250, "OK", 8},
    {"code alone", "220\r\n", SMTP_FED_READY, 220, "", 5},
    {"code and space", "220 \r\n", SMTP_FED_READY, 220, "", 6},
    {"bare LF", "250 OK\n", SMTP_FED_READY, 250, "OK", 7},
    {"code and bare LF", "250\n", SMTP_FED_READY, 250, "", 4},
    {"two lines", "250-a\r\n250 b\r\n", SMTP_FED_READY, 250, "a\nb", 14},
    {"empty line between", "250-a\r\n250-\r\n250 b\r\n", SMTP_FED_READY, 250,
     "a\n\nb", 20},
    {"last line bare", "250-a\r\n250\r\n", SMTP_FED_READY, 250, "a\n", 12},
    {"two replies", "250 a\r\n354 b\r\n", SMTP_FED_READY, 250, "a", 7},
    {"control bytes", "550 a\tb\x01\x7f\r\n", SMTP_FED_READY, 550, "a?b??", 11},
    {"CR inside", "400 This \r is wrong\r\n", SMTP_FED_READY, 400,
     "This  is wrong", 21},
    {"UTF-8", "550 gr\xc3\xb6\xc3\x9f \xf0\x9f\x93\xaa\r\n", SMTP_FED_READY,
     550, "gr\xc3\xb6\xc3\x9f \xf0\x9f\x93\xaa", 17},
    {"Latin-1", "550 gr\xf6\xdf\r\n", SMTP_FED_READY, 550, "gr??", 10},
    {"half a sequence", "550 \xe2\x82\r\n", SMTP_FED_READY, 550, "??", 8},
    {"over-long UTF-8", "550 \xc0\xaf\xe0\x80\xaf\r\n", SMTP_FED_READY, 550,
     "?????", 11},
    {"surrogate", "550 \xed\xa0\x80\r\n", SMTP_FED_READY, 550, "???", 9},
    {"beyond Unicode", "550 \xf4\x90\x80\x80\xf5\r\n", SMTP_FED_READY, 550,
     "?????", 11},
    {"C1 control", "550 \xc2\x9b\r\n", SMTP_FED_READY, 550, "??", 8},
    {"incomplete", "250-a\r\n25", SMTP_FED_MORE, 250, "a\n", 9},
    {"nothing", "", SMTP_FED_MORE, 0, "", 0},
    {"no code", "hello\r\n", SMTP_FED_BAD_CODE, 0, "", 1},
    {"code below range", "199 x\r\n", SMTP_FED_BAD_CODE, 0, "", 3},
    {"code above range", "600 x\r\n", SMTP_FED_BAD_CODE, 0, "", 3},
    {"short code", "25 x\r\n", SMTP_FED_BAD_CODE, 0, "", 3},
    {"empty line", "\r\n", SMTP_FED_BAD_CODE, 0, "", 1},
    {"code changes", "250-a\r\n550 b\r\n", SMTP_FED_CODE_CHANGED, 250, "a\n",
     10},
    {"long code", "2500 x\r\n", SMTP_FED_BAD_LINE, 250, "", 4},
    {"tab after code", "250\tx\r\n", SMTP_FED_BAD_LINE, 250, "", 4},
};

static void feed_split(const struct reply_case *c, size_t cut)
{
    struct smtp_reply_parser p;
    size_t n = strlen(c->bytes), first, second = 0;

    smtp_reply_start(&p);
    enum smtp_fed fed = smtp_reply_feed(&p, c->bytes, cut, &first);
    if (fed == SMTP_FED_MORE)
        fed = smtp_reply_feed(&p, c->bytes + first, n - first, &second);

    if (fed != c->fed || first + second != c->used || p.reply.code != c->code ||
        strcmp(p.reply.text, c->text) != 0 || p.reply.len != strlen(c->text))
        fail_msg("%s, split at %zu: %s, %zu used, %u \"%s\"", c->name, cut,
                 smtp_fed_text(fed), first + second, p.reply.code,
                 p.reply.text);
}

static void replies_split_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t cut = 0; cut <= strlen(cases[i].bytes); cut++)
            feed_split(&cases[i], cut);
}

static void a_new_start_forgets(void **state)
{
    struct smtp_reply_parser p;
    size_t used;

    (void)state;
    smtp_reply_start(&p);
    assert_int_equal(smtp_reply_feed(&p, "550-gr\xf6\r\n550 no", 16, &used),
                     SMTP_FED_MORE);
    smtp_reply_start(&p);
    assert_int_equal(smtp_reply_feed(&p, "250 ok\r\n", 8, &used),
                     SMTP_FED_READY);
    assert_int_equal(p.reply.code, 250);
    assert_string_equal(p.reply.text, "ok");
}

/* Talkative is not broken, up to a limit. */
static void long_replies(void **state)
{
    static char big[SMTP_REPLY_BYTES_MAX + 2];
    struct smtp_reply_parser p;
    size_t used;

    (void)state;
    memset(big, 'x', sizeof big);
    memcpy(big, "250 ", 4);
    smtp_reply_start(&p);
    assert_int_equal(smtp_reply_feed(&p, big, sizeof big, &used),
                     SMTP_FED_TOO_LONG);
    assert_int_equal(used, SMTP_REPLY_BYTES_MAX);

    big[SMTP_REPLY_BYTES_MAX - 1] = '\n';
    smtp_reply_start(&p);
    assert_int_equal(smtp_reply_feed(&p, big, sizeof big, &used),
                     SMTP_FED_READY);
    assert_int_equal(used, SMTP_REPLY_BYTES_MAX);
    assert_int_equal(strlen(p.reply.text), SMTP_REPLY_TEXT_MAX - 1);
}

/* The cut at the limit may go through a character. */
static void long_text_stays_utf8(void **state)
{
    static char big[3 * SMTP_REPLY_TEXT_MAX];
    struct smtp_reply_parser p;
    size_t used, n = 4;

    (void)state;
    memcpy(big, "250 ", n);
    for (; n + 3 < sizeof big; n += 2)
        memcpy(big + n, "\xc3\xa4", 2);
    big[n++] = '\n';
    smtp_reply_start(&p);
    assert_int_equal(smtp_reply_feed(&p, big, n, &used), SMTP_FED_READY);
    assert_int_equal(p.reply.len, SMTP_REPLY_TEXT_MAX - 1);
    assert_int_equal(p.reply.text[SMTP_REPLY_TEXT_MAX - 2], '?');
    assert_memory_equal(p.reply.text + SMTP_REPLY_TEXT_MAX - 4, "\xc3\xa4", 2);
}

static const struct {
    unsigned code;
    const char *before, *enhanced, *after;
} enhanced[] = {
    {550, "5.1.1 no such user", "5.1.1", "no such user"},
    {250, "2.0.0", "2.0.0", ""},
    {250, "2.0.0 ", "2.0.0", ""},
    {452, "4.123.999 full", "4.123.999", "full"},
    {551, "5.7.1 one\n5.7.1 two", "5.7.1", "one\ntwo"},
    {551, "5.7.1 one\n5.7.10 two", "5.7.1", "one\n5.7.10 two"},
    {551, "5.7.1\n5.7.1 two", "5.7.1", "\ntwo"},
    {551, "5.7.1 one\ntwo", "5.7.1", "one\ntwo"},
    {551, "5.7.1 5.7.1 twice", "5.7.1", "5.7.1 twice"},
    {551, "one\n5.7.1 two", "", "one\n5.7.1 two"},
    {550, "4.1.1 of another class", "", "4.1.1 of another class"},
    {354, "3.0.0 no such class", "", "3.0.0 no such class"},
    {550, "5.1 short", "", "5.1 short"},
    {550, "5.1.1.1 an address", "", "5.1.1.1 an address"},
    {550, "5.1.1: colon", "", "5.1.1: colon"},
    {550, "5.1234.1 long", "", "5.1234.1 long"},
    {550, "5.1.1234 long", "", "5.1.1234 long"},
    {550, "5..1 empty", "", "5..1 empty"},
    {550, "5.1. empty", "", "5.1. empty"},
    {550, "", "", ""},
};

static void enhanced_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof enhanced / sizeof *enhanced; i++) {
        struct smtp_reply r = {.code = enhanced[i].code};
        char code[SMTP_ENHANCED_MAX];

        r.len = strlen(enhanced[i].before);
        memcpy(r.text, enhanced[i].before, r.len + 1);
        smtp_reply_take_enhanced(&r, code);
        assert_string_equal(code, enhanced[i].enhanced);
        assert_string_equal(r.text, enhanced[i].after);
        assert_int_equal(r.len, strlen(r.text));
    }
}

/* What others hold to be valid must read the same here. We tolerate control
 * bytes, where they refuse: to refuse an answer is to send twice. */
static void hold_against(const json_t *line)
{
    const char *input = json_string_value(json_object_get(line, "input"));
    const char *status = json_string_value(json_object_get(line, "enhanced"));
    const json_t *texts = json_object_get(line, "text");
    struct smtp_reply_parser p;
    struct buf want = {0};
    char code[SMTP_ENHANCED_MAX];
    size_t used, i;
    json_t *text;

    smtp_reply_start(&p);
    enum smtp_fed fed = smtp_reply_feed(&p, input, strlen(input), &used);
    if (!json_is_true(json_object_get(line, "valid"))) {
        bool code_fits = strtoul(input, NULL, 10) >= 200;

        assert_int_equal(fed == SMTP_FED_READY, code_fits);
        return;
    }
    assert_int_equal(fed, SMTP_FED_READY);
    assert_int_equal(p.reply.code,
                     json_integer_value(json_object_get(line, "status")));
    smtp_reply_take_enhanced(&p.reply, code);
    assert_string_equal(code, status ? status : "");
    buf_add_text(&want, "");
    json_array_foreach(texts, i, text)
        buf_addf(&want, "%s%s", i ? "\n" : "", json_string_value(text));
    for (i = 0; i < p.reply.len; i++)
        if (p.reply.text[i] == '?')
            p.reply.text[i] = ' '; /* theirs is a blank */
    assert_string_equal(p.reply.text, want.data);
    buf_fini(&want);
}

static void the_corpus(void **state)
{
    const char *path = "../shared/corpora/smtp-replies/reply-syntax.jsonl";
    FILE *f = fopen(path, "r");
    json_t *line;
    int lines = 0;

    (void)state;
    if (!f) {
        print_message("%s is not here: not held against it\n", path);
        skip();
    }
    while ((line = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        hold_against(line);
        json_decref(line);
        lines++;
    }
    fclose(f);
    assert_true(lines > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_split_anywhere),
        cmocka_unit_test(a_new_start_forgets),
        cmocka_unit_test(long_replies),
        cmocka_unit_test(long_text_stays_utf8),
        cmocka_unit_test(enhanced_status),
        cmocka_unit_test(the_corpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
