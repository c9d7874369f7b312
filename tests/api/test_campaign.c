#include "api/campaign.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MINIMAL                                                                \
    "\"from\":\"Jo <jo@a.example>\",\"subject\":\"Hi\",\"text\":\"x\""

static bool read(const char *text, struct campaign_content *content,
                 struct email_error *why, json_t **body)
{
    *body = json_loads(text, 0, NULL);
    assert_non_null(*body);
    return campaign_read(*body, NULL, content, why);
}

/* What is stored, in the order of the statements' parameters. */
/* template, partials, defaults */
#define NO_TEMPLATE NULL, "{}", "{}"

static void reads(void **state)
{
    /* clang-format off */
    static const struct {
        const char *body, *params[CAMPAIGN_PARAMS];
    } cases[] = {
        {"{" MINIMAL "}",
         {"Hi", "Jo <jo@a.example>", "[]", "Hi", NULL, "x", "{}", "[]", "1",
          NULL, NO_TEMPLATE, "false", "false", "{}", NULL, NULL, "{}", NULL,
          "false"}},
        {"{\"name\":\"n\",\"from\":\"jo@a.example\",\"subject\":\"{{ a }}\","
         "\"html\":\"<p>\",\"text\":\"\",\"reply_to\":\"r@a.example\","
         "\"headers\":{\"X-A\":\"1\"},\"tags\":[{\"name\":\"a\",\"value\":\"b\""
         "}],\"weight\":7,\"expire_seconds\":60,"
         "\"strict_variables\":true,\"inline_css\":true,"
         "\"tracking\":{\"opens\":false},\"require_tls\":true,"
         "\"dsn\":{\"return\":\"full\"}}",
         {"n", "jo@a.example", "[\"r@a.example\"]", "{{ a }}", "<p>", NULL,
          "{\"X-A\":\"1\"}", "[{\"name\":\"a\",\"value\":\"b\"}]", "7", "60",
          NO_TEMPLATE, "true", "true", "{\"opens\":false}", NULL, NULL, "{}",
          "{\"return\":\"full\"}", "true"}},
        {"{" MINIMAL ",\"reply_to\":[\"r@a.example\",\"s@a.example\"],"
         "\"html\":null,\"weight\":null,\"expire_seconds\":null,"
         "\"headers\":null,\"tags\":null,\"id\":\"echoed\"}",
         {"Hi", "Jo <jo@a.example>", "[\"r@a.example\",\"s@a.example\"]", "Hi",
          NULL, "x", "{}", "[]", "1", NULL, NO_TEMPLATE, "false", "false",
          "{}", NULL, NULL, "{}", NULL, "false"}},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct campaign_content content;
        struct email_error why;
        json_t *body;

        if (!read(cases[i].body, &content, &why, &body))
            fail_msg("%s: %s", cases[i].body, why.error.text);
        for (size_t p = 0; p < CAMPAIGN_PARAMS; p++) {
            if (cases[i].params[p])
                assert_string_equal(content.params[p], cases[i].params[p]);
            else
                assert_null(content.params[p]);
        }
        campaign_fini(&content);
        json_decref(body);
    }
}

