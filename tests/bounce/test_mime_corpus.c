/* ../shared/corpora/mime: foreign messages, encoded words and foldings, through
 * our reader, and what they say through our writer and back. */
#include "base/arena.h"
#include "bounce/mail.h"
#include "bounce/read.h"
#include "mail/encode.h"
#include "mail/header.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CORPUS "../shared/corpora/mime/"
#define SUBJECT "Subject: "

/* What GMime, which reads for us, makes more of than it should. */
static const struct {
    const char *input, *why;
} exceptions[] = {
    {"=?UTF-8?Q?A=B?=", "half an escape is dropped, the rest shown"},
    {"=?UTF-8?Q?=A?=", "the same, and nothing is left"},
};
static bool excepted[sizeof exceptions / sizeof *exceptions];
static unsigned disagreements;

static void differs(const char *input, const char *got, const char *want)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (strcmp(exceptions[i].input, input) == 0) {
            excepted[i] = true;
            return;
        }
    print_error("%s: \"%s\", not \"%s\"\n", input, got, want);
    disagreements++;
}

static size_t run_file(const char *name, void (*run)(const json_t *))
{
    char path[256], *line = NULL;
    size_t room = 0, cases = 0;

    snprintf(path, sizeof path, CORPUS "%s", name);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    while (getline(&line, &room, f) > 0) {
        json_t *c = json_loads(line, JSON_ALLOW_NUL, NULL);

        assert_non_null(c);
        run(c);
        json_decref(c);
        cases++;
    }
    free(line);
    fclose(f);
    return cases;
}

static const char *text_of(const json_t *c, const char *name)
{
    return json_string_value(json_object_get(c, name));
}

static bool read_file(const char *name, struct buf *out)
{
    char path[512], piece[4096];
    size_t n;

    snprintf(path, sizeof path, CORPUS "%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    buf_reset(out);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_add(out, piece, n);
    fclose(f);
    return true;
}

/* ---- Messages ---- */

static const char *subject_of(const json_t *expected)
{
    const json_t *part = json_array_get(json_object_get(expected, "parts"), 0);
    const json_t *headers = json_object_get(part, "headers"), *h;
    const char *found = NULL;
    size_t i;

    for (i = 0; i < json_array_size(headers); i++) {
        h = json_array_get(headers, i);
        if (text_of(h, "name") && strcmp(text_of(h, "name"), "subject") == 0)
            found = text_of(json_object_get(h, "value"), "Text");
    }
    return found;
}

static void message(const json_t *c)
{
    struct buf bytes = {0};
    struct bounce_mail mail = {0};
    const char *name = text_of(c, "file"), *json = text_of(c, "expect_json"),
               *want = NULL;

    assert_true(read_file(name, &bytes));
    bounce_mail_open(&mail, bytes.data ? bytes.data : "", bytes.len);
    assert_true(mail.from && mail.to && mail.subject && mail.type);
    if (json && read_file(json, &bytes)) {
        json_t *expected =
            json_loadb(bytes.data, bytes.len, JSON_ALLOW_NUL, NULL);

        want = subject_of(expected);
        if (want && strcmp(want, mail.subject) != 0)
            differs(name, mail.subject, want);
        json_decref(expected);
    }
    bounce_mail_fini(&mail);
    buf_fini(&bytes);
}

/* ---- Encoded words ---- */

static void trim(char *text)
{
    size_t from = strspn(text, " \t"), n = strlen(text);

    while (n > from && strchr(" \t", text[n - 1]))
        n--;
    memmove(text, text + from, n - from);
    text[n - from] = 0;
}

/* Of a message with no more than this field. */
static void read_subject(const char *field, size_t len, char *out, size_t room)
{
    struct bounce_mail mail = {0};
    struct buf bytes = {0};

    buf_add(&bytes, field, len);
    buf_add_text(&bytes, "\r\n");
    bounce_mail_open(&mail, bytes.data, bytes.len);
    snprintf(out, room, "%s", mail.subject);
    bounce_mail_fini(&mail);
    buf_fini(&bytes);
}

/* One field, short lines, short words, and it says the text. */
static void write_and_read(const char *text)
{
    char value[2048], want[2048], got[2048];
    struct buf field = {0};

    snprintf(value, sizeof value, "%s", text);
    snprintf(want, sizeof want, "%s", text);
    trim(want);
    header_text(&field, "Subject", value, strlen(value));
    for (char *line = field.data, *end; *line; line = end + 2) {
        end = strstr(line, "\r\n");
        assert_non_null(end);
        assert_true(end - line <= 78);
        for (const char *w = line; (w = strstr(w, "=?")) && w < end; w++) {
            const char *stop = strstr(w + 2, "?=");

            if (stop && stop < end && memchr(w, ' ', (size_t)(stop - w)) == 0)
                assert_true(stop + 2 - w <= ENCODE_WORD_MAX + 2);
        }
    }
    read_subject(field.data, field.len, got, sizeof got);
    if (strcmp(got, want) != 0)
        differs(text, got, want);
    buf_fini(&field);
}

static void word(const json_t *c)
{
    const char *input = text_of(c, "input"), *want = text_of(c, "expected");
    char got[2048], wanted[2048];
    struct buf field = {0};

    if (strcmp(text_of(c, "op"), "encode") == 0) {
        write_and_read(input);
        return;
    }
    if (!want) /* not a word: the text as it is */
        want = input;
    buf_addf(&field, SUBJECT "%s\r\n", input);
    read_subject(field.data, field.len, got, sizeof got);
    snprintf(wanted, sizeof wanted, "%s", want);
    trim(wanted);
    trim(got);
    if (strcmp(got, wanted) != 0)
        differs(input, got, wanted);
    write_and_read(want);
    buf_fini(&field);
}

/* ---- Foldings ---- */

static void folding(const json_t *c)
{
    const char *input = text_of(c, "input");
    char value[1024], unfolded[1024];
    struct buf field = {0};
    size_t n = 0;

    snprintf(value, sizeof value, "%s", input);
    header_text(&field, text_of(c, "header"), value, strlen(value));
    for (const char *at = field.data; *at; at++) {
        const char *end = strstr(at, "\r\n");

        if (at == field.data || at[-1] == '\n')
            assert_true(end - at <= 78);
        if (*at != '\r' && *at != '\n')
            unfolded[n++] = *at;
    }
    unfolded[n] = 0;
    assert_string_equal(unfolded + strlen(text_of(c, "header")) + 2, input);
    buf_fini(&field);
}

static void corpus(void **state)
{
    size_t cases = 0;

    (void)state;
    cases += run_file("messages.jsonl", message);
    cases += run_file("encoded-words.jsonl", word);
    cases += run_file("folding.jsonl", folding);
    if (cases == 0) {
        print_message("no " CORPUS " here: skipped\n");
        skip();
    }
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (!excepted[i]) {
            print_error("%s: no exception any more\n", exceptions[i].input);
            disagreements++;
        }
    assert_int_equal(disagreements, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
