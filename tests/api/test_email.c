#include "api/email.h"
#include "api/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1795412460000000) /* 2026-11-23T05:41:00Z */

struct result {
    bool ok;
    struct arena arena;
    struct accept_email email;
    struct email_error why;
};

static void read_text(const char *text, struct result *r)
{
    JSON_DECREF json_t *item = json_loads(text, 0, NULL);
    struct buf scratch = {0};

    *r = (struct result){0};
    assert_non_null(item);
    r->ok = email_read(item, &r->arena, &scratch, NOW, &r->email, &r->why);
    buf_fini(&scratch);
}

#define HEAD "{\"from\":\"Acme <a@acme.test>\",\"to\":\"b@x.test\","
#define TAIL "\"subject\":\"hi\",\"text\":\"x\"}"

#define FILE_A "{\"filename\":\"a\",\"content\":\"aGk=\"}"

static const struct {
    const char *text, *content;
    size_t recipients;
    int64_t due;
} good[] = {
    {HEAD TAIL,
     "{\"from\":\"Acme <a@acme.test>\",\"to\":[\"b@x.test\"],"
     "\"subject\":\"hi\",\"text\":\"x\"}",
     1, 0},
    {"{\"from\":\"a@acme.test\",\"to\":[\"b@x.test\",\"B@X.test\","
     "\"Jo <c@x.test>\"],\"cc\":\"C@x.test\",\"bcc\":[\"d@x.test\"],"
     "\"reply_to\":\"r@x.test\",\"subject\":\"\",\"html\":\"<p>\\u00e9\","
     "\"headers\":{\"X-A\":\"1\"},\"tags\":[{\"name\":\"a\",\"value\":\"b-1\"}]"
     ","
     "\"topic_id\":\"t\",\"attachments\":[],\"scheduled_at\":\"in 1 min\"}",
     "{\"from\":\"a@acme.test\",\"to\":[\"b@x.test\",\"B@X.test\","
     "\"Jo <c@x.test>\"],\"cc\":[\"C@x.test\"],\"bcc\":[\"d@x.test\"],"
     "\"reply_to\":[\"r@x.test\"],\"subject\":\"\",\"html\":\"<p>\xc3\xa9\","
     "\"headers\":{\"X-A\":\"1\"},\"tags\":[{\"name\":\"a\",\"value\":\"b-1\"}]"
     ","
     "\"scheduled_at\":\"2026-11-23T05:42:00.000Z\"}",
     3, NOW + 60000000},
    {HEAD "\"metadata\":{\"order\":12,\"shop\":\"north\",\"new\":true}," TAIL,
     "{\"from\":\"Acme <a@acme.test>\",\"to\":[\"b@x.test\"],"
     "\"subject\":\"hi\",\"text\":\"x\",\"metadata\":{\"order\":12,"
     "\"shop\":\"north\",\"new\":true}}",
     1, 0},
    {HEAD "\"dsn\":{\"notify\":\"never\"},\"require_tls\":true," TAIL,
     "{\"from\":\"Acme <a@acme.test>\",\"to\":[\"b@x.test\"],"
     "\"subject\":\"hi\",\"text\":\"x\",\"require_tls\":true,"
     "\"dsn\":{\"notify\":\"never\"}}",
     1, 0},
    {HEAD "\"dsn\":null,\"require_tls\":false," TAIL,
     "{\"from\":\"Acme <a@acme.test>\",\"to\":[\"b@x.test\"],"
     "\"subject\":\"hi\",\"text\":\"x\"}",
     1, 0},
    /* What SDKs send for what was not set. */
    {HEAD "\"cc\":null,\"bcc\":\"\",\"reply_to\":[],\"html\":null,"
          "\"headers\":null,\"tags\":null,\"scheduled_at\":\"\",\"id\":\"x\","
          "\"metadata\":null,"
          "\"template\":null,\"attachments\":null," TAIL,
     "{\"from\":\"Acme <a@acme.test>\",\"to\":[\"b@x.test\"],"
     "\"subject\":\"hi\",\"text\":\"x\"}",
     1, 0},
    /* Attachments, as different SDKs write them. */
    {HEAD "\"attachments\":[{\"filename\":\"a.txt\",\"content\":\"aGk\"},"
          "{\"filename\":\"b\",\"content\":[104,105,255],\"contentType\":"
          "\"image/png\",\"contentId\":\"<i>\",\"path\":\"\"},"
          "{\"filename\":\"c\",\"content\":{\"type\":\"Buffer\",\"data\":[]},"
          "\"content_type\":\"a/b\",\"inline_content_id\":\"j\"}]," TAIL,
     "{\"from\":\"Acme <a@acme.test>\",\"to\":[\"b@x.test\"],"
     "\"subject\":\"hi\",\"text\":\"x\",\"attachments\":["
     "{\"content\":\"aGk=\",\"filename\":\"a.txt\"},"
     "{\"content\":\"aGn/\",\"filename\":\"b\","
     "\"content_type\":\"image/png\",\"content_id\":\"i\"},"
     "{\"content\":\"\",\"filename\":\"c\",\"content_type\":\"a/b\","
     "\"content_id\":\"j\"}]}",
     1, 0},
    /* Just past means now; then it is not scheduled. */
    {HEAD "\"scheduled_at\":\"2026-11-23T05:40:00Z\"," TAIL,
     "{\"from\":\"Acme <a@acme.test>\",\"to\":[\"b@x.test\"],"
     "\"subject\":\"hi\",\"text\":\"x\"}",
     1, 0},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct result r;

        read_text(good[i].text, &r);
        if (!r.ok)
            fail_msg("%s: %s", good[i].text, r.why.error.text);
        assert_int_equal(r.email.n_recipients, good[i].recipients);
        assert_int_equal(r.email.due_us, good[i].due);
        assert_int_equal(r.email.content_len, strlen(good[i].content));
        assert_memory_equal(r.email.content, good[i].content,
                            r.email.content_len);
        arena_fini(&r.arena);
    }
}

