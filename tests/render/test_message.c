#include "render/message.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ID "01234567-0123-8123-8123-0123456789ab"

/* A source that compiles; tests change what they are about. */
static struct message_source plain_source(void)
{
    return (struct message_source){
        .from = "Jo <jo@example.com>",
        .subject = "Hello",
        .text = "Hi\n",
        .templates = true,
    };
}

struct made {
    struct buf out;
    struct error err;
    enum status status;
};

static void make(struct made *made, const struct message_source *source,
                 const char *variables)
{
    json_t *object = variables ? json_loads(variables, 0, NULL) : NULL;
    struct message_recipient to = {
        .address = "ann@example.net",
        .variables = object,
        .id = ID,
        .id_domain = "mail.example.com",
        .date_us = INT64_C(1795412460000000),
    };
    struct arena scratch = {0};
    struct message *m;

    *made = (struct made){0};
    buf_add_text(&made->out, "before");
    made->status = message_compile(source, &m, &made->err);
    if (made->status != STATUS_OK)
        return;
    made->status = message_render(m, &to, &scratch, &made->out, &made->err);
    message_free(m);
    arena_fini(&scratch);
    json_decref(object);
}

static void expect(const struct message_source *source, const char *variables,
                   const char *want)
{
    struct made made;

    make(&made, source, variables);
    if (made.status != STATUS_OK)
        fail_msg("%s", made.err.text);
    assert_string_equal(made.out.data, want);
    assert_int_equal(made.out.len, strlen(want));
    buf_fini(&made.out);
}

#define TAIL                                                                   \
    "Date: Mon, 23 Nov 2026 05:41:00 +0000\r\n"                                \
    "Message-ID: <" ID "@mail.example.com>\r\n"                                \
    "MIME-Version: 1.0\r\n"
#define PLAIN_AS(encoding)                                                     \
    "Content-Type: text/plain; charset=utf-8\r\n"                              \
    "Content-Transfer-Encoding: " encoding "\r\n\r\n"
#define HTML_AS(encoding)                                                      \
    "Content-Type: text/html; charset=utf-8\r\n"                               \
    "Content-Transfer-Encoding: " encoding "\r\n\r\n"
#define PLAIN PLAIN_AS("7bit")
#define HTML HTML_AS("7bit")
#define QP "quoted-printable"
#define HEAD                                                                   \
    "before"                                                                   \
    "From: Jo <jo@example.com>\r\n"                                            \
    "To: ann@example.net\r\n"                                                  \
    "Subject: Hello\r\n"

static void one_part(void **state)
{
    struct message_source s = plain_source();

    (void)state;
    expect(&s, NULL, HEAD TAIL PLAIN "Hi\r\n");
    s.text = "no line end";
    expect(&s, NULL, HEAD TAIL PLAIN "no line end\r\n");
    s.text = "";
    expect(&s, NULL, HEAD TAIL PLAIN);
    s.text = ".\n..";
    expect(&s, NULL, HEAD TAIL PLAIN "..\r\n...\r\n");
    s.html = "<p>Hi</p>";
    s.text = "";
    expect(&s, NULL, HEAD TAIL HTML "<p>Hi</p>\r\n");
}

static void two_parts(void **state)
{
    struct message_source s = plain_source();

    (void)state;
    s.text = "Hi {{ name }}";
    s.html = "<p>Hi {{ name }}";
    expect(&s, "{\"name\": \"Zo\xc3\xab & <Co>\"}",
           HEAD TAIL
           "Content-Type: multipart/alternative;\r\n"
           " boundary=\"=_a" ID "\"\r\n"
           "\r\n--=_a" ID
           "\r\n" PLAIN_AS(QP) "Hi Zo=C3=AB & <Co>"
                               "\r\n--=_a" ID "\r\n" HTML_AS(
                                   QP) "<p>Hi Zo=C3=AB &amp; &lt;Co&gt;"
                                       "\r\n--=_a" ID "--\r\n");
}

/* Chosen for each recipient's text. */
static void encoding_by_variables(void **state)
{
    struct message_source s = plain_source();

    (void)state;
    s.text = "{{ name }}\n";
    expect(&s, "{\"name\": \"Zoe\"}", HEAD TAIL PLAIN "Zoe\r\n");
    expect(&s, "{\"name\": \"From Zoe\"}",
           HEAD TAIL PLAIN_AS(QP) "=46rom Zoe\r\n");
    expect(&s, "{\"name\": \"\xe4\xbd\xa0\xe5\xa5\xbd\"}",
           HEAD TAIL PLAIN_AS("base64") "5L2g5aW9DQo=\r\n");
}

