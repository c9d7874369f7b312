#include "render/content.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* What is asked of servers, as POST /emails and /campaigns have it, and as the
 * session says it. */
static const struct {
    const char *dsn, *notify, *ret, *envid;
} cases[] = {
    {"null", "", NULL, ""},
    {"{}", "", NULL, ""},
    {"{\"notify\":\"never\"}", "NEVER", NULL, ""},
    {"{\"notify\":[\"delay\",\"success\",\"failure\"],\"return\":\"headers\"}",
     "DELAY,SUCCESS,FAILURE", "HDRS", ""},
    {"{\"notify\":[\"failure\"],\"return\":\"full\",\"envid\":\"a b\"}",
     "FAILURE", "FULL", "a b"},
    {"{\"notify\":null,\"return\":null,\"envid\":null}", "", NULL, ""},
};

static void same(const struct content *c, size_t i, bool require_tls)
{
    const struct content_transfer *t = &c->transfer;

    assert_non_null(c->message);
    assert_string_equal(t->notify, cases[i].notify);
    assert_string_equal(t->ret ? t->ret : "", cases[i].ret ? cases[i].ret : "");
    assert_string_equal(t->envid, cases[i].envid);
    assert_int_equal(t->require_tls, require_tls);
}

static void knows_what_to_ask_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct content_campaign row = {.sender = "a@x.example",
                                             .subject = "s",
                                             .text = "t",
                                             .dsn = cases[i].dsn,
                                             .require_tls = i % 2 == 0};
        struct content *c = content_of_campaign(&row);
        char json[512];

        same(c, i, i % 2 == 0);
        content_free(c);
        int n =
            snprintf(json, sizeof json,
                     "{\"from\":\"a@x.example\",\"to\":[\"b@y.example\"],"
                     "\"subject\":\"s\",\"text\":\"t\",\"dsn\":%s%s}",
                     cases[i].dsn, i % 2 == 0 ? ",\"require_tls\":true" : "");
        c = content_of_email(json, (size_t)n);
        same(c, i, i % 2 == 0);
        content_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(knows_what_to_ask_for)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
