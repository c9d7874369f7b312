/* The canonical forms: by table, and the vectors of other projects. */
#include "sign/canon.h"
#include <jansson.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CORPUS "../shared/corpora/dkim/canonicalization.jsonl"

static const struct {
    const char *body, *canonical;
    bool stuffed;
} bodies[] = {
    {"", "", true},
    {"\r\n", "", true},
    {"\r\n\r\n", "", true},
    {"a", "a\r\n", true},
    {"a\r\n\r\n\r\n", "a\r\n", true},
    {"a \t b \r\n", "a b\r\n", true},
    {" \t\r\na\r\n", "\r\na\r\n", true},
    {"a\r\n \t\r\n", "a\r\n", true},
    {"\ta\r\n", " a\r\n", true},
    {"..a\r\n..\r\n", ".a\r\n.\r\n", true},
    {"..a\r\n", "..a\r\n", false},
    {"a..b\r\n", "a..b\r\n", true},
};

static const struct {
    const char *field, *canonical;
} fields[] = {
    {"Subject: a\r\n", "subject:a\r\n"},
    {"SUBJECT \t:  a \t b \r\n", "subject:a b\r\n"},
    {"A: b\r\n\tc\r\n d\r\n", "a:b c d\r\n"},
    {"A:\r\n", "a:\r\n"},
    {"A: x:y\r\n", "a:x:y\r\n"},
};

static void test_bodies(void **state)
{
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        buf_reset(&out);
        canon_body(bodies[i].body, strlen(bodies[i].body), bodies[i].stuffed,
                   &out);
        assert_string_equal(out.data ? out.data : "", bodies[i].canonical);
    }
    buf_fini(&out);
}

/* As 3.4.4 says it, a byte at a time. */
static size_t relaxed(const char *line, size_t len, char *to)
{
    size_t n = 0;

    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    for (size_t i = 0; i < len; i++) {
        bool blank = line[i] == ' ' || line[i] == '\t';

        if (!blank || i == 0 || (line[i - 1] != ' ' && line[i - 1] != '\t'))
            to[n++] = blank ? ' ' : line[i];
    }
    memcpy(to + n, "\r\n", 3);
    return n + 2;
}

/* Lines of words and blanks: wherever in a word of the machine they fall. */
static void test_any_line(void **state)
{
    static const char bytes[] = "  \t!aaaaaaaaaa\xc3\x08";
    uint32_t chance = 6376;
    struct buf out = {0};

    (void)state;
    for (int round = 0; round < 200000; round++) {
        char line[64], want[64 + 3];
        size_t len = (chance >> 8) % 60;

        for (size_t i = 0; i < len; i++) {
            chance = chance * 1664525 + 1013904223;
            line[i] = bytes[(chance >> 16) % (sizeof bytes - 1)];
        }
        chance = chance * 1664525 + 1013904223;
        memcpy(line + len, "\r\n", 3);
        size_t n = relaxed(line, len, want);

        buf_reset(&out);
        canon_body(line, len + 2, false, &out);
        if (n > 2)
            assert_string_equal(out.data, want);
        else
            assert_int_equal(out.len, 0);
    }
    buf_fini(&out);
}

static void test_fields(void **state)
{
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        buf_reset(&out);
        canon_header(fields[i].field, strlen(fields[i].field), &out);
        assert_string_equal(out.data, fields[i].canonical);
    }
    buf_fini(&out);
}

static size_t decode(const json_t *text, unsigned char *out)
{
    const char *s = json_string_value(text);
    size_t len = strlen(s);
    int n = len ? EVP_DecodeBlock(out, (const unsigned char *)s, (int)len) : 0;

    assert_true(n >= 0);
    while (len > 0 && s[--len] == '=')
        n--;
    return (size_t)n;
}

/* Vectors with a note are marked by the corpus as one implementation's own
 * way (bare CR or LF) or as disputed. */
static bool compare(json_t *vector)
{
    static unsigned char in[65536], want[65536];
    const char *alg = json_string_value(json_object_get(vector, "alg"));
    const char *kind = json_string_value(json_object_get(vector, "kind"));
    struct buf out = {0};

    if (!alg || strcmp(alg, "relaxed") != 0 ||
        json_object_get(vector, "note") ||
        !json_object_get(vector, "expected_b64"))
        return false;
    size_t n = decode(json_object_get(vector, "input_b64"), in);
    size_t wanted = decode(json_object_get(vector, "expected_b64"), want);

    if (strcmp(kind, "body") == 0)
        canon_body((const char *)in, n, false, &out);
    else if (strcmp(kind, "header") == 0)
        canon_header((const char *)in, n, &out);
    else
        return false;
    assert_int_equal(out.len, wanted);
    assert_memory_equal(out.data ? out.data : "", want, wanted);
    buf_fini(&out);
    return true;
}

static void test_corpus(void **state)
{
    FILE *file = fopen(CORPUS, "r");
    char *line = NULL;
    size_t cap = 0;
    int compared = 0;

    (void)state;
    if (!file) {
        print_message("skipped: %s is not there\n", CORPUS);
        skip();
    }
    while (getline(&line, &cap, file) > 0) {
        json_t *vector = json_loads(line, 0, NULL);

        compared += compare(vector);
        json_decref(vector);
    }
    free(line);
    fclose(file);
    print_message("%d vectors of other projects\n", compared);
    assert_true(compared >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_any_line),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_corpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