/* A text, where the body begins; errors are told by its own name. */
static void preheader(void **state)
{
    static const struct {
        const char *html, *want;
    } cases[] = {
        {"<p>Hi", "%<p>Hi"},
        {"<!-- <body> --><BODY class='a>b'>Hi", "<!-- <body> -->"
                                                "<BODY class='a>b'>%Hi"},
        {"<!doctype html><html><head></head>Hi",
         "<!doctype html><html><head></head>%Hi"},
        {"<html><p>Hi", "<html>%<p>Hi"},
        {"<bodyguard>", "%<bodyguard>"},
        {"<body", "%<body"},
    };
    struct message_source s = plain_source();
    struct error err;
    struct message *m = NULL;

    (void)state;
    s.text = "";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[1024];
        const char *at = strchr(cases[i].want, '%');

        snprintf(want, sizeof want,
                 HEAD TAIL HTML "%.*s<div style=\"display:none;max-height:0;"
                                "overflow:hidden;mso-hide:all\">a&lt;b &lt;J"
                                "&gt; &amp; </div>%s\r\n",
                 (int)(at - cases[i].want), cases[i].want, at + 1);
        s.html = cases[i].html;
        s.preheader = "a<b {{ name }} & ";
        expect(&s, "{\"name\": \"<J>\"}", want);
    }
    s.preheader = "{{ a";
    assert_int_equal(message_compile(&s, &m, &err), STATUS_INVALID);
    assert_memory_equal(err.text, "preheader: line 1, column 1", 27);
    s.html = "{{ b";
    s.preheader = "{{ a }}";
    assert_int_equal(message_compile(&s, &m, &err), STATUS_INVALID);
    assert_memory_equal(err.text, "html: line 1, column 1", 22);
}

static void text_from_html(void **state)
{
    struct message_source s = plain_source();

    (void)state;
    s.text = NULL;
    s.html = "<p>Hi <b>{{ name }}";
    expect(&s, "{\"name\": \"<Co>\"}",
           HEAD TAIL "Content-Type: multipart/alternative;\r\n"
                     " boundary=\"=_a" ID "\"\r\n"
                     "\r\n--=_a" ID "\r\n" PLAIN "Hi <Co>\r\n"
                     "\r\n--=_a" ID "\r\n" HTML "<p>Hi <b>&lt;Co&gt;"
                     "\r\n--=_a" ID "--\r\n");
    s.html = "<p><img src=\"x\">";
    expect(&s, NULL, HEAD TAIL HTML "<p><img src=\"x\">\r\n");
}

static void fields(void **state)
{
    static const char *const to[] = {"a@example.org", "B B <b@example.org>"};
    static const char *const cc[] = {"c@example.org"};
    static const char *const reply[] = {"Help <help@example.com>"};
    static const struct message_header headers[] = {
        {"X-Fixed", "as it is"},
        {"X-Name", "for {{ name }}"},
        {"X-Empty", "{{ nope }}"},
    };
    struct message_source s = plain_source();

    (void)state;
    s.to = to;
    s.n_to = 2;
    s.cc = cc;
    s.n_cc = 1;
    s.reply_to = reply;
    s.n_reply_to = 1;
    s.headers = headers;
    s.n_headers = 3;
    s.subject = "{{ name }}: {{ email }}";
    expect(&s, "{\"name\": \"a\\r\\nBcc: x@example.com\"}",
           "before"
           "From: Jo <jo@example.com>\r\n"
           "Reply-To: Help <help@example.com>\r\n"
           "To: a@example.org, B B <b@example.org>\r\n"
           "Cc: c@example.org\r\n"
           "Subject: a Bcc: x@example.com: ann@example.net\r\n"
           "X-Fixed: as it is\r\n"
           "X-Name: for a Bcc: x@example.com\r\n"
           "X-Empty:\r\n" TAIL PLAIN "Hi\r\n");
    s = plain_source();
    s.subject = NULL;
    expect(
        &s, NULL,
        "beforeFrom: Jo <jo@example.com>\r\nTo: ann@example.net\r\n" TAIL PLAIN
        "Hi\r\n");
}

static void without_templates_braces_stay(void **state)
{
    static const struct message_header header = {"X-A", "{{ c }}"};
    struct message_source s = plain_source();

    (void)state;
    s.templates = false;
    s.subject = "{{ a }} {%";
    s.text = "{{ b";
    s.headers = &header;
    s.n_headers = 1;
    expect(&s, "{\"a\": 1, \"c\": 2}",
           "beforeFrom: Jo <jo@example.com>\r\nTo: ann@example.net\r\n"
           "Subject: {{ a }} {%\r\nX-A: {{ c }}\r\n" TAIL PLAIN "{{ b\r\n");
}

#define FILE_PART(type, name)                                                  \
    "Content-Type: " type ";\r\n name=\"" name "\"\r\n"                        \
    "Content-Transfer-Encoding: base64\r\n"
