#include "api/upload/csv.h"
#include "transcript.h"
#include <stdlib.h>

/* Each is fed whole, in two pieces split at every byte, and byte by byte. */
/* clang-format off */
static const struct {
    const char *name, *csv, *says;
} cases[] = {
    {"plain", "email,name\njo@example.com,Jo\nbo@example.com,Bo\n",
     "jo@example.com {\"name\":\"Jo\"}\nbo@example.com {\"name\":\"Bo\"}\n"},
    {"CRLF, no end", "email,name\r\njo@example.com,Jo\r\nbo@example.com,Bo",
     "jo@example.com {\"name\":\"Jo\"}\nbo@example.com {\"name\":\"Bo\"}\n"},
    {"return at the end", "email\r\njo@example.com\r", "jo@example.com -\n"},
    {"byte order mark", "\xef\xbb\xbf" "email\njo@example.com\n",
     "jo@example.com -\n"},
    {"mark and quotes", "\xef\xbb\xbf\"email\",\"a\"\njo@example.com,1\n",
     "jo@example.com {\"a\":\"1\"}\n"},
    {"empty lines", "email\n\n\r\njo@example.com\n\n", "jo@example.com -\n"},
    {"semicolons", "Name;E-Mail;a,b\nJo;jo@example.com;1,2\n",
     "jo@example.com {\"Name\":\"Jo\",\"a,b\":\"1,2\"}\n"},
    {"tabs", "name\tADDRESS\nJo\tjo@example.com\n",
     "jo@example.com {\"name\":\"Jo\"}\n"},
    {"email before address", "address,email\nMain St,jo@example.com\n",
     "jo@example.com {\"address\":\"Main St\"}\n"},
    {"blanks", " email , name \n jo@example.com , Jo \n",
     "jo@example.com {\"name\":\" Jo \"}\n"},
    {"nameless column", "email,,name,\njo@example.com,x,Jo,\n",
     "jo@example.com {\"name\":\"Jo\"}\n"},
    {"empty values", "email,a,b\njo@example.com,,\n",
     "jo@example.com {\"a\":\"\",\"b\":\"\"}\n"},
    {"quoted", "\"email\",\"na,me\"\n\"jo@example.com\",\"Jo \"\"J\"\", Doe\"\n",
     "jo@example.com {\"na,me\":\"Jo \\\"J\\\", Doe\"}\n"},
    {"quoted empty", "email,a\njo@example.com,\"\"\r\nbo@example.com,\"\"",
     "jo@example.com {\"a\":\"\"}\nbo@example.com {\"a\":\"\"}\n"},
    {"quoted separator at the end", "email,a\n\"jo@example.com\",\n",
     "jo@example.com {\"a\":\"\"}\n"},
    {"quoted line breaks", "email,a\njo@example.com,\"1\n2\r\n3\"\nx,y\n",
     "jo@example.com {\"a\":\"1\\n2\\r\\n3\"}\n"
     "!5 email: character 2: an @ is missing [x]\n"},
    {"escapes", "email,a\njo@example.com,\\ \x01\t\x1f\x7f/\n",
     "jo@example.com {\"a\":\"\\\\ \\u0001\\t\\u001f\x7f/\"}\n"},
    {"UTF-8", "email,n\xc3\xa4me\nj\xc3\xb6@example.com,\xe2\x82\xac\n",
     "j\xc3\xb6@example.com {\"n\xc3\xa4me\":\"\xe2\x82\xac\"}\n"},
    {"ragged", "email,a\njo@example.com\nbo@example.com,1\nx@example.com,1,2\n",
     "!2 1 field where the first line names 2 [jo@example.com]\n"
     "bo@example.com {\"a\":\"1\"}\n"
     "!4 3 fields where the first line names 2 [x@example.com,1,2]\n"},
    {"not UTF-8", "email,a\njo@example.com,\xe4\nbo@example.com,1\n",
     "!2 is not UTF-8 [jo@example.com,\xe4]\nbo@example.com {\"a\":\"1\"}\n"},
    {"no address", "email,a\n,1\nJo Doe,2\n",
     "!2 email: the address is empty []\n"
     "!3 email: character 3: ' ' is not allowed in the local part [Jo Doe]\n"},
    {"stray quote", "email,a\njo@example.com,5\" x\nbo@example.com,1\n",
     "!2 a quotation mark stands inside a field, or text behind one "
     "[jo@example.com,5\" x]\nbo@example.com {\"a\":\"1\"}\n"},
    {"text behind quote", "email,a\njo@example.com,\"5\"x\nbo@example.com,1\n",
     "!2 a quotation mark stands inside a field, or text behind one "
     "[jo@example.com,\"5\"x]\nbo@example.com {\"a\":\"1\"}\n"},
    {"return behind quote", "email,a\njo@example.com,\"5\"\r,\nbo@example.com,1",
     "!2 a quotation mark stands inside a field, or text behind one "
     "[jo@example.com,\"5\"\r,]\nbo@example.com {\"a\":\"1\"}\n"},
    {"open quote", "email,a\njo@example.com,\"5\nbo@example.com,1\n",
     "!2 a quoted field is not closed [jo@example.com,\"5]\n"
     "bo@example.com {\"a\":\"1\"}\n"},
    {"open quote, last line", "email,a\nbo@example.com,1\njo@example.com,\"5",
     "bo@example.com {\"a\":\"1\"}\n"
     "!3 a quoted field is not closed [jo@example.com,\"5]\n"},
    {"empty", "", "error: the upload is empty: its first line must name the "
     "columns, one of them email\n"},
    {"no email column", "name,mail\nJo,jo@example.com\n",
     "error: line 1: no column is named email; the first line must name the "
     "columns\n"},
    {"same column", "email,a,a\n",
     "error: line 1: columns 2 and 3 are both named 'a'\n"},
    {"names no UTF-8", "email,\xff\n", "error: line 1: is not UTF-8\n"},
    {"names unclosed", "email,\"a\nb", "error: line 1: a quoted field is not "
     "closed\n"},
    {"names late", "\n\nemail\njo@example.com\n", "jo@example.com -\n"},
};
/* clang-format on */

