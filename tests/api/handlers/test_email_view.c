#include "api/handlers/email_view.h"
#include "api/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_last_event(void **state)
{
    static const struct {
        const char *outcomes, *state;
        bool later;
        const char *event;
    } cases[] = {
        {"[\"queued\"]", "ready", true, "scheduled"},
        {"[\"queued\"]", "ready", false, "queued"},
        {"[\"queued\"]", "claimed", false, "queued"},
        {"[\"delivered\"]", "done", false, "delivered"},
        {"[\"delivered\",\"delivered\"]", "done", false, "delivered"},
        {"[\"delivered\",\"queued\"]", "claimed", false, "sent"},
        {"[\"in_doubt\"]", "done", false, "sent"},
        {"[\"deferred\",\"delivered\"]", "done", true, "delivery_delayed"},
        {"[\"delivered\",\"bounced\",\"deferred\"]", "done", false, "bounced"},
        {"[\"expired\",\"delivered\"]", "done", false, "failed"},
        {"[\"suppressed\"]", "done", false, "suppressed"},
        {"[\"cancelled\"]", "done", false, "canceled"},
        {"[\"cancelled\"]", "cancelled", true, "canceled"},
        {"[]", "ready", false, "queued"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        JSON_DECREF json_t *names = json_loads(cases[i].outcomes, 0, NULL);
        JSON_DECREF json_t *recipients = json_array();

        for (size_t k = 0; k < json_array_size(names); k++)
            json_array_append_new(
                recipients,
                json_pack("{s:O}", "outcome", json_array_get(names, k)));
        assert_string_equal(
            email_view_last_event(recipients, cases[i].state, cases[i].later),
            cases[i].event);
    }
}

/* What was told later, of one of two that were delivered. */
static void test_told_later(void **state)
{
    static const struct {
        const char *later, *event;
    } cases[] = {
        {"[]", "delivered"},
        {"[{\"event\":\"bounced\"}]", "bounced"},
        {"[{\"event\":\"complained\"}]", "complained"},
        {"[{\"event\":\"bounced\"},{\"event\":\"complained\"}]", "complained"},
        {"[{}]", "delivered"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        JSON_DECREF json_t *recipients = json_pack(
            "[{s:s,s:o},{s:s}]", "outcome", "delivered", "later",
            json_loads(cases[i].later, 0, NULL), "outcome", "delivered");

        assert_string_equal(email_view_last_event(recipients, "done", false),
                            cases[i].event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_last_event),
                                       cmocka_unit_test(test_told_later)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
