#include "templates/lex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Tokens as "kind:text" words, so that a table can show them. */
static void describe(const char *source, size_t len, char *out, size_t size)
{
    static const char *const NAMES[] = {
        "end", "bad", "id", "num", "str", "cmp", "dot",  "dots",  "col",
        "com", "bar", "[",  "]",   "(",   ")",   "what", "minus",
    };
    const char *at = source, *end = source + len;
    bool after_dot = false;
    size_t n = 0;

    out[0] = 0;
    for (;;) {
        struct token t = lex_next(&at, end, after_dot);

        if (t.kind == TOKEN_END || n >= size)
            return;
        n += (size_t)snprintf(out + n, size - n, "%s%s:%.*s", n ? " " : "",
                              NAMES[t.kind], (int)t.len, t.text);
        if (t.kind == TOKEN_BAD)
            return;
        after_dot = t.kind == TOKEN_DOT;
    }
}

static const struct {
    const char *source, *want;
} cases[] = {
    {"", ""},
    {" \t\r\n", ""},
    {"a", "id:a"},
    {"_a-b1?", "id:_a-b1?"},
    {"a??", "id:a? what:?"},
    {"pr\xc3\xa9nom", "id:pr\xc3\xa9nom"},
    {"1 -1 1.5 -0.25", "num:1 num:-1 num:1.5 num:-0.25"},
    {"1. 1..2", "num:1 dot:. num:1 dots:.. num:2"},
    {"- a", "minus:- id:a"},
    {"a-1", "id:a-1"},
    {"'a \"b' \"c 'd\"", "str:'a \"b' str:\"c 'd\""},
    {"''", "str:''"},
    {"'a", "bad:'"},
    {"== != <> < <= > >=", "cmp:== cmp:!= cmp:<> cmp:< cmp:<= cmp:> cmp:>="},
    {"=", "bad:="},
    {"!", "bad:!"},
    {"a=b", "id:a bad:="},
    {"a contains b", "id:a cmp:contains id:b"},
    {"a.contains", "id:a dot:. id:contains"},
    {"containsx", "id:containsx"},
    {".|:,[]()?", "dot:. bar:| col:: com:, [:[ ]:] (:( ):) what:?"},
    {"a & b", "id:a bad:&"},
    {"a\\", "id:a bad:\\"},
    {"{", "bad:{"},
};

static void tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[256];

        describe(cases[i].source, strlen(cases[i].source), got, sizeof got);
        assert_string_equal(got, cases[i].want);
    }
}

/* Cut anywhere, no token reads beyond the cut. */
static void cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t len = 0; len < strlen(cases[i].source); len++) {
            char copy[64], got[256];

            memset(copy, '"', sizeof copy);
            memcpy(copy, cases[i].source, len);
            const char *at = copy, *end = copy + len;
            for (;;) {
                struct token t = lex_next(&at, end, false);

                assert_true(t.text + t.len <= end);
                if (t.kind == TOKEN_END)
                    break;
            }
            describe(copy, len, got, sizeof got);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens),
        cmocka_unit_test(cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