static void feed(struct csv *c, const char *bytes, size_t n, enum status *st,
                 struct error *err)
{
    char *copy = malloc(n ? n : 1); /* so that reading beyond it shows */

    memcpy(copy, bytes, n);
    if (*st == STATUS_OK)
        *st = csv_feed(c, copy, n, err);
    free(copy);
}

static void run(const char *name, const char *text, size_t n, size_t cut,
                const char *says)
{
    struct buf said = {0};
    struct upload_sink sink = transcript_sink(&said);
    struct csv *c = csv_new(&sink);
    enum status st = STATUS_OK;
    struct error err;

    if (cut <= n) {
        feed(c, text, cut, &st, &err);
        feed(c, text + cut, n - cut, &st, &err);
    } else {
        for (size_t i = 0; i < n; i++)
            feed(c, text + i, 1, &st, &err);
    }
    if (st == STATUS_OK)
        st = csv_end(c, &err);
    transcript_is(&said, st, &err, name, cut, says);
    csv_free(c);
}

static void reads_and_rejects(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].csv);

        for (size_t cut = 0; cut <= n + 1; cut++)
            run(cases[i].name, cases[i].csv, n, cut, cases[i].says);
    }
}

static void refuses_nul(void **state)
{
    static const char text[] = "email,a\nx@example.com,\0\ny@example.com,1\n";

    (void)state;
    for (size_t cut = 0; cut < sizeof text; cut++)
        run("NUL", text, sizeof text - 1, cut,
            "!2 has a NUL byte [x@example.com,]\n"
            "y@example.com {\"a\":\"1\"}\n");
}

