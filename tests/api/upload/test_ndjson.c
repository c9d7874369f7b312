#include "api/upload/ndjson.h"
#include "transcript.h"
#include <stdlib.h>

/* Each is fed whole, in two pieces split at every byte, and byte by byte. */
/* clang-format off */
static const struct {
    const char *name, *text, *says;
} cases[] = {
    {"nested", "{\"email\":\"jo@example.com\",\"variables\":{\"a\":[1,{}]}}\n",
     "jo@example.com {\"a\":[1,{}]}\n"},
    {"flat", "{ \"name\": \"Jo\", \"email\": \"jo@example.com\" }\r\n",
     "jo@example.com {\"name\":\"Jo\"}\n"},
    {"no end, no variables", "{\"email\":\"jo@example.com\"}",
     "jo@example.com -\n"},
    {"null variables", "{\"email\":\"jo@example.com\",\"variables\":null}\n",
     "jo@example.com -\n"},
    {"empty variables", "{\"email\":\"jo@example.com\",\"variables\":{}}\n",
     "jo@example.com -\n"},
    {"mark, empty lines", "\xef\xbb\xbf\n \r\n{\"email\":\"a@b.example\"}\n\n",
     "a@b.example -\n"},
    {"numbers", "{\"email\":\"a@b.example\",\"n\":9.99,\"i\":12345678901234}\n",
     "a@b.example {\"n\":9.99,\"i\":12345678901234}\n"},
    {"kinds", "{\"email\":\"a@b.example\",\"t\":true,\"z\":null,\"s\":\"\\n\"}",
     "a@b.example {\"t\":true,\"z\":null,\"s\":\"\\n\"}\n"},
    {"both", "{\"email\":\"a@b.example\",\"n\":1,\"variables\":{}}\n",
     "!1 has variables both in \"variables\" and beside it "
     "[{\"email\":\"a@b.example\",]\n"},
    {"variables a list", "{\"email\":\"a@b.example\",\"variables\":[]}\n",
     "!1 variables is no object [{\"email\":\"a@b.example\",]\n"},
    {"no email", "{\"mail\":\"a@b.example\"}\n{\"email\":5}\n",
     "!1 email is missing [{\"mail\":\"a@b.example\"}]\n"
     "!2 email is no string [{\"email\":5}]\n"},
    {"bad email", "{\"email\":\"a\"}\n",
     "!1 email: character 2: an @ is missing [a]\n"},
    {"no object", "[]\n\"x\"\n{\"email\":\"a@b.example\"}",
     "!1 is no JSON object [[]]\n!2 is no JSON object [\"x\"]\n"
     "a@b.example -\n"},
    {"no JSON", "{\"email\"}\n",
     "!1 is no JSON, at byte 9: ':' expected near '}' [{\"email\"}]\n"},
    {"twice", "{\"email\":\"a@b.example\",\"email\":\"c@d.example\"}\n",
     "!1 is no JSON, at byte 30: duplicate object key near '\"email\"' "
     "[{\"email\":\"a@b.example\",]\n"},
    {"two a line", "{\"email\":\"a@b.example\"}{}\n",
     "!1 is no JSON, at byte 24: end of file expected near '{' "
     "[{\"email\":\"a@b.example\"}]\n"},
    {"not UTF-8", "{\"email\":\"\xff@b\"}\n",
     "!1 is not UTF-8 [{\"email\":\"\xff@b\"}]\n"},
    {"escaped NUL", "{\"email\":\"a@b.example\",\"x\":\"\\u0000\"}\n",
     "!1 is no JSON, at byte 35: \\u0000 is not allowed "
     "[{\"email\":\"a@b.example\",]\n"},
    {"deep",
     "{\"email\":\"a@b.example\",\"x\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}\n"
     "{\"email\":\"a@b.example\",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}\n",
     "a@b.example {\"x\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}\n"
     "!2 nests too deep [{\"email\":\"a@b.example\",]\n"},
    {"brackets in a string", "{\"email\":\"a@b.example\",\"x\":\"\\\"[[[[[[[[[[[["
     "[[[[[[[[\"}\n",
     "a@b.example {\"x\":\"\\\"[[[[[[[[[[[[[[[[[[[[\"}\n"},
    {"nothing", "", ""},
};
/* clang-format on */

static void feed(struct ndjson *j, const char *bytes, size_t n)
{
    char *copy = malloc(n ? n : 1);
    struct error err;

    memcpy(copy, bytes, n);
    assert_int_equal(ndjson_feed(j, copy, n, &err), STATUS_OK);
    free(copy);
}

static void run(const char *name, const char *text, size_t n, size_t cut,
                const char *says)
{
    struct buf said = {0};
    struct upload_sink sink = transcript_sink(&said);
    struct ndjson *j = ndjson_new(&sink);
    struct error err;

    if (cut <= n) {
        feed(j, text, cut);
        feed(j, text + cut, n - cut);
    } else {
        for (size_t i = 0; i < n; i++)
            feed(j, text + i, 1);
    }
    enum status st = ndjson_end(j, &err);
    transcript_is(&said, st, &err, name, cut, says);
    ndjson_free(j);
}

static void reads_and_rejects(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].text);

        for (size_t cut = 0; cut <= n + 1; cut++)
            run(cases[i].name, cases[i].text, n, cut, cases[i].says);
    }
}

static void limits_lines(void **state)
{
    struct buf text = {0}, says = {0};

    (void)state;
    for (size_t more = 0; more < 3; more++) {
        buf_reset(&text), buf_reset(&says);
        buf_add_text(&text, "{\"email\":\"a@b.example\",\"x\":\"");
        size_t from = text.len;
        while (text.len + 2 < UPLOAD_LINE_MAX + more * more * 5000)
            buf_add_char(&text, 'x');
        if (more == 0) {
            buf_add_text(&says, "a@b.example {\"x\":\"");
            buf_add(&says, text.data + from, text.len - from);
            buf_add_text(&says, "\"}\n");
        } else {
            buf_add_text(&says, "!1 the line is too long "
                                "[{\"email\":\"a@b.example\",]\n");
        }
        buf_add_text(&text, "\"}\n{\"email\":\"c@d.example\"}\n");
        buf_add_text(&says, "c@d.example -\n");
        for (size_t cut = 0; cut <= text.len; cut += 4093)
            run("long", text.data, text.len, cut, says.data);
    }
    buf_fini(&text), buf_fini(&says);
}

static void limits_variables(void **state)
{
    struct buf text = {0}, says = {0};

    (void)state;
    for (int n = UPLOAD_VARIABLES_MAX; n < UPLOAD_VARIABLES_MAX + 2; n++) {
        buf_reset(&text), buf_reset(&says);
        buf_add_text(&text, "{\"email\":\"a@b.example\"");
        for (int i = 0; i < n; i++) {
            buf_addf(&text, ",\"v%d\":1", i);
            buf_addf(&says, "%c\"v%d\":1", i ? ',' : '{', i);
        }
        buf_add_text(&text, "}");
        if (n > UPLOAD_VARIABLES_MAX) {
            run("variables", text.data, text.len, 0,
                "!1 has too many variables [{\"email\":\"a@b.example\",]\n");
        } else {
            struct buf all = {0};

            buf_addf(&all, "a@b.example %s}\n", says.data);
            run("variables", text.data, text.len, 0, all.data);
            buf_fini(&all);
        }
    }
    buf_fini(&text), buf_fini(&says);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_rejects),
        cmocka_unit_test(limits_lines),
        cmocka_unit_test(limits_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