static void test_recipients(void **state)
{
    struct result r;

    (void)state;
    read_text(good[1].text, &r);
    assert_true(r.ok);
    assert_string_equal(r.email.recipients[0], "b@x.test");
    assert_string_equal(r.email.recipients[1], "c@x.test");
    assert_string_equal(r.email.recipients[2], "d@x.test");
    arena_fini(&r.arena);
}

static const struct {
    const char *text;
    enum api_error name;
    const char *says;
} bad[] = {
    {"[]", API_VALIDATION_ERROR, "JSON object"},
    {"{}", API_MISSING_REQUIRED_FIELD, "Missing `from` field."},
    {"{\"from\":\"\"}", API_MISSING_REQUIRED_FIELD, "`from`"},
    {"{\"from\":7}", API_VALIDATION_ERROR, "`from`"},
    {"{\"from\":\"a\"}", API_INVALID_FROM_ADDRESS, "`from`"},
    {"{\"from\":\"a@b.test, c@d.test\"}", API_INVALID_FROM_ADDRESS, "`from`"},
    {"{\"from\":\"a@b.test\\r\\nBcc: c@d.test\"}", API_INVALID_FROM_ADDRESS,
     "`from`"},
    {"{\"from\":\"a@b.test\"}", API_MISSING_REQUIRED_FIELD, "`to`"},
    {"{\"from\":\"a@b.test\",\"to\":[]}", API_MISSING_REQUIRED_FIELD, "`to`"},
    {"{\"from\":\"a@b.test\",\"to\":[\"x\"]}", API_VALIDATION_ERROR, "`to`"},
    {"{\"from\":\"a@b.test\",\"to\":[7]}", API_VALIDATION_ERROR, "`to`"},
    {"{\"from\":\"a@b.test\",\"to\":\"c@d.test\"}", API_MISSING_REQUIRED_FIELD,
     "`subject`"},
    {"{\"from\":\"a@b.test\",\"to\":\"c@d.test\",\"subject\":\"\"}",
     API_MISSING_REQUIRED_FIELD, "`html` or `text`"},
    {HEAD "\"cc\":\"no\"," TAIL, API_VALIDATION_ERROR, "`cc`"},
    {HEAD "\"bcc\":[\"no\"]," TAIL, API_VALIDATION_ERROR, "`bcc`"},
    {HEAD "\"reply_to\":{}," TAIL, API_VALIDATION_ERROR, "`reply_to`"},
    {HEAD "\"replyTo\":\"r@x.test\"," TAIL, API_VALIDATION_ERROR,
     "`replyTo`. Did you mean `reply_to`?"},
    {HEAD "\"html\":[]," TAIL, API_VALIDATION_ERROR, "`html`"},
    {HEAD "\"headers\":[]," TAIL, API_VALIDATION_ERROR, "`headers`"},
    {HEAD "\"headers\":{\"X-A\":1}," TAIL, API_VALIDATION_ERROR, "`X-A`"},
    {HEAD "\"headers\":{\"X-A\":\"a\\nb\"}," TAIL, API_VALIDATION_ERROR, "X-A"},
    {HEAD "\"headers\":{\"X-A\\r\\nBcc\":\"a\"}," TAIL, API_VALIDATION_ERROR,
     "header"},
    {HEAD "\"headers\":{\"From\":\"a@b.test\"}," TAIL, API_VALIDATION_ERROR,
     "From"},
    {HEAD "\"tags\":{}," TAIL, API_VALIDATION_ERROR, "`tags`"},
    {HEAD "\"tags\":[{\"name\":\"a\"}]," TAIL, API_VALIDATION_ERROR, "item 0"},
    {HEAD "\"tags\":[{\"name\":\"a\",\"value\":\"\xc3\xa9\"}]," TAIL,
     API_VALIDATION_ERROR, "`tags`"},
    {HEAD "\"inline_css\":1," TAIL, API_VALIDATION_ERROR, "`inline_css`"},
    {HEAD "\"require_tls\":1," TAIL, API_VALIDATION_ERROR, "`require_tls`"},
    {HEAD "\"dsn\":{\"notify\":[]}," TAIL, API_VALIDATION_ERROR, "`notify`"},
    {HEAD "\"metadata\":[]," TAIL, API_VALIDATION_ERROR, "`metadata`"},
    {HEAD "\"metadata\":{\"\":1}," TAIL, API_VALIDATION_ERROR, "`metadata`"},
    {HEAD "\"metadata\":{\"order\":{}}," TAIL, API_VALIDATION_ERROR, "`order`"},
    {HEAD "\"metadata\":{\"a\":null}," TAIL, API_VALIDATION_ERROR, "`a`"},
    {HEAD "\"metadata\":{\"a\\nb\":1}," TAIL, API_VALIDATION_ERROR,
     "`metadata`"},
    {HEAD "\"scheduled_at\":7," TAIL, API_VALIDATION_ERROR, "`scheduled_at`"},
    {HEAD "\"scheduled_at\":\"soon\"," TAIL, API_VALIDATION_ERROR,
     "`scheduled_at`"},
    {HEAD "\"scheduled_at\":\"2026-11-23T05:00:00Z\"," TAIL,
     API_VALIDATION_ERROR, "has passed"},
    {HEAD "\"scheduled_at\":\"2036-11-23T05:00:00Z\"," TAIL,
     API_VALIDATION_ERROR, "days ahead"},
    {HEAD "\"attachments\":\"x\"," TAIL, API_INVALID_ATTACHMENT, "a list"},
    {HEAD "\"attachments\":[7]," TAIL, API_INVALID_ATTACHMENT,
     "attachments[0]: it is to be an object"},
    {HEAD "\"attachments\":[{}]," TAIL, API_INVALID_ATTACHMENT,
     "attachments[0]: filename: missing"},
    {HEAD "\"attachments\":[{\"filename\":\"a\"}]," TAIL,
     API_INVALID_ATTACHMENT, "attachments[0]: content: missing"},
    {HEAD "\"attachments\":[" FILE_A ",{\"filename\":\"a\",\"path\":"
          "\"https://x.test/a\"}]," TAIL,
     API_INVALID_ATTACHMENT, "attachments[1]: content: "},
    {HEAD "\"attachments\":[{\"filename\":\"a\",\"content\":\"a\"}]," TAIL,
     API_INVALID_ATTACHMENT, "attachments[0]: content: it is not base64"},
    {HEAD "\"attachments\":[{\"filename\":\"a\",\"content\":7}]," TAIL,
     API_INVALID_ATTACHMENT, "attachments[0]: content: it is to be a base64"},
    {HEAD "\"attachments\":[{\"filename\":\"a\",\"content\":[1,256]}]," TAIL,
     API_INVALID_ATTACHMENT, "attachments[0]: content: item 1 is to be a byte"},
    {HEAD "\"attachments\":[{\"filename\":\"a\\r\",\"content\":\"\"}]," TAIL,
     API_INVALID_ATTACHMENT, "attachments[0]: filename: byte 2: control"},
    {HEAD "\"attachments\":[{\"filename\":\"a\",\"content\":\"\","
          "\"contentType\":\"text\"}]," TAIL,
     API_INVALID_ATTACHMENT, "attachments[0]: content_type: expected type/"},
    {HEAD "\"attachments\":[{\"filename\":\"a\",\"content\":\"\","
          "\"contentId\":\"a b\"}]," TAIL,
     API_INVALID_ATTACHMENT, "attachments[0]: content_id: byte 2"},
    {HEAD "\"template\":{\"id\":\"t\"}," TAIL, API_VALIDATION_ERROR,
     "can't be used here"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct result r;

        read_text(bad[i].text, &r);
        if (r.ok)
            fail_msg("accepted: %s", bad[i].text);
        if (!strstr(r.why.error.text, bad[i].says) || r.why.name != bad[i].name)
            fail_msg("%s: %s: %s", bad[i].text, api_error_text(r.why.name),
                     r.why.error.text);
        arena_fini(&r.arena);
    }
}

static char *many(size_t to, size_t cc)
{
    struct buf b = {0};

    buf_add_text(&b, "{\"from\":\"a@acme.test\",\"to\":[\"x0@x.test\"");
    for (size_t i = 1; i < to; i++)
        buf_addf(&b, ",\"x%zu@x.test\"", i);
    buf_add_text(&b, "],\"cc\":[\"y0@x.test\"");
    for (size_t i = 1; i < cc; i++)
        buf_addf(&b, ",\"y%zu@x.test\"", i);
    buf_add_text(&b, "]," TAIL);
    return b.data;
}

static void test_fifty(void **state)
{
    static const struct {
        size_t to, cc;
        bool ok;
    } cases[] = {{49, 1, true},
                 {50, 1, false},
                 {30, 20, true},
                 {30, 21, false},
                 {51, 1, false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = many(cases[i].to, cases[i].cc);
        struct result r;

        read_text(text, &r);
        assert_int_equal(r.ok, cases[i].ok);
        arena_fini(&r.arena);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_fifty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