/* The longest line there may be, one byte more, and many more; plain and
 * quoted. */
static void limits_lines(void **state)
{
    static const struct {
        const char *quote;
        size_t more;
        const char *says; /* NULL: it is taken */
    } lines[] = {
        {"", 0, NULL},
        {"", 1, "!2 the line is too long [x@example.com,xxxxxxxxx]\n"},
        {"", 100000, "!2 the line is too long [x@example.com,xxxxxxxxx]\n"},
        {"\"", 0, NULL},
        {"\"", 1, "!2 the line is too long [x@example.com,\"xxxxxxxx]\n"},
        {"\"", 100000,
         "!2 a quoted field is not closed [x@example.com,\"xxxxxxxx]\n"},
    };
    static const char names[] = "email,a\n", start[] = "x@example.com,";

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct buf text = {0}, says = {0}, value = {0};
        size_t quotes = 2 * strlen(lines[i].quote);

        while (value.len + quotes + strlen(start) <
               UPLOAD_LINE_MAX + lines[i].more)
            buf_add_char(&value, 'x');
        buf_addf(&text, "%s%s%s%s%s\ny@example.com,1\n", names, start,
                 lines[i].quote, value.data, lines[i].quote);
        if (lines[i].says)
            buf_add_text(&says, lines[i].says);
        else
            buf_addf(&says, "x@example.com {\"a\":\"%s\"}\n", value.data);
        buf_add_text(&says, "y@example.com {\"a\":\"1\"}\n");
        for (size_t cut = 0; cut <= text.len; cut += 4093)
            run("long", text.data, text.len, cut, says.data);
        buf_fini(&text), buf_fini(&says), buf_fini(&value);
    }
}

/* A mark that is never closed costs its own line and no more. */
static void survives_an_endless_field(void **state)
{
    struct buf text = {0}, says = {0};

    (void)state;
    buf_add_text(&text, "email,a\njo@example.com,\"oops\n");
    buf_add_text(&says, "!2 a quoted field is not closed "
                        "[jo@example.com,\"oops]\n");
    for (int i = 0; i < 10000; i++) {
        buf_addf(&text, "user%d@example.com,%d\n", i, i);
        buf_addf(&says, "user%d@example.com {\"a\":\"%d\"}\n", i, i);
    }
    for (size_t cut = 0; cut <= text.len; cut += 30011)
        run("endless", text.data, text.len, cut, says.data);
    buf_fini(&text), buf_fini(&says);
}

static void limits_columns(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, "email");
    for (int i = 0; i < UPLOAD_VARIABLES_MAX; i++)
        buf_addf(&text, ",c%d", i);
    run("columns", text.data, text.len, 0, "");
    buf_add_text(&text, ",more");
    run("columns", text.data, text.len, 0,
        "error: line 1: more than 201 columns\n");
    buf_fini(&text);
}

static enum status stop(void *context, const char *address, size_t address_len,
                        const char *variables, size_t variables_len,
                        struct error *err)
{
    (void)context, (void)address, (void)address_len;
    (void)variables, (void)variables_len;
    snprintf(err->text, sizeof err->text, "gone");
    return STATUS_UNAVAILABLE;
}

static void stops_when_the_sink_says_so(void **state)
{
    struct upload_sink sink = {
        .take = stop, .reject = transcript_reject, .context = NULL};
    struct csv *c = csv_new(&sink);
    struct error err;
    static const char text[] = "email\na@example.com\nb@example.com\n";

    (void)state;
    assert_int_equal(csv_feed(c, text, sizeof text - 1, &err),
                     STATUS_UNAVAILABLE);
    assert_string_equal(err.text, "gone");
    csv_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_rejects),
        cmocka_unit_test(refuses_nul),
        cmocka_unit_test(limits_lines),
        cmocka_unit_test(survives_an_endless_field),
        cmocka_unit_test(limits_columns),
        cmocka_unit_test(stops_when_the_sink_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