static void refuses(void **state)
{
    /* clang-format off */
    static const struct {
        const char *body;
        enum api_error name;
        const char *says; /* part of it */
    } cases[] = {
        {"[]", API_VALIDATION_ERROR, "JSON object"},
        {"{" MINIMAL ",\"strict_variables\":1}", API_VALIDATION_ERROR,
         "`strict_variables`"},
        {"{" MINIMAL ",\"dsn\":1}", API_VALIDATION_ERROR, "`dsn`"},
        {"{}", API_MISSING_REQUIRED_FIELD, "Missing `from` field."},
        {"{\"from\":\"jo@a.example\"}", API_MISSING_REQUIRED_FIELD,
         "Missing `subject` field."},
        {"{\"from\":\"jo@a.example\",\"subject\":\"Hi\",\"text\":\"\"}",
         API_MISSING_REQUIRED_FIELD, "Missing `html` or `text` field."},
        {"{\"from\":\"jo\",\"subject\":\"Hi\",\"text\":\"x\"}",
         API_INVALID_FROM_ADDRESS, "Invalid `from` field: "},
        {"{\"from\":5}", API_VALIDATION_ERROR, "`from` field: it is to be a"},
        {"{" MINIMAL ",\"html\":[]}", API_VALIDATION_ERROR, "`html`"},
        {"{" MINIMAL ",\"weigth\":2}", API_VALIDATION_ERROR,
         "Unknown field `weigth`. Did you mean `weight`?"},
        {"{" MINIMAL ",\"weight\":0}", API_VALIDATION_ERROR, "from 1 to 1000"},
        {"{" MINIMAL ",\"weight\":1001}", API_VALIDATION_ERROR, "`weight`"},
        {"{" MINIMAL ",\"weight\":\"2\"}", API_VALIDATION_ERROR, "`weight`"},
        {"{" MINIMAL ",\"expire_seconds\":2592001}", API_VALIDATION_ERROR,
         "from 1 to 2592000"},
        {"{" MINIMAL ",\"reply_to\":[5]}", API_VALIDATION_ERROR, "`reply_to`"},
        {"{" MINIMAL ",\"reply_to\":\"r\"}", API_VALIDATION_ERROR, "reply_to"},
        {"{" MINIMAL ",\"headers\":{\"X-A\":1}}", API_VALIDATION_ERROR,
         "`X-A`"},
        {"{" MINIMAL ",\"headers\":{\"X-A\":\"a\\r\\nB: c\"}}",
         API_VALIDATION_ERROR, "X-A"},
        {"{" MINIMAL ",\"headers\":{\"From\":\"x\"}}", API_VALIDATION_ERROR,
         "reserved"},
        {"{" MINIMAL ",\"tags\":[{\"name\":\"a b\",\"value\":\"c\"}]}",
         API_VALIDATION_ERROR, "`tags`"},
        {"{" MINIMAL ",\"html\":\"{{ a\"}", API_VALIDATION_ERROR,
         "html: line 1"},
        {"{\"from\":\"jo@a.example\",\"subject\":\"a\\nb\",\"text\":\"x\"}",
         API_VALIDATION_ERROR, "subject"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct campaign_content content;
        struct email_error why;
        json_t *body;

        if (read(cases[i].body, &content, &why, &body))
            fail_msg("taken: %s", cases[i].body);
        if (why.name != cases[i].name || !strstr(why.error.text, cases[i].says))
            fail_msg("%s: %s: %s", cases[i].body, api_error_text(why.name),
                     why.error.text);
        campaign_fini(&content);
        json_decref(body);
    }
}

static void limits_lengths(void **state)
{
    char text[EMAIL_SUBJECT_MAX + 200], name[CAMPAIGN_NAME_MAX + 2];
    struct campaign_content content;
    struct email_error why;
    json_t *body;

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        memset(name, 'n', CAMPAIGN_NAME_MAX + more);
        name[CAMPAIGN_NAME_MAX + more] = 0;
        snprintf(text, sizeof text, "{" MINIMAL ",\"name\":\"%s\"}", name);
        assert_int_equal(read(text, &content, &why, &body), more == 0);
        campaign_fini(&content);
        json_decref(body);
    }
    assert_non_null(strstr(why.error.text, "it has 201 bytes"));
}

static void knows_ids(void **state)
{
    (void)state;
    assert_true(campaign_id_valid("f482ce8c-fa37-4005-81ac-61ac2682a890"));
    assert_true(campaign_id_valid("F482CE8C-FA37-4005-81AC-61AC2682A890"));
    assert_false(campaign_id_valid(""));
    assert_false(campaign_id_valid("f482ce8c-fa37-4005-81ac-61ac2682a89"));
    assert_false(campaign_id_valid("f482ce8c-fa37-4005-81ac-61ac2682a8901"));
    assert_false(campaign_id_valid("f482ce8cafa37-4005-81ac-61ac2682a890"));
    assert_false(campaign_id_valid("g482ce8c-fa37-4005-81ac-61ac2682a890"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(refuses),
        cmocka_unit_test(limits_lengths),
        cmocka_unit_test(knows_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