#define BOUNDARY(kind) "=_" kind ID
#define OPEN(kind, parameters)                                                 \
    "Content-Type: multipart/" parameters                                      \
    ";\r\n boundary=\"" BOUNDARY(kind) "\"\r\n"
#define NEXT(kind) "\r\n--" BOUNDARY(kind) "\r\n"
#define END(kind) "\r\n--" BOUNDARY(kind) "--\r\n"

static const struct message_attachment files[] = {
    {"a.pdf", "aGk=", 4, NULL, NULL},
    {"b.png", "", 0, NULL, "logo"},
    {"c.ics", "aGkh", 4, "text/calendar; method=REQUEST", NULL},
};

/* All kinds of parts at once: each in its place of the tree. */
static void attachments(void **state)
{
    struct message_source s = plain_source();

    (void)state;
    s.html = "<p>Hi";
    s.attachments = files;
    s.n_attachments = 3;
    expect(
        &s, NULL,
        HEAD TAIL OPEN("m", "mixed") NEXT("m") OPEN("a", "alternative")
            NEXT("a") PLAIN "Hi\r\n" NEXT("a")
                OPEN("r", "related; type=\"text/html\"") NEXT("r") HTML
        "<p>Hi" NEXT("r") FILE_PART(
            "image/png",
            "b.png") "Content-ID: <logo>\r\n"
                     "Content-Disposition: inline;\r\n "
                     "filename=\"b.png\"\r\n\r\n" END("r") NEXT("a") FILE_PART(
                         "text/calendar;\r\n method=REQUEST;\r\n"
                         " charset=\"utf-8\"",
                         "c.ics") "\r\naGkh" END("a") NEXT("m")
                         FILE_PART(
                             "application/pdf",
                             "a.pdf") "Content-Disposition: attachment;\r\n "
                                      "filename=\"a.pdf\"\r\n\r\n"
                                      "aGk=" END("m"));
    s.html = NULL;
    s.attachments = files + 1;
    s.n_attachments = 1;
    expect(&s, NULL,
           HEAD TAIL OPEN("m", "mixed") NEXT("m") PLAIN "Hi\r\n" NEXT("m")
               FILE_PART("image/png",
                         "b.png") "Content-ID: <logo>\r\n"
                                  "Content-Disposition: inline;\r\n "
                                  "filename=\"b.png\"\r\n\r\n" END("m"));
}

static void refuse(const struct message_source *source, const char *why)
{
    struct made made;

    make(&made, source, NULL);
    assert_int_not_equal(made.status, STATUS_OK);
    assert_string_equal(made.err.text, why);
    assert_string_equal(made.out.data, "before");
    buf_fini(&made.out);
}

static void refused_fields(void **state)
{
    static const struct {
        struct message_header header;
        const char *why;
    } cases[] = {
        {{"X A", "b"},
         "headers: character 2 of the name is not allowed "
         "(letters, digits and -_. are)"},
        {{"X-A", "b\r\nBcc: c"},
         "headers.X-A: byte 2: line breaks are not allowed"},
        {{"X-A", "b\x01"},
         "headers.X-A: byte 2: control characters are not allowed"},
        {{"X-A", "\xff"}, "headers.X-A: byte 1 is not valid UTF-8"},
        {{"X-A", "{{"},
         "headers.X-A: line 1, column 1: expected }} behind {{, found "
         "\"{{\""},
        {{"X-A", NULL}, "headers.X-A: missing value"},
        {{"bcc", "x"}, "headers.bcc: this name is reserved"},
        {{"From", "x"}, "headers.From: this name is reserved"},
        {{"MESSAGE-ID", "x"}, "headers.MESSAGE-ID: this name is reserved"},
        {{"Content-Whatever", "x"},
         "headers.Content-Whatever: this name is reserved"},
        {{"ARC-Seal", "x"}, "headers.ARC-Seal: this name is reserved"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message_source s = plain_source();

        s.headers = &cases[i].header;
        s.n_headers = 1;
        refuse(&s, cases[i].why);
    }
}

static void refused_sources(void **state)
{
    static const char *const bad[] = {"a@example.org", "b"};
    static const struct message_header many[MESSAGE_HEADERS_MAX + 1];
    struct message_source s = plain_source();
    char long_subject[MESSAGE_VALUE_MAX + 2];

    (void)state;
    s.from = "jo@";
    refuse(&s, "from: character 4: the domain ends too early");
    s.from = NULL;
    refuse(&s, "from: missing");
    s = plain_source();
    s.to = bad;
    s.n_to = 2;
    refuse(&s, "to[1]: character 2: an @ is missing");
    s.n_to = MESSAGE_ADDRESSES_MAX + 1;
    refuse(&s, "to: more than 1000 addresses");
    s = plain_source();
    s.subject = "a\nb";
    refuse(&s, "subject: byte 2: line breaks are not allowed");
    memset(long_subject, 'x', sizeof long_subject);
    long_subject[MESSAGE_VALUE_MAX + 1] = 0;
    s.subject = long_subject;
    refuse(&s, "subject: more than 16384 bytes");
    s = plain_source();
    s.html = "<p>\n{{ a }";
    refuse(&s, "html: line 2, column 1: expected }} behind {{, found "
               "\"{{ a }\"");
    s.html = NULL;
    s.text = "a\xc3";
    refuse(&s, "text: byte 2 is not valid UTF-8");
    s.text = NULL;
    refuse(&s, "html or text: one is needed");
    s = plain_source();
    s.headers = many;
    s.n_headers = MESSAGE_HEADERS_MAX + 1;
    refuse(&s, "headers: more than 100");
}

static void refused_attachments(void **state)
{
    static const struct {
        struct message_attachment item;
        const char *why;
    } cases[] = {
        {{NULL, "", 0, NULL, NULL}, "attachments[1]: filename: missing"},
        {{"", "", 0, NULL, NULL}, "attachments[1]: filename: it is empty"},
        {{"a", NULL, 0, NULL, NULL}, "attachments[1]: content: not base64"},
        {{"a", "aGk", 3, NULL, NULL}, "attachments[1]: content: not base64"},
        {{"a", "", 0, "a", NULL},
         "attachments[1]: content_type: expected type/subtype"},
        {{"a", "", 0, NULL, ""}, "attachments[1]: content_id: it is empty"},
    };
    struct message_source s = plain_source();
    struct message_attachment two[] = {files[0], files[0]};

    (void)state;
    s.attachments = two;
    s.n_attachments = 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        two[1] = cases[i].item;
        refuse(&s, cases[i].why);
    }
    s.n_attachments = MESSAGE_ATTACHMENTS_MAX + 1;
    refuse(&s, "attachments: more than 100");
}

