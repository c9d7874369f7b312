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
        const char *event, *reaction;
    } cases[] = {
        {"[\"delivered\"]", "done", false, "clicked", "clicked"},
        {"[\"delivered\",\"bounced\"]", "done", false, "bounced", "opened"},
        {"[\"delivered\",\"queued\"]", "claimed", false, "sent", "opened"},
        {"[\"queued\"]", "ready", true, "scheduled", NULL},
        {"[\"queued\"]", "ready", false, "queued", NULL},
        {"[\"queued\"]", "claimed", false, "queued", NULL},
        {"[\"delivered\"]", "done", false, "delivered", NULL},
        {"[\"delivered\",\"delivered\"]", "done", false, "delivered", NULL},
        {"[\"delivered\",\"queued\"]", "claimed", false, "sent", NULL},
        {"[\"in_doubt\"]", "done", false, "sent", NULL},
        {"[\"deferred\",\"delivered\"]", "done", true, "delivery_delayed",
         NULL},
        {"[\"delivered\",\"bounced\",\"deferred\"]", "done", false, "bounced",
         NULL},
        {"[\"expired\",\"delivered\"]", "done", false, "failed", NULL},
        {"[\"suppressed\"]", "done", false, "suppressed", NULL},
        {"[\"cancelled\"]", "done", false, "canceled", NULL},
        {"[\"cancelled\"]", "cancelled", true, "canceled", NULL},
        {"[]", "ready", false, "queued", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        JSON_DECREF json_t *names = json_loads(cases[i].outcomes, 0, NULL);
        JSON_DECREF json_t *recipients = json_array();

        for (size_t k = 0; k < json_array_size(names); k++)
            json_array_append_new(
                recipients,
                json_pack("{s:O}", "outcome", json_array_get(names, k)));
        assert_string_equal(email_view_last_event(recipients, cases[i].state,
                                                  cases[i].later,
                                                  cases[i].reaction),
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

        assert_string_equal(
            email_view_last_event(recipients, "done", false, NULL),
            cases[i].event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_last_event),
                                       cmocka_unit_test(test_told_later)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