/* The limit is of all of them together; a mail at it can be rendered. */
static void attached_bytes(void **state)
{
    char *big = malloc(MESSAGE_ATTACHED_MAX);
    struct message_attachment two[] = {files[0], files[0]};
    struct message_source s = plain_source();
    struct made made;

    (void)state;
    memset(big, 'A', MESSAGE_ATTACHED_MAX);
    two[0].base64 = big;
    two[0].base64_len = MESSAGE_ATTACHED_MAX;
    s.attachments = two;
    s.n_attachments = 1;
    make(&made, &s, NULL);
    assert_int_equal(made.status, STATUS_OK);
    assert_true(made.out.len > MESSAGE_ATTACHED_MAX);
    buf_fini(&made.out);
    s.n_attachments = 2;
    refuse(&s, "attachments: more than 41943040 bytes of base64 together");
    free(big);
}

/* Out is as before where a mail fails only for its recipient. */
static void run_time_limits(void **state)
{
    struct message_source s = plain_source();
    struct made made;
    char *variables = malloc(1 << 20);

    (void)state;
    memset(variables, 'x', 1 << 20);
    memcpy(variables, "{\"a\": \"", 7);
    memcpy(variables + (1 << 20) - 3, "\"}", 3);
    s.subject = "{{ a }}";
    make(&made, &s, variables);
    assert_int_equal(made.status, STATUS_TOO_BIG);
    assert_string_equal(made.err.text, "subject: more than 16384 bytes");
    assert_string_equal(made.out.data, "before");
    buf_fini(&made.out);
    s = plain_source();
    s.html = "{{a}}{{a}}{{a}}{{a}}{{a}}{{a}}{{a}}{{a}}{{a}}{{a}}{{a}}{{a}}"
             "{{a}}{{a}}{{a}}{{a}}{{a}}";
    make(&made, &s, variables);
    assert_int_equal(made.status, STATUS_TOO_BIG);
    assert_string_equal(made.err.text, "html: line 1, column 81: more than "
                                       "16777216 bytes of output");
    assert_string_equal(made.out.data, "before");
    buf_fini(&made.out);
    free(variables);
}

static void sender(void **state)
{
    struct message_source s = plain_source();
    struct message *m;
    struct error err;

    (void)state;
    assert_int_equal(message_compile(&s, &m, &err), STATUS_OK);
    assert_string_equal(message_sender(m), "jo@example.com");
    message_free(m);
    message_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_part),
        cmocka_unit_test(two_parts),
        cmocka_unit_test(encoding_by_variables),
        cmocka_unit_test(preheader),
        cmocka_unit_test(text_from_html),
        cmocka_unit_test(fields),
        cmocka_unit_test(without_templates_braces_stay),
        cmocka_unit_test(refused_fields),
        cmocka_unit_test(refused_sources),
        cmocka_unit_test(attachments),
        cmocka_unit_test(refused_attachments),
        cmocka_unit_test(attached_bytes),
        cmocka_unit_test(run_time_limits),
        cmocka_unit_test(sender),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
